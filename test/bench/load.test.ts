// The load generator of the echo benches, against servers that answer as it should not be.

import { execFile } from 'node:child_process';
import net from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { C_COMPILER, compile } from '../../bench/harness/build.js';

const run = promisify(execFile);
const compiles =
  process.platform === 'linux' &&
  (await run(C_COMPILER, ['--version']).then(
    () => true,
    () => false,
  ));

/** What the load says of a server, beside one that answers at once. One connection, messages of 1 B, 1 ms of warm-up. */
async function load(
  answer: (count: number, send: () => void) => void,
  windowMs: number,
  rate: number,
): Promise<string> {
  const listen = async (take: typeof answer): Promise<[net.Server, port: string]> => {
    const server = net.createServer({ noDelay: true }, (socket) => {
      let count = 0;
      socket.on('error', () => {}); // it ends by a reset
      socket.on('data', (data) => take(++count, () => socket.write(data)));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return [server, String((server.address() as net.AddressInfo).port)];
  };
  const [measured, port] = await listen(answer);
  const [reference, referencePort] = await listen((_, send) => send());
  const pid = String(process.pid);
  const args = [port, pid, '1', '1', '1', String(windowMs), String(rate), referencePort, pid];
  try {
    const { stdout } = await run(await compile('load'), args).catch((error) => error as { stdout: string });
    return stdout;
  } finally {
    measured.close();
    reference.close();
  }
}

test.runIf(compiles)('with a rate, what a server holds up to the end of a slice is in its latency', async () => {
  const HELD_MS = 1000;
  // Long after the slice of 100 ms, of which it is one in the middle. So are those that would have gone after it.
  const late = await load((count, send) => void (count === 62 ? setTimeout(send, HELD_MS) : send()), 100, 1000);
  expect(JSON.parse(late).maxNs).toBeGreaterThan((HELD_MS / 2) * 1e6);
});

test.runIf(compiles)(
  'a pause in one slice of five is in the p99 of all, and not in that of the slice in the middle',
  async () => {
    const HELD_MS = 50;
    const paused = await load((count, send) => void (count === 150 ? setTimeout(send, HELD_MS) : send()), 500, 1000);
    const { p99Ns, p99OfSliceNs } = JSON.parse(paused);
    expect(p99Ns).toBeGreaterThan((HELD_MS / 2) * 1e6);
    expect(p99OfSliceNs).toBeLessThan(p99Ns);
  },
);

test.runIf(compiles)('what two slices of four have is not in that of the slice in the middle', async () => {
  const HELD_MS = 1000;
  const paused = (count: number): boolean => count === 150 || count === 300;
  const halves = await load((count, send) => void (paused(count) ? setTimeout(send, HELD_MS) : send()), 400, 1000);
  const { p99Ns, p99OfSliceNs } = JSON.parse(halves);
  expect(p99OfSliceNs).toBeLessThan(p99Ns / 4);
});

test.runIf(compiles)(
  'a server that answers nothing in the window is blamed itself, and a window of nothing is no crash',
  async () => {
    // The first is that of the opening, the second that of the warm-up.
    const mute = await load((count, send) => void (count > 2 ? setTimeout(send, 3000) : send()), 50, 0);
    expect(JSON.parse(mute).error).toMatch(/^no answer at all.* in the window/);
    expect(JSON.parse(await load((_, send) => send(), 0, 0)).error).toMatch(/no answer at all/);
  },
);
