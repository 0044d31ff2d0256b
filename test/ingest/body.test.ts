import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import zlib, { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { type FaultCode, isFault } from '../../src/errors.ts';
import { type BodyOptions, decodedBody } from '../../src/ingest/body.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const limits = { encoding: undefined, maxBytes: 1 << 20 } satisfies BodyOptions;
const mebibyte = 1 << 20;

async function read(request: Readable, options: Partial<BodyOptions> = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decodedBody(request, { ...limits, ...options })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const pieces = (bytes: Uint8Array, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    Buffer.from(bytes.subarray(i * size, (i + 1) * size)),
  );

const stream = (...chunks: Uint8Array[]): Readable => Readable.from(chunks, { objectMode: false });

const failsWith = (code: FaultCode, message?: RegExp) => (error: unknown) => {
  assert.ok(isFault(error, code), String(error));
  if (message !== undefined) assert.match(error.message, message);
  return true;
};

const listeners = (emitter: Readable): string[] =>
  ['readable', 'end', 'close', 'error', 'data'].filter((name) => emitter.listenerCount(name) > 0);

const compressors = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: zstdCompressSync,
} satisfies Record<string, (bytes: Uint8Array) => Buffer>;

const text = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ id: i, text: `event ${i * i}` }))));

describe('decodedBody', () => {
  for (const encoding of [undefined, '', 'identity', ' Identity ']) {
    test(`as it is: ${JSON.stringify(encoding)}`, async () => {
      const request = stream(...pieces(text, 1000));
      assert.deepEqual(await read(request, { encoding }), text);
      assert.deepEqual(listeners(request), []);
      assert.deepEqual(await read(stream(), { encoding }), Buffer.alloc(0));
    });
  }

  for (const encoding of ['deflate', 'compress', 'gzip, br', 'gzip,gzip', 'constructor', 'snappy']) {
    test(`refused before anything is read: ${encoding}`, () => {
      const request = stream(text);
      assert.throws(
        () => decodedBody(request, { ...limits, encoding }),
        failsWith('CONTENT_ENCODING_UNSUPPORTED', /"/),
      );
      assert.deepEqual(listeners(request), []);
      assert.equal(request.readableDidRead, false);
    });
  }

  for (const [encoding, compress] of Object.entries(compressors)) {
    const whole = compress(text);

    test(`${encoding}, cut anywhere`, async () => {
      for (const size of [1, 7, 1000, whole.length]) {
        const request = stream(...pieces(whole, size));
        assert.deepEqual(await read(request, { encoding: size === 7 ? encoding.toUpperCase() : encoding }), text);
        assert.deepEqual(listeners(request), []);
      }
    });

    test(`${encoding} that stops half-way`, async () => {
      const small = compress(text.subarray(0, 300));
      for (let length = 0; length < small.length; length += 1) {
        const body = read(stream(small.subarray(0, length)), { encoding });
        await assert.rejects(body, failsWith('BODY_INCOMPLETE', /half-way/), `${length} of ${small.length} bytes`);
      }
    });

    test(`${encoding} that is none`, async () => {
      await assert.rejects(read(stream(text), { encoding }), failsWith('BODY_CORRUPT', /cannot be decompressed/));
      const damaged = Buffer.from(compress(text));
      damaged.fill(0xff, 20, 60);
      await assert.rejects(read(stream(damaged), { encoding }), (error) => isFault(error) && error.status === 400);
    });

    test(`${encoding} with garbage after its end, in the same chunk or another, zeros included`, async () => {
      for (const garbage of ['[{}]', '\0\0\0', '\0[{}]']) {
        const body = Buffer.concat([whole, Buffer.from(garbage)]);
        for (const chunks of [[body], [whole, Buffer.from(garbage)], pieces(body, 1)]) {
          await assert.rejects(read(stream(...chunks), { encoding }), failsWith('BODY_CORRUPT'));
        }
      }
    });

    test(`D6: ${encoding} bomb is dropped at the limit, in little memory`, async () => {
      const bomb = compress(Buffer.alloc(64 * mebibyte));
      const request = stream(...pieces(bomb, 65_536));
      const before = memory();
      let seen = 0;
      let peak = 0;
      const reading = async (): Promise<void> => {
        for await (const chunk of decodedBody(request, { encoding, maxBytes: 32 * mebibyte })) {
          seen += chunk.length;
          if (seen % (4 * mebibyte) < chunk.length) peak = Math.max(peak, memory() - before);
        }
      };
      await assert.rejects(reading(), failsWith('PACKAGE_TOO_LARGE', /33554432 bytes/));
      assert.ok(seen <= 32 * mebibyte && seen > 31 * mebibyte, `${seen} bytes`);
      assert.ok(peak < 20 * mebibyte, `${peak} bytes`);
    });
  }

  test('several gzip members and zstd frames are one body', async () => {
    for (const encoding of ['gzip', 'zstd'] as const) {
      const body = Buffer.concat(pieces(text, 5000).map((piece) => compressors[encoding](piece)));
      for (const size of [1, body.length])
        assert.deepEqual(await read(stream(...pieces(body, size)), { encoding }), text);
    }
  });

  test('a zstd frame cannot claim a window over 8 MiB', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 };
    const body = zstdCompressSync(Buffer.alloc(9 * mebibyte), { params });
    const request = stream(...pieces(body, 100));
    await assert.rejects(
      read(request, { encoding: 'zstd', maxBytes: 64 * mebibyte }),
      failsWith('BODY_CORRUPT', /memory/),
    );
  });

  test('frames that hold nothing do not go on for ever', async () => {
    const member = gzipSync('');
    const endless = Readable.from(
      (function* empties() {
        for (;;) yield Buffer.concat(Array.from({ length: 100 }, () => member));
      })(),
      { objectMode: false },
    );
    await assert.rejects(read(endless, { encoding: 'gzip', maxBytes: 10_000 }), failsWith('PACKAGE_TOO_LARGE'));
    endless.destroy();
  });

  test('the limit itself is allowed, one byte more is not', async () => {
    for (const [encoding, body] of [
      [undefined, text],
      ['gzip', gzipSync(text)],
    ] as const) {
      assert.equal((await read(stream(body), { encoding, maxBytes: text.length })).length, text.length);
      await assert.rejects(read(stream(body), { encoding, maxBytes: text.length - 1 }), failsWith('PACKAGE_TOO_LARGE'));
    }
  });

  test('a refused request is neither destroyed nor read on, and its later error ends nothing', async () => {
    const request = new PassThrough();
    request.write(text);
    await assert.rejects(read(request, { maxBytes: 10 }), failsWith('PACKAGE_TOO_LARGE'));
    assert.equal(request.destroyed, false);
    assert.deepEqual(
      listeners(request).filter((name) => !['close', 'error', 'end'].includes(name)),
      [],
    );
    request.destroy(new Error('reset, long after'));
    // Not `once`, which would listen for errors itself.
    await new Promise((resolve) => {
      request.on('close', resolve);
    });
    assert.equal(request.listenerCount('error'), 0);
  });

  test('ends with the reason of the signal', async () => {
    const evicting = new AbortController();
    const request = new PassThrough();
    request.write('[');
    const body = decodedBody(request, { ...limits, signal: evicting.signal })[Symbol.asyncIterator]();
    assert.equal(String((await body.next()).value), '[');
    const pending = body.next();
    const reason = new Error('evicted');
    evicting.abort(reason);
    await assert.rejects(pending, (error) => error === reason);
  });

  test('a consumer that stops early leaves nothing behind', async () => {
    for (const encoding of [undefined, 'gzip', 'br', 'zstd'] as const) {
      const request = new PassThrough();
      request.write(encoding === undefined ? text : compressors[encoding](text));
      for await (const chunk of decodedBody(request, { ...limits, encoding })) {
        assert.ok(chunk.length > 0);
        break;
      }
      request.destroy();
      await once(request, 'close');
      assert.equal(request.listenerCount('readable') + request.listenerCount('error'), 0);
    }
  });

  test('silence: BODY_TIMEOUT; the pause of a slow consumer is none', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const request = new PassThrough();
    const body = decodedBody(request, { ...limits, idleTimeoutMs: 1000 })[Symbol.asyncIterator]();
    const first = body.next();
    t.mock.timers.tick(999);
    request.write('[');
    await first;
    t.mock.timers.tick(60_000);
    const second = body.next();
    request.write('1');
    await second;
    const third = body.next();
    await turn();
    t.mock.timers.tick(999);
    request.write(']');
    await third;
    const fourth = body.next();
    const refused = assert.rejects(fourth, failsWith('BODY_TIMEOUT', /1000 ms, after 3 bytes/));
    await turn();
    t.mock.timers.tick(1000);
    await refused;
  });

  test('silence within compressed data: BODY_TIMEOUT', async () => {
    const request = new PassThrough();
    request.write(gzipSync(text).subarray(0, 100));
    await assert.rejects(read(request, { encoding: 'gzip', idleTimeoutMs: 20 }), failsWith('BODY_TIMEOUT'));
  });
});

describe('decodedBody of an HTTP request', () => {
  for (const encoding of ['gzip', 'br', 'zstd'] as const)
    test(`D6: the decompressor of a ${encoding} body that ends abruptly is closed at once, whoever waits for it`, async (t) => {
      const made = decompressorsMade(t);
      const whole = compressors[encoding](text);
      const half = whole.subarray(0, whole.length >> 1);
      const hungUp = await post(t, { encoding, contentLength: whole.length });
      hungUp.socket.write(half);
      while (made.length === 0) await turn();
      hungUp.socket.destroy();
      await assert.rejects(hungUp.outcome, failsWith('BODY_INCOMPLETE'));
      const evicting = new AbortController();
      const evicted = await post(t, { encoding, contentLength: whole.length, signal: evicting.signal });
      evicted.socket.write(half);
      while (made.length === 1) await turn();
      evicting.abort(new Error('evicted'));
      await assert.rejects(evicted.outcome, /evicted/);
      const left = await post(t, { encoding, contentLength: whole.length + 1, isPaused: true });
      left.socket.write(whole);
      for await (const chunk of (await left.started).body) {
        assert.ok(chunk.length > 0);
        break; // the consumer goes away while more is to come
      }
      assert.equal(made.length, 3);
      for (const decompressor of made) {
        assert.ok(decompressor.destroyed);
        // A piece may still be in the thread that decompresses: its memory is freed behind that.
        while (!decompressor.closed || listeners(decompressor).length > 0) await turn();
      }
    });

  test('a producer that hangs up half-way: BODY_INCOMPLETE, and the server lives', async (t) => {
    for (const encoding of ['identity', 'gzip', 'br', 'zstd'] as const) {
      const { socket, outcome } = await post(t, { encoding, contentLength: 1000 });
      socket.write(encoding === 'identity' ? '[{"a":' : compressors[encoding](text).subarray(0, 50));
      socket.end();
      await assert.rejects(outcome, failsWith('BODY_INCOMPLETE', /connection broke after/));
    }
  });

  test('a producer that goes silent half-way: BODY_TIMEOUT, and it can still be answered', async (t) => {
    const { socket, outcome } = await post(t, { contentLength: 1000, idleTimeoutMs: 50 });
    socket.write('[{"a":');
    await assert.rejects(outcome, failsWith('BODY_TIMEOUT'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1.1 408 /);
  });

  test('D6: the pace of the consumer reaches the producer', async (t) => {
    const size = 64 * mebibyte;
    const { socket, started } = await post(t, { contentLength: size, maxBytes: size, isPaused: true });
    const block = Buffer.alloc(mebibyte, ' ');
    let sent = 0;
    const pump = (): void => {
      while (sent < size && !socket.destroyed) {
        sent += block.length;
        if (!socket.write(block)) return;
      }
    };
    socket.on('drain', pump);
    const { request, body } = await started;
    const iterator = body[Symbol.asyncIterator]();
    pump();
    let seen = ((await iterator.next()).value as Buffer).length;
    let before = -1;
    while (request.socket.bytesRead !== before) {
      before = request.socket.bytesRead;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    assert.ok(
      request.socket.bytesRead < mebibyte,
      `${request.socket.bytesRead} bytes read while one chunk was asked for`,
    );
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) seen += next.value.length;
    assert.equal(seen, size);
  });
});

/** Every decompressor that is made until the test ends. */
function decompressorsMade(t: TestContext): readonly Readable[] {
  const made: Readable[] = [];
  for (const name of ['createGunzip', 'createBrotliDecompress', 'createZstdDecompress'] as const) {
    const create = zlib[name] as (...options: unknown[]) => Readable;
    t.mock.method(zlib, name, (...options: unknown[]) => {
      const decompressor = create(...options);
      made.push(decompressor);
      return decompressor;
    });
  }
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return made;
}

/** What is in use, garbage apart. */
function memory(): number {
  collectGarbage();
  return process.memoryUsage().external;
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

interface Posted {
  readonly socket: Socket;
  /** The request as it arrived, for tests that read the body themselves. */
  readonly started: Promise<{ readonly request: IncomingMessage; readonly body: AsyncIterable<Buffer> }>;
  readonly outcome: Promise<Buffer>;
}

/** Sends the head of a request to a server that reads its body and answers with the status of its fault. */
async function post(
  t: TestContext,
  options: Partial<BodyOptions> & { readonly contentLength: number; readonly isPaused?: boolean },
): Promise<Posted> {
  const outcome = Promise.withResolvers<Buffer>();
  const started = Promise.withResolvers<Awaited<Posted['started']>>();
  const server: Server = createServer((request, response) => {
    if (options.isPaused === true) {
      return started.resolve({ request, body: decodedBody(request, { ...limits, ...options }) });
    }
    read(request, options).then(outcome.resolve, (error: unknown) => {
      outcome.reject(error);
      response.writeHead(isFault(error) ? error.status : 500).end();
    });
    return undefined;
  });
  outcome.promise.catch(() => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${options.contentLength}\r\n\r\n`);
  return { socket, started: started.promise, outcome: outcome.promise };
}
