// UDP: datagrams whole, empty, cut, in batches, to one peer and to many, and multicasts.

import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import {
  type Coroutine,
  createTask,
  type DatagramSocket,
  gather,
  run,
  type SocketOptions,
  sleep,
  timeout,
  udp,
} from '../../src/index.ts';
import { formatIpv6 } from '../../src/net/datagram-row.ts';
import { countDescriptors } from '../support/descriptors.ts';

function runs(body: () => Coroutine<void>): void {
  const before = countDescriptors();
  run(() => timeout(10_000, body) as Coroutine<void>);
  expect(countDescriptors()).toBe(before);
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const noIpv6 = hasIpv6 ? '' : ' [skipped: this machine has no ::1]';

/** The code of what the operation throws. */
function* codeOf(operation: Coroutine<unknown>): Coroutine<string> {
  try {
    yield* operation;
    return 'nothing';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const [HOST, ANY] = ['127.0.0.1', { host: '127.0.0.1' }];

test('H9: a datagram arrives whole, with its sender, who gets the answer', () => {
  runs(function* () {
    const [server, client] = [udp(ANY), udp(ANY)];
    const waiting = createTask(() => server.recvFrom(100));
    yield* sleep(0);
    expect(waiting.done).toBe(false);
    expect(yield* client.sendTo(Buffer.from('question'), server.localAddress)).toBe(8);
    const { data, address, truncated } = yield* waiting;
    expect([data.toString(), address, truncated]).toEqual(['question', client.localAddress, false]);
    yield* server.sendTo(Buffer.from('answer'), address);
    expect((yield* client.recvFrom(100)).data.toString()).toBe('answer');
  });
});

test('an empty datagram is a datagram; one that is too long is cut, and says so', () => {
  runs(function* () {
    const [server, client] = [udp(ANY), udp(ANY)];
    expect(yield* client.sendTo(Buffer.alloc(0), server.localAddress)).toBe(0);
    yield* client.sendTo(Buffer.from('0123456789'), server.localAddress);
    yield* client.sendTo(Buffer.from('next'), server.localAddress);
    expect(yield* server.recvFrom(4)).toMatchObject({ data: Buffer.alloc(0), truncated: false });
    expect(yield* server.recvFrom(4)).toMatchObject({ data: Buffer.from('0123'), truncated: true });
    expect(yield* server.recvFrom(4)).toMatchObject({ data: Buffer.from('next'), truncated: false });
  });
});

test('a batch that was fetched for a long one is cut for a short one', () => {
  runs(function* () {
    const [server, client] = [udp(ANY), udp(ANY)];
    for (const text of ['first', 'second', 'third']) yield* client.sendTo(Buffer.from(text), server.localAddress);
    yield* sleep(1);
    const first = yield* server.recvFrom(100);
    expect(first.data.toString()).toBe('first');
    expect(yield* server.recvFrom(3)).toMatchObject({ data: Buffer.from('sec'), truncated: true });
    expect(yield* server.recvFrom(100)).toMatchObject({ data: Buffer.from('third'), truncated: false });
    yield* client.sendTo(Buffer.from('later'), server.localAddress);
    yield* server.recvFrom(100);
    expect(first.data.toString()).toBe('first'); // no later batch lies over it
  });
});

test('many datagrams keep their order, and a cancelled receive loses none', () => {
  runs(function* () {
    const [server, client] = [udp(ANY), udp(ANY)];
    server.setOption('receiveBuffer', 1_000_000);
    const got: number[] = [];
    const reader = function* (): Coroutine<void> {
      for (;;) got.push((yield* server.recvFrom(2000)).data.readUInt32BE());
    };
    let task = createTask(reader);
    for (let i = 0; i < 500; i++) {
      const data = Buffer.alloc(4 + (i % 50));
      data.writeUInt32BE(i);
      yield* client.sendTo(data, server.localAddress);
      if (i % 37 === 0) {
        yield* sleep(0);
        task.cancel();
        yield* sleep(0);
        task = createTask(reader);
      }
    }
    while (got.length < 500) yield* sleep(1);
    expect(got).toEqual([...Array(500).keys()]);
    task.cancel();
  });
});

test('sendMany() sends in order, to many and to the connected peer, and says how many went before one that is refused', () => {
  runs(function* () {
    const [one, two, client] = [udp(ANY), udp(ANY), udp(ANY)];
    one.setOption('receiveBuffer', 1_000_000);
    const data = (i: number): Buffer => Buffer.from([i & 255]);
    const to = [one.localAddress, two.localAddress];
    const all = Array.from({ length: 100 }, (_, i) => ({
      data: data(i),
      address: to[i % 2] as { host: string; port: number },
    }));
    expect(yield* client.sendMany(all)).toBe(100);
    for (let i = 0; i < 100; i += 2) expect([...(yield* one.recvFrom(10)).data]).toEqual([i]);
    for (let i = 1; i < 100; i += 2) expect([...(yield* two.recvFrom(10)).data]).toEqual([i]);
    client.connect(one.localAddress);
    expect(
      yield* client.sendMany([{ data: data(7) }, { data: data(8), address: two.localAddress }, { data: data(9) }]),
    ).toBe(3);
    for (const i of [7, 9]) expect([...(yield* one.recvFrom(10)).data]).toEqual([i]);
    expect([...(yield* two.recvFrom(10)).data]).toEqual([8]);
    expect(yield* client.sendMany([])).toBe(0);

    let error: unknown;
    try {
      yield* client.sendMany([
        { data: data(1) },
        { data: data(2) },
        { data: Buffer.alloc(100_000) },
        { data: data(3) },
      ]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'EMSGSIZE', sent: 2 });
    for (const i of [1, 2]) expect([...(yield* one.recvFrom(10)).data]).toEqual([i]);
  });
});

test('a connected socket hears its peer only, and is told when nobody listens there; an unconnected one goes on', () => {
  runs(function* () {
    const [server, stranger, client] = [udp(ANY), udp(ANY), udp(ANY)];
    client.connect(server.localAddress);
    expect(client.remoteAddress).toEqual(server.localAddress);
    yield* stranger.sendTo(Buffer.from('psst'), client.localAddress);
    yield* client.send(Buffer.from('hello'));
    const { address } = yield* server.recvFrom(10);
    yield* server.sendTo(Buffer.from('hi'), address);
    expect((yield* client.recvFrom(10)).data.toString()).toBe('hi');

    server.close();
    yield* client.send(Buffer.from('anybody?'));
    expect(yield* codeOf(client.recvFrom(10) as Coroutine<unknown>)).toBe('ECONNREFUSED');

    yield* stranger.sendTo(Buffer.from('nobody'), address); // to the client's port: it is there
    client.close();
    yield* stranger.sendTo(Buffer.from('nobody'), address); // now it is not, and nothing happens
    const waiting = createTask(() => stranger.recvFrom(10));
    yield* sleep(5);
    expect(waiting.done).toBe(false);
    waiting.cancel();
  });
});

test('S71: closing it wakes who waits with ClosedError; a second reader is busy; a closed one refuses everything', () => {
  runs(function* () {
    const socket = udp(ANY);
    const first = createTask(() => socket.recvFrom(10));
    yield* sleep(0);
    expect(yield* codeOf(socket.recvFrom(10) as Coroutine<unknown>)).toBe('ERR_COREACTOR_BUSY');
    socket.close();
    socket.close();
    expect(yield* codeOf(first as unknown as Coroutine<unknown>)).toBe('ERR_COREACTOR_CLOSED');
    expect(() => socket.recvFrom(10)).toThrow(/closed/);
    expect(yield* codeOf(socket.sendTo(Buffer.alloc(1), { host: HOST, port: 9 }) as Coroutine<unknown>)).toBe(
      'ERR_COREACTOR_CLOSED',
    );
    expect(() => socket.connect({ port: 9 })).toThrow(/closed/);
    expect(() => socket.join('239.1.2.3')).toThrow(/closed/);
    expect(() => socket.setOption('broadcast', true)).toThrow(/closed/);
  });
});

test('what cannot be is refused with advice', () => {
  runs(function* () {
    const socket = udp(ANY);
    expect(() => socket.recvFrom(0)).toThrow(RangeError);
    expect(() => socket.sendTo('text' as never, socket.localAddress)).toThrow(/encode strings/);
    expect(() => socket.sendTo(Buffer.alloc(1), { host: 'example.com', port: 1 })).toThrow(/IP address/);
    expect(() => socket.sendTo(Buffer.alloc(1), { host: HOST, port: 70_000 })).toThrow(/0 to 65535/);
    expect(() => udp({ port: -1 })).toThrow(RangeError);
    expect(() => udp(socket.localAddress)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => socket.join('no address')).toThrow(/give an IP address/);
    expect(() => socket.join('127.0.0.1')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => socket.join('239.1.2.3', 'nothing0')).toThrow(expect.objectContaining({ code: 'ENODEV' }));
    expect(yield* codeOf(socket.sendTo(Buffer.alloc(100_000), socket.localAddress) as Coroutine<unknown>)).toBe(
      'EMSGSIZE',
    );
    expect(
      yield* codeOf(socket.sendTo(Buffer.alloc(1), { host: '255.255.255.255', port: 9 }) as Coroutine<unknown>),
    ).toMatch(/EACCES|ENETUNREACH/);
  });
});

test('options: what is set can be read again', () => {
  runs(function* () {
    for (const host of hasIpv6 ? [HOST, '::1'] : [HOST]) {
      const socket = udp({ host });
      const options: Partial<SocketOptions> = { broadcast: true, ttl: 7, multicastTtl: 3, multicastLoop: false };
      for (const [name, value] of Object.entries(options)) {
        socket.setOption(name as keyof SocketOptions, value as never);
        expect([name, socket.getOption(name as keyof SocketOptions)]).toEqual([name, value]);
      }
    }
    yield* sleep(0);
  });
});

test('two sockets share a port only if both ask for it', () => {
  runs(function* () {
    const one = udp(ANY, { reusePort: true });
    expect(() => udp(one.localAddress)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    using other = udp(one.localAddress, { reusePort: true });
    expect(other.localAddress).toEqual(one.localAddress);
    yield* sleep(0);
  });
});

test.skipIf(!hasIpv6)(`IPv6, and IPv4 on a socket of both${noIpv6}`, () => {
  runs(function* () {
    const [six, both, four] = [udp({ host: '::1' }), udp(), udp(ANY)];
    const { port } = both.localAddress;
    yield* six.sendTo(Buffer.from('six'), { host: '::1', port });
    yield* four.sendTo(Buffer.from('four'), { host: HOST, port });
    const seen = [yield* both.recvFrom(10), yield* both.recvFrom(10)];
    expect(seen.map(({ data, address }) => [data.toString(), address])).toEqual([
      ['six', six.localAddress],
      ['four', { host: `::ffff:${HOST}`, port: four.localAddress.port }],
    ]);
    yield* both.sendTo(Buffer.from('back'), (seen[1] as { address: { host: string; port: number } }).address);
    expect((yield* four.recvFrom(10)).address).toEqual({ host: HOST, port });
    const only = udp({ host: '::' }, { ipv6Only: true });
    expect(() => udp({ host: '0.0.0.0', port: only.localAddress.port }).close()).not.toThrow();
  });
});

// lo has no route for the multicasts of IPv6, so another interface carries them; none leaves the machine (a TTL of 0).
const other = Object.entries(networkInterfaces()).find(([, all]) =>
  all?.some((one) => one.family === 'IPv6' && !one.internal),
);
const groups = [
  ['IPv4', '0.0.0.0', '239.77.1.2', 'lo'],
  ['IPv6', '::', 'ff15::7712', other?.[0] ?? ''],
] as const;
test.each(groups)(
  'a group hears what is sent to it, from join() to leave(): %s over %s %s %s',
  (_, host, group, device) => {
    if (device === '') return console.log('skipped: no interface but lo has IPv6 on this machine');
    runs(function* () {
      const members = [udp({ host }, { reuseAddress: true })];
      const port = members[0]?.localAddress.port as number;
      members.push(udp({ host, port }, { reuseAddress: true }));
      for (const member of members) member.join(group, device);
      const sender = udp({ host });
      sender.setMulticastInterface(device);
      sender.setOption('multicastTtl', 0);
      const tell = (text: string): Coroutine<number> =>
        sender.sendTo(Buffer.from(text), { host: group, port }) as Coroutine<number>;
      yield* tell('hello');
      const heard = yield* gather(members.map((member) => member.recvFrom(100)));
      expect(heard.map(({ data }) => data.toString())).toEqual(['hello', 'hello']);
      const [stays, leaves] = members as [DatagramSocket, DatagramSocket];
      leaves.leave(group, device);
      stays.setOption('multicastLoop', true);
      yield* tell('again');
      expect((yield* stays.recvFrom(100)).data.toString()).toBe('again');
      expect(() => stays.join(group, device)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    });
  },
);

test('addresses of IPv6 are written as everybody writes them', () => {
  const bytes = (text: string): Uint8Array =>
    Uint8Array.from(
      text.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
    );
  for (const [from, to] of [
    ['0:0:0:0:0:0:0:1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['fe80:0:0:0:0:0:0:1', 'fe80::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['0:0:1:10:100:1000:a0:0', '::1:10:100:1000:a0:0'],
    ['0:0:0:0:0:ffff:7f00:1', '::ffff:127.0.0.1'],
  ] as const) {
    expect([from, formatIpv6(bytes(from), 0)]).toEqual([from, to]);
  }
  expect(formatIpv6(bytes('fe80:0:0:0:0:0:0:1'), 2)).toBe('fe80::1%2');
});
