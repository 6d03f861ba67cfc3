// Finds and loads the compiled addon, and gives it its types. Once per thread: a worker loads its own.

import { createRequire } from 'node:module';
import { CoreactorError } from '../kernel/errors.ts';

/** The addon as it is: -errno on failure, no checks. Only this layer's neighbours call it. */
export interface Addon {
  available: string[];
  NativeSelector: new (name: string, rows: Int32Array) => NativeSelectorObject;
  /** Arguments and result of receive() and transmit() cross in the frame (frame.ts). */
  attachFrame(frame: Int32Array): Int32Array;
  receive(view?: Uint8Array): void;
  transmit(view?: Uint8Array): void;
  registerBuffer(view: Uint8Array): number;
  releaseBuffer(id: number): boolean;
  isAddress(host: string): boolean;
  listenTcp(host: string, port: number, backlog: number, reusePort: boolean, dualStack: boolean): number;
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

export interface NativeSelectorObject {
  readonly name: string;
  readonly edges: boolean;
  readonly lazy: boolean;
  readonly fd: number;
  add(fd: number, interest: number, token: number): number;
  modify(fd: number, interest: number, token: number): number;
  remove(fd: number): number;
  attachMailbox(inbox: Uint8Array, outbox: Uint8Array, orders: Int32Array): number;
  wait(ms: number): number;
  flush(): number;
  wake(): number;
  watchSignals(interrupts: boolean, inquiries: boolean): boolean;
  unwatchSignals(): void;
  close(): void;
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  // From src/native and from dist/bundle alike, the package's root is two folders up.
  for (const path of ['../../build/Release/coreactor.node', '../../build-cmake/Release/coreactor.node']) {
    try {
      return require(path) as Addon;
    } catch (error) {
      reasons.push(`  ${path}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new CoreactorError(
    'ERR_COREACTOR_ADDON',
    `the native addon of coreactor cannot be loaded on ${process.platform}-${process.arch}, Node ${process.version}:\n` +
      `${reasons.join('\n')}\nBuild it with "npx node-gyp rebuild" in the package's folder (a C++17 compiler is needed).`,
  );
}

export const addon: Addon = load();
