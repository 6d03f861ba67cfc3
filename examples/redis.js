// A Redis client in sixty lines: RESP over a socket, with pipelining. Start redis-server first, then:
//
//   node examples/redis.js [--host 127.0.0.1] [--port 6379]

import { parseArgs } from 'node:util';
import { connect, gather, Queue, run, taskGroup } from 'coreactor';

const { values } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '6379' } },
});

/** @param {unknown[]} words */
function encode(words) {
  const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}

/** One reply, whatever it is. @param {import('coreactor').BufferedReader} reader @returns {import('coreactor').Coroutine<any>} */
function* reply(reader) {
  const line = yield* reader.readLine();
  if (line === null) throw new Error('redis has closed the connection');
  const rest = line.slice(1);
  switch (line[0]) {
    case '+':
      return rest;
    case '-':
      return new Error(rest); // of one command: the connection goes on
    case ':':
      return Number(rest);
    case '$': {
      if (rest === '-1') return null;
      const data = yield* reader.readExactly(Number(rest) + 2);
      return data.toString('utf8', 0, data.length - 2);
    }
    case '*': {
      const items = [];
      for (let i = 0; i < Number(rest); i++) items.push(yield* reply(reader));
      return items;
    }
    default:
      throw new Error(`no RESP: ${line}`);
  }
}

// Commands go out as they come, replies come back in the same order: one task sends, one receives, and any number wait.
class Redis {
  #commands = new Queue();
  #waiting = new Queue();

  /** @param {import('coreactor').Socket} socket @param {(redis: Redis) => import('coreactor').Coroutine<void>} body */
  static *use(socket, body) {
    const redis = new Redis();
    yield* taskGroup(function* (group) {
      group.createTask(redis.#send(socket));
      group.createTask(redis.#receive(socket.reader()));
      yield* body(redis);
      group.cancel();
    });
  }

  /** @param {unknown[]} words */
  *command(...words) {
    const answer = new Queue(1);
    this.#waiting.putNowait(answer);
    this.#commands.putNowait(encode(words));
    const result = yield* answer.get();
    if (result instanceof Error) throw result;
    return result;
  }

  /** @param {import('coreactor').Socket} socket */
  *#send(socket) {
    for (;;) {
      const batch = [yield* this.#commands.get()];
      while (!this.#commands.empty) batch.push(this.#commands.getNowait());
      yield* socket.sendAll(batch);
    }
  }

  /** @param {import('coreactor').BufferedReader} reader */
  *#receive(reader) {
    for (;;) {
      const result = yield* reply(reader);
      this.#waiting.getNowait().putNowait(result);
    }
  }
}

run(function* () {
  const socket = yield* connect({ host: values.host, port: Number(values.port) });
  yield* Redis.use(socket, function* (redis) {
    console.log(yield* redis.command('PING'));
    yield* redis.command('DEL', 'n');
    const numbers = yield* gather(Array.from({ length: 1000 }, () => redis.command('INCR', 'n'))); // none waits for another
    console.log(`counted to ${numbers.at(-1)}`);
    yield* redis.command('RPUSH', 'list', 'a', 'b', 'c');
    console.log(yield* redis.command('LRANGE', 'list', 0, -1));
    yield* redis.command('DEL', 'n', 'list');
    try {
      yield* redis.command('NONSENSE');
    } catch (error) {
      console.log(`refused: ${/** @type {Error} */ (error).message}`);
    }
  });
});
