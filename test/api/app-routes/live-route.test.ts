/** `http.live` routes: what listeners are told, how often is looked for them, and how their streams end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { addKey, revokeKey } from '../../../src/access/key-store.ts';
import { openAccess } from '../../../src/access/open-access.ts';
import type { LiveLimits } from '../../../src/api/app-routes/live-route.ts';
import { guard } from '../../../src/api/guard.ts';
import { Fault } from '../../../src/errors.ts';
import { http } from '../../../src/index.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { EventStream } from '../../support/event-stream.ts';
import { httpRequest } from '../../support/http-request.ts';
import { scratch } from '../../support/program.ts';
import { serveRoutes } from '../../support/routes-server.ts';
import { until } from '../../support/until.ts';

/** An answer that a test sets, and how often it was looked at. */
class Answer {
  value: unknown;
  looks = 0;
  failure: Error | undefined;
  readonly routes = [
    http.live('/live', async () => {
      this.looks += 1;
      if (this.failure) throw this.failure;
      return this.value;
    }),
  ];

  constructor(value: unknown) {
    this.value = value;
  }
}

const quick = { lookEveryMs: 20 };

const lastLine = 'data: "50x';

/** A listener that does not read, and one beside it that does: 100 MB in all. */
async function unread(t: TestContext, limits: Partial<LiveLimits>) {
  const answer = new Answer('0');
  const { url } = await serveRoutes(t, { routes: answer.routes, limits });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('GET /live HTTP/1.1\r\nhost: x\r\n\r\n');
  const quickOne = await EventStream.open(`${url}/live`);
  t.after(() => quickOne.close());
  await once(socket, 'readable');
  assert.equal((await quickOne.next())?.data, '"0"');
  const pad = 'x'.repeat(2_000_000);
  const tellMuch = async (): Promise<void> => {
    for (let n = 1; n <= 50; n++) {
      answer.value = `${n}${pad}`;
      assert.ok((await quickOne.next())?.data.startsWith(`"${n}x`));
    }
  };
  return { socket, tellMuch };
}

async function serveWithKey(t: TestContext, { answer, heartbeatMs }: { answer: Answer; heartbeatMs: number }) {
  const keysDir = join(await scratch(t), 'keys');
  const { key, record } = await addKey(keysDir, { name: 'wall', source: '/live' }, Date.now());
  const logger = createLogger({ level: 'silent' });
  const access = await openAccess({
    host: '127.0.0.1',
    keysDir,
    adminToken: undefined,
    adminTokenFile: undefined,
    logger,
  });
  t.after(() => access.close());
  const limits = { ...quick, heartbeatMs };
  const prepare = (server: FastifyInstance): void => guard(server, access);
  const { url } = await serveRoutes(t, { routes: answer.routes, limits, prepare });
  const headers = { authorization: `Bearer ${key}` };
  return { url, keysDir, record, headers, isGood: () => access.isStillGood(headers, '/live') };
}

suite('a live route', { timeout: 60_000 }, () => {
  test('sends the answer at once, and whenever it has changed', async (t) => {
    const answer = new Answer({ e: 1 });
    const { url } = await serveRoutes(t, { routes: answer.routes, limits: quick });
    const stream = await EventStream.open(`${url}/live`);
    t.after(() => stream.close());
    assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(stream.headers['cache-control'], 'no-store');
    assert.equal(await stream.block(), 'retry: 1000');
    assert.deepEqual(await stream.next(), { name: 'message', data: '{"e":1}' });
    const before = answer.looks;
    await until(() => answer.looks > before + 2); // the same answer is not told again
    answer.value = { text: 'two\nlines\r\u2028' };
    assert.deepEqual(JSON.parse((await stream.next())?.data ?? ''), answer.value);
  });

  test('looks once for all who listen, and not where nobody does', async (t) => {
    const answer = new Answer(0);
    const { url } = await serveRoutes(t, { routes: answer.routes, limits: { lookEveryMs: 50 } });
    const streams = await Promise.all(Array.from({ length: 20 }, () => EventStream.open(`${url}/live`)));
    await Promise.all(streams.map((stream) => stream.next()));
    const [startMs, before] = [performance.now(), answer.looks];
    for (const value of [1, 2, 3]) {
      answer.value = value;
      const told = await Promise.all(streams.map((stream) => stream.next()));
      assert.deepEqual(new Set(told.map((event) => event?.data)), new Set([String(value)]));
    }
    const most = (performance.now() - startMs) / 50 + 1;
    assert.ok(answer.looks - before <= most, `${answer.looks - before} looks, expected at most ${most}`);
    for (const stream of streams) stream.close();
    let looks = -1;
    await until(async () => {
      looks = answer.looks;
      await sleep(150); // three times as long as between two looks
      return answer.looks === looks;
    });
    const late = await EventStream.open(`${url}/live`);
    t.after(() => late.close());
    assert.equal((await late.next())?.data, '3');
    assert.equal(answer.looks > looks, true);
  });

  test('says that it is there where nothing changes', async (t) => {
    const answer = new Answer(0);
    const { url } = await serveRoutes(t, { routes: answer.routes, limits: { ...quick, heartbeatMs: 30 } });
    const stream = await EventStream.open(`${url}/live`);
    t.after(() => stream.close());
    await stream.next();
    assert.equal(await stream.block(), ': still here');
    assert.equal(await stream.block(), ': still here');
  });

  test('HEAD has the headers and ends', async (t) => {
    const { url } = await serveRoutes(t, { routes: new Answer(0).routes });
    const { status, headers, text } = await httpRequest(`${url}/live`, { method: 'HEAD' });
    assert.deepEqual([status, headers['content-type'], text], [200, 'text/event-stream; charset=utf-8', '']);
  });

  test('D8: a drain ends every stream and waits for no listener', async (t) => {
    const answer = new Answer('x'.repeat(8_000_000)); /* more than the system takes for who does not read */
    const { url, server } = await serveRoutes(t, { routes: answer.routes });
    const streams = await Promise.all([1, 2, 3].map(() => EventStream.open(`${url}/live`)));
    await Promise.all(streams.map((stream) => stream.next()));
    const deaf = connect(Number(new URL(url).port), '127.0.0.1');
    t.after(() => deaf.destroy());
    deaf.on('error', () => undefined).write('GET /live HTTP/1.1\r\nhost: x\r\n\r\n'); // and reads nothing
    await once(server.server, 'request');
    const ends = Promise.all(streams.map((stream) => stream.next()));
    const startMs = performance.now();
    await server.close();
    assert.ok(performance.now() - startMs < 3_000, `${performance.now() - startMs} ms`);
    assert.deepEqual(await ends, [undefined, undefined, undefined]); // not cut off
  });

  test('D6: a listener that reads slowly misses what lies between', async (t) => {
    const { socket, tellMuch } = await unread(t, { lookEveryMs: 5, heartbeatMs: 60_000 });
    await tellMuch();
    let tail = '';
    const { promise: hasLast, resolve } = Promise.withResolvers<void>();
    socket.setEncoding('latin1').on('data', (text: string) => {
      tail = (tail + text).slice(-text.length - lastLine.length);
      if (tail.includes(lastLine)) resolve();
    });
    await hasLast;
    assert.ok(socket.bytesRead < 30_000_000, `${socket.bytesRead} bytes were kept for it`);
  });

  test('D6: a listener that reads nothing is sent away', async (t) => {
    const { socket, tellMuch } = await unread(t, { lookEveryMs: 5, heartbeatMs: 300 });
    await tellMuch();
    const closed = once(socket, 'close'); // reset, as what it was sent was not read
    socket.on('error', () => undefined).resume();
    await closed;
  });

  test('more than so many listeners are refused, until one has gone', async (t) => {
    const { url } = await serveRoutes(t, { routes: new Answer(0).routes, limits: { ...quick, maxListeners: 2 } });
    const streams = await Promise.all([EventStream.open(`${url}/live`), EventStream.open(`${url}/live`)]);
    const refused = await httpRequest(`${url}/live`);
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    assert.match(refused.text, /\/live has 2 listeners/);
    streams[0]?.close();
    await until(() =>
      EventStream.open(`${url}/live`).then(
        (stream) => (stream.close(), true),
        () => false,
      ),
    );
    streams[1]?.close();
  });

  test('an answer that fails is 503 at first, and later told once, and told again when it is back', async (t) => {
    const answer = new Answer(1);
    answer.failure = new Fault('STATE_UNAVAILABLE', 'the state is away');
    const { url, lines } = await serveRoutes(t, { routes: answer.routes, limits: quick });
    await assert.rejects(EventStream.open(`${url}/live`), /answered 503/);
    answer.failure = undefined;
    const stream = await EventStream.open(`${url}/live`);
    t.after(() => stream.close());
    assert.equal((await stream.next())?.data, '1');
    answer.failure = new Fault('STATE_UNAVAILABLE', 'the state is away');
    const trouble = await stream.next();
    assert.equal(trouble?.name, 'trouble');
    assert.equal((JSON.parse(trouble.data) as { error: string }).error, 'STATE_UNAVAILABLE');
    const before = answer.looks;
    await until(() => answer.looks > before + 2);
    assert.equal(lines.filter((line) => line.includes('is not up to date')).length, 1);
    answer.failure = new TypeError('a defect');
    await until(() => answer.looks > before + 4);
    answer.failure = undefined;
    assert.deepEqual(await stream.next(), { name: 'message', data: '1' }); // what has not changed, too
  });

  test('a stream ends when its key is revoked', async (t) => {
    const { url, keysDir, record, headers } = await serveWithKey(t, { answer: new Answer(1), heartbeatMs: 50 });
    await assert.rejects(EventStream.open(`${url}/live`), /answered 401/);
    const stream = await EventStream.open(`${url}/live`, headers);
    assert.equal((await stream.next())?.data, '1');
    await stream.block(); // a heartbeat: it may go on
    await revokeKey(keysDir, record.id, Date.now());
    assert.equal(await stream.next(), undefined);
    await assert.rejects(EventStream.open(`${url}/live`, headers), /answered 401/);
  });

  test('nothing is told any more with a key that was revoked, also between two heartbeats', async (t) => {
    const answer = new Answer(1);
    const { url, keysDir, record, headers, isGood } = await serveWithKey(t, { answer, heartbeatMs: 60_000 });
    const stream = await EventStream.open(`${url}/live`, headers);
    t.after(() => stream.close());
    assert.equal((await stream.next())?.data, '1');
    await revokeKey(keysDir, record.id, Date.now());
    await until(() => !isGood());
    answer.value = 2;
    assert.equal(await stream.next(), undefined);
  });
});
