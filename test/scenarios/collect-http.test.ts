/**
 * `POST /collect` as its producers know it: over HTTP, against the real program. What is answered stands here; what lands, in
 * `collect-landing.test.ts`.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { brotliCompress, gzip, zstdCompress } from 'node:zlib';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { collect, httpRequest, type PackageAnswer, type Reply, taken } from '../support/http-request.ts';
import { caughtUp, deadLettersOf, rowsOf } from '../support/landed.ts';
import { type Program, startProgram } from '../support/program.ts';

const mib = 1024 * 1024;
const good = collectEvent();
const bad = '{"data":{"id":"a","amount":1},"attributes":{}}';
/** A hundred thousand of them stay below 32 MiB. */
const objectId = '65f1a2b3c4d5e6f708192a3b';
const ids = { messageId: objectId, accountId: objectId, userId: objectId };
const shortEvent = collectEvent({ data: '{"id":"","amount":0}', type: 't', time: 0, vendor: 'a', ...ids });
const version8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

suite('collect over HTTP', () => {
  let dataDir: string;
  let program: Program;
  const send = (body: string | Uint8Array, headers?: Readonly<Record<string, string>>) =>
    collect(program.url, body, headers);
  const take = (body: string | Uint8Array, headers?: Readonly<Record<string, string>>) =>
    taken(program.url, body, headers);
  const ingested = async (): Promise<number> => {
    const { text } = await httpRequest(`${program.url}/metrics`);
    return Number(/^tributary_events_ingested_total\{pipeline="collect"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-collect-http-'));
    program = await startProgram({ dataDir });
  });
  after(async () => {
    await program.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('GET /ping answers 200', async () => {
    assert.equal((await httpRequest(`${program.url}/ping`)).status, 200);
  });

  test('200 tells accepted events and rejected ones apart', async () => {
    const { status, headers, text } = await send(packageOf([good, bad, good, '5']));
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    const answer = JSON.parse(text) as PackageAnswer;
    assert.deepEqual(Object.keys(answer), ['packageId', 'accepted', 'rejected', 'errors']);
    const { packageId, accepted, rejected, errors } = answer;
    const prefix = packageId.slice(0, -6);
    assert.deepEqual({ accepted, rejected }, { accepted: 2, rejected: 2 });
    assert.deepEqual(
      errors.map(({ index, correlationId, path }) => ({ index, correlationId, path })),
      [
        { index: 1, correlationId: `${prefix}000001`, path: 'attributes.timestampStamp' },
        { index: 3, correlationId: `${prefix}000003`, path: '' },
      ],
    );
    for (const { message } of errors) assert.match(message, /^expected /);
  });

  test('an empty array is a package of none, one object is a package of one', async () => {
    const none = await take('[]');
    assert.deepEqual({ ...none, packageId: '' }, { packageId: '', accepted: 0, rejected: 0, errors: [] });
    assert.match(none.packageId, version8);
    assert.equal((await take(` \n${good}\r\n`)).accepted, 1);
    assert.equal((await take(`\uFEFF[${good}]`)).accepted, 1);
  });

  test('any content type, or none, is JSON unless it says NDJSON', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=UTF-8',
      '*/*',
      'json',
      'a/b/c',
      '',
    ])
      assert.equal((await take(packageOf([good]), { 'content-type': type })).accepted, 1, type);
    assert.equal((await httpRequest(`${program.url}/collect`, { body: packageOf([good]) })).status, 200);
    const latin = await send(packageOf([good]), { 'content-type': 'application/json; charset=iso-8859-1' });
    assert.equal(latin.status, 415);
  });

  test('NDJSON: a line that is not JSON is a dead letter, the others are accepted', async () => {
    const lines = `${good}\r\n\n{"data":\n${good}\nnull\n${good}`;
    const answer = await take(lines, { 'content-type': 'application/x-ndjson; charset=utf-8' });
    assert.deepEqual([answer.accepted, answer.rejected], [3, 2]);
    assert.deepEqual(
      answer.errors.map(({ index }) => index),
      [1, 3],
    );
    const letters = (await deadLettersOf(dataDir)).filter(({ packageId }) => packageId === answer.packageId);
    assert.deepEqual(
      letters.map(({ event }) => event),
      ['{"data":', 'null'],
    );
    assert.equal((await take('', { 'content-type': 'application/x-ndjson' })).accepted, 0);
  });

  test('gzip, br and zstd are taken in any case, other encodings are 415', async () => {
    const body = packageOf([good, good]);
    const encoded = {
      gzip: await promisify(gzip)(body),
      br: await promisify(brotliCompress)(body),
      zstd: await promisify(zstdCompress)(body),
    };
    for (const [encoding, bytes] of Object.entries(encoded)) {
      assert.equal((await take(bytes, { 'content-encoding': encoding })).accepted, 2, encoding);
      assert.equal((await take(bytes, { 'content-encoding': encoding.toUpperCase() })).accepted, 2, encoding);
      assert.equal((await send(bytes.subarray(0, -6), { 'content-encoding': encoding })).status, 400, encoding);
      assert.equal((await send(body, { 'content-encoding': encoding })).status, 400, encoding);
    }
    assert.equal((await take(body, { 'content-encoding': 'identity' })).accepted, 2);
    for (const encoding of ['deflate', 'gzip, br', 'x'])
      assert.equal((await send(body, { 'content-encoding': encoding })).status, 415, encoding);
  });

  test('413 over 32 MiB after decompression, over HTTP with a length and without, and it says the limit', async () => {
    const letters = `{"data":{"id":"a","amount":1,"x":"${'x'.repeat(32 * mib)}"}}`;
    const chunked = await send(letters, { 'transfer-encoding': 'chunked' });
    for (const reply of [
      await send(letters),
      chunked,
      await send(await promisify(gzip)(letters), { 'content-encoding': 'gzip' }),
    ]) {
      assert.equal(reply.status, 413, reply.text);
      assert.match(reply.text, /33554432 bytes/);
    }
  });

  test('413 over 100,000 events; exactly as many are taken', async () => {
    const event = '{"data":{},"attributes":{}}';
    const reply = await send(packageOf(Array<string>(100_001).fill(event)));
    assert.equal(reply.status, 413);
    assert.match(reply.text, /100000 events/);
    const answer = await take(packageOf(Array<string>(100_000).fill(shortEvent)));
    assert.equal(answer.accepted, 100_000);
    const last = `${answer.packageId.slice(0, -6)}01869f`;
    await caughtUp(dataDir);
    const rows = await rowsOf<{ n: number; last: string }>(
      dataDir,
      `SELECT count(*) AS n, max(correlation_id::text) AS last FROM events WHERE correlation_id
         BETWEEN '${answer.packageId}' AND '${answer.packageId.slice(0, -6)}ffffff'`,
    );
    assert.deepEqual(rows, [{ n: 100_000, last }]);
  });

  test('correlation ids are UUIDs of version 8 that begin with the time of receipt', async () => {
    const beforeMs = Date.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => take(packageOf([bad, bad]))));
    for (const { packageId, errors } of answers) {
      assert.match(packageId, version8);
      assert.equal(packageId.slice(-6), '000000');
      const ms = Number.parseInt(packageId.replace('-', '').slice(0, 12), 16);
      assert.ok(ms >= beforeMs && ms <= Date.now());
      assert.deepEqual(
        errors.map(({ correlationId }) => correlationId),
        [packageId, `${packageId.slice(0, -1)}1`],
      );
    }
    assert.equal(new Set(answers.map(({ packageId }) => packageId)).size, 20);
  });

  test('another path is 404, another method 405', async () => {
    assert.equal((await httpRequest(`${program.url}/collekt`, { body: '[]' })).status, 404);
    const { status, headers } = await httpRequest(`${program.url}/collect`);
    assert.deepEqual([status, headers.allow], [405, 'POST']);
  });

  test('an Idempotency-Key that is none is 400', async () => {
    for (const key of ['', 'a b', 'x'.repeat(256), 'ä'])
      assert.equal((await send('[]', { 'idempotency-key': key })).status, 400, key);
  });

  suite('Idempotency-Key', () => {
    const kept = { body: packageOf([good, bad, good]), key: randomUUID() };
    let first: Reply;
    const sendKept = (): Promise<Reply> => send(kept.body, { 'idempotency-key': kept.key });

    test('a package sent again under its key gets the first answer (D5)', async () => {
      first = await sendKept();
      assert.equal(first.status, 200);
      assert.equal((await sendKept()).text, first.text);
      assert.equal((await send('[]', { 'idempotency-key': kept.key })).text, first.text);
      assert.notEqual((await send(kept.body, { 'idempotency-key': randomUUID() })).text, first.text);
    });

    test('sent at once from several connections it is stored once (D5)', async () => {
      const key = randomUUID();
      const countedBefore = await ingested();
      const replies = await Promise.all(Array.from({ length: 8 }, () => send(kept.body, { 'idempotency-key': key })));
      assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
      assert.equal(new Set(replies.map(({ text }) => text)).size, 1);
      assert.equal((await ingested()) - countedBefore, 2, 'and counted once');
    });

    test('a refused package does not use its key up (D5)', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      assert.equal((await send('{"data":', headers)).status, 400);
      assert.equal((await take(packageOf([good]), headers)).accepted, 1);
    });

    test('after kill -9 and a restart the key still has its answer, and its events are there once (D3, D5)', async () => {
      const late = { 'idempotency-key': randomUUID() };
      const lateReply = await send(kept.body, late);
      await program.kill('SIGKILL');
      program = await startProgram({ dataDir });
      assert.equal((await sendKept()).text, first.text);
      assert.equal((await send(kept.body, late)).text, lateReply.text);
      await caughtUp(dataDir);
      for (const { text } of [first, lateReply]) {
        const { packageId } = JSON.parse(text) as PackageAnswer;
        const prefix = packageId.slice(0, -6);
        const found = await rowsOf(
          dataDir,
          `SELECT correlation_id AS id FROM events
             WHERE correlation_id BETWEEN '${packageId}' AND '${prefix}ffffff' ORDER BY 1`,
        );
        assert.deepEqual(found, [{ id: packageId }, { id: `${prefix}000002` }]);
        const letters = (await deadLettersOf(dataDir)).filter((letter) => letter.packageId === packageId);
        assert.equal(letters.length, 1);
      }
    });
  });

  test('503 with Retry-After where the log cannot take it, and nothing of it is stored (D1, D6)', async () => {
    const countSql = 'SELECT count(*) AS n FROM events';
    const before503 = await rowsOf(dataDir, countSql);
    assert.equal(await program.kill('SIGTERM'), 0);
    const config = join(dataDir, 'no-room.json');
    await writeFile(config, JSON.stringify({ log: { minFreeBytes: Number.MAX_SAFE_INTEGER } }));
    program = await startProgram({ dataDir, args: ['--config', config] });
    const reply = await send(packageOf([good]));
    assert.equal(reply.status, 503);
    assert.ok(Number(reply.headers['retry-after']) >= 1);
    const large = await send(packageOf(Array<string>(20_000).fill(good)));
    assert.equal(large.status, 503);
    assert.equal((await httpRequest(`${program.url}/health/ready`)).status, 503);
    assert.equal((await httpRequest(`${program.url}/health/live`)).status, 200);
    await caughtUp(dataDir);
    assert.deepEqual(await rowsOf(dataDir, countSql), before503);
  });
});
