// Finds and loads the compiled addon, and gives it its types. Once per thread: a worker loads its own.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { CoreactorError } from '../kernel/errors.ts';

/** The addon as it is: -errno on failure, no checks. Only this layer's neighbours call it. */
export interface Addon {
  available: string[];
  /** Whether it was loaded on the thread that the process began with. */
  isMainThread: boolean;
  HostWatch: new (selector: NativeSelectorObject, callback: () => void, threaded: boolean) => HostWatchObject;
  NativeSelector: new (name: string, rows: Int32Array) => NativeSelectorObject;
  /** Arguments and result of receive() and transmit() cross in the frame (frame.ts). */
  attachFrame(frame: Int32Array): Int32Array;
  receive(view?: Uint8Array): void;
  transmit(view?: Uint8Array): void;
  registerBuffer(view: Uint8Array): number;
  releaseBuffer(id: number): boolean;
  isAddress(host: string): boolean;
  listenTcp(host: string, port: number, backlog: number, reusePort: boolean, dualStack: boolean): number;
  /** Holds a port for listeners with reusePort, but does not listen. -EADDRINUSE if anybody else has it. */
  holdTcp(host: string, port: number, dualStack: boolean): number;
  connectTcp(host: string, port: number, localHost?: string, localPort?: number): [fd: number, pending: boolean];
  listenUnix(path: string, backlog: number): number;
  openUnix(): number;
  /** -EAGAIN while the listener's queue is full. */
  connectUnix(fd: number, path: string): number;
  /** The bytes that the path of a Unix socket may have, with the NUL at its end. */
  mostPathBytes: number;
  Lookup: new (host: string, family: number) => LookupObject;
  /** As Lookup.take(), but blocks. */
  lookUpNow(host: string): string[] | number;
  /** What is not closed here, of this or of a selector's connections, is when the thread ends. */
  accept(fd: number): number;
  socketError(fd: number): number;
  closeDescriptor(fd: number): number;
  shutdown(fd: number, how: number): number;
  setOption(fd: number, name: string, value: number): number;
  getOption(fd: number, name: string): [value: number] | number;
  setResetOnClose(fd: number): number;
  transmitMany(fd: number, views: readonly Uint8Array[], from: number, done: number): number;
  sendFile(to: number, file: number, offset: number, length: number): number;
  openDatagram(host: string, port: number, reuseAddress: boolean, reusePort: boolean, dualStack: boolean): number;
  connectDatagram(fd: number, host: string, port: number): number;
  receiveDatagrams(fd: number, slots: Uint8Array, slot: number, most: number, rows: Int32Array): number;
  sendDatagram(fd: number, bytes: Uint8Array, host?: string, port?: number): number;
  sendDatagrams(fd: number, bytes: Uint8Array[], hosts?: string[], ports?: number[]): number;
  setMembership(fd: number, group: string, device: string, joins: boolean): number;
  setMulticastInterface(fd: number, device: string): number;
  accessMode(fd: number): number;
  readyNow(fd: number): number;
  setNonBlocking(fd: number, on: boolean): number;
  makePipe(): [reader: number, writer: number] | number;
  duplicate(fd: number): number;
  /** A number that two descriptors share if they are of one file. */
  identify(fd: number): number;
  /** A byte into a pipe: -EAGAIN if it is full, -EPIPE if nobody reads it. */
  tell(fd: number, byte: number): number;
  /** What is in a pipe, as text: -EAGAIN if it is empty, -EPIPE at its end. */
  hear(fd: number): string | number;
  /** Sends a descriptor into a pipe: from then on it is another thread's to close. -EAGAIN if the pipe is full. */
  handOver(pipe: number, fd: number): number;
  /** Takes one out. -EAGAIN if there is none, -EPIPE if nobody can send any more. */
  takeOver(pipe: number): number;
  SignalWatcher: new (signals: number[]) => SignalWatcherObject;
  spawn(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    stdin: number,
    stdout: number,
    stderr: number,
    ownGroup: boolean,
  ): number;
  openPidfd(pid: number): number;
  reap(pid: number): [code: number, signal: number] | number;
  kill(pid: number, signal: number): number;
  openInotify(): number;
  addWatch(fd: number, path: string, events: number): number;
  removeWatch(fd: number, watch: number): number;
  localAddress(fd: number): AddressParts | number;
  remoteAddress(fd: number): AddressParts | number;
}

export type AddressParts = [host: string, port: number] | [path: string];

/** A pipe in which signals arrive, each as a byte. */
export interface SignalWatcherObject {
  /** The end to read from, which its reader closes; -errno if it could not be had. */
  readonly fd: number;
  /** Gives back the handlers that were there before. */
  close(): void;
}

/** The addresses of a name, looked up by another thread. */
export interface LookupObject {
  /** Readable when the answer is there; -errno if it could not be asked for. */
  readonly fd: number;
  /** The hosts, the number of an error, or null if there is no answer yet. */
  take(): string[] | number | null;
  /** Drops the answer. */
  close(): void;
}

/** Calls back in the host's own loop when a selector has something to say. */
export interface HostWatchObject {
  /** -errno if it could not be started, else 0. */
  readonly error: number;
  /** To be called before the host sleeps. */
  arm(): void;
  /** Whether it keeps the host's loop alive. */
  ref(on: boolean): void;
  close(): void;
}

export interface NativeSelectorObject {
  readonly name: string;
  readonly edges: boolean;
  readonly lazy: boolean;
  readonly fd: number;
  add(fd: number, interest: number, token: number): number;
  modify(fd: number, interest: number, token: number): number;
  remove(fd: number): number;
  attachMailbox(inbox: Uint8Array, outbox: Uint8Array, orders: Int32Array): number;
  detachMailbox(): void;
  wait(ms: number): number;
  flush(): number;
  wake(): number;
  watchSignals(interrupts: boolean, inquiries: boolean): boolean;
  unwatchSignals(): void;
  close(): void;
}

/** Where it may lie: built in a checkout, by a user, or by who made the package, who has built two for Linux. */
function places(): string[] {
  const { platform, arch } = process;
  const name = `${platform}-${arch}`;
  // glibc never loads an addon for musl. Musl takes libc.so.6 for itself, and may load one for glibc.
  const made = platform === 'linux' ? [`${name}-musl`, name] : [name];
  return ['build/Release', 'native/build/Release', 'build-cmake/Release', ...made.map((each) => `prebuilds/${each}`)];
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const place of places()) {
    try {
      // From src/native and from dist/bundle alike, the package's root is two folders up.
      return require(`../../${place}/coreactor.node`) as Addon;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === 'MODULE_NOT_FOUND' ? 'is not there' : message.split('\n')[0];
      reasons.push(`  ${place}/coreactor.node: ${reason}`);
    }
  }
  throw new CoreactorError('ERR_COREACTOR_ADDON', `${adviceFor(process.platform)}\n${reasons.join('\n')}`);
}

function adviceFor(platform: string): string {
  if (platform === 'win32') {
    return 'coreactor does not run on Windows: it has no selector for it yet. Use it in WSL, a container or a virtual machine.';
  }
  const sources = fileURLToPath(new URL('../../native', import.meta.url));
  return (
    `coreactor has no native addon that can be loaded on ${platform}-${process.arch}, ${runtime()}. Build one: in ` +
    "your program's folder, with Python 3, make and a C++17 compiler, run " +
    `"npm install --no-save node-addon-api node-gyp && npx node-gyp rebuild --directory '${sources}'". What was tried:`
  );
}

function runtime(): string {
  const { bun, deno, node } = process.versions;
  return bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`;
}

export const addon: Addon = load();
