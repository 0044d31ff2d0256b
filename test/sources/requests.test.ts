/** Requests that are one event each: from HTTP to the record, and what is refused on the way. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequestOf } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { correlationIdParts, isCorrelationId } from '../../src/event/correlation-id.ts';
import { parseTime } from '../../src/event/time.ts';
import { httpRequest } from '../support/http-request.ts';
import { openPolls } from '../support/poll-parts.ts';
import { schema, subject } from '../support/polls.ts';
import { exchange, openConnection } from '../support/raw-connection.ts';
import { heldWrites, wrapped } from '../support/segment-logs.ts';
import { until } from '../support/until.ts';

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const json = { 'content-type': 'application/json; charset=UTF-8' };

async function listening(app: FastifyInstance): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

interface Sent {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
}

function sender(app: FastifyInstance) {
  return async ({ url = '/vote', headers = {}, payload }: Sent) => {
    const reply = await app.inject({ method: 'POST', url, headers, ...(payload !== undefined && { payload }) });
    const refusal = reply.statusCode === 200 ? undefined : reply.json<{ error: string; message: string }>();
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, ...refusal };
  };
}

suite('a source of requests', { timeout: 60_000 }, () => {
  test('D1: a request is one record when it is answered, under the key of the pipeline, with its headers', async (t) => {
    const { app, records, metrics } = await openPolls(t);
    const before = Date.now();
    const { status, text, headers } = await sender(app)({ url: '/vote?voter=v1&choice=tea&utm=x' });
    assert.deepEqual([status, text, headers['content-type']], [200, 'counted: tea', 'text/plain; charset=utf-8']);
    const [record, ...more] = await records();
    assert.ok(record);
    assert.deepEqual(more, []);
    const names = record.headers.map(([name]) => name);
    assert.deepEqual([record.key, names], ['v1', ['correlationId', 'schemaId']]);
    const id = String(record.headers[0]?.[1]);
    assert.ok(isCorrelationId(id) && correlationIdParts(id).timeMs >= before, id);
    const { time, ...event } = JSON.parse(record.value.subarray(5).toString()) as Record<string, string>;
    assert.deepEqual(event, { voter: 'v1', choice: 'tea', kind: 'vote' });
    const moment = parseTime(time ?? '');
    assert.equal(moment?.timestamp, time, 'in UTC with microseconds');
    assert.ok(moment && moment.epochMs >= before && moment.epochMs <= Date.now());
    const counted = await metrics.registry.metrics();
    assert.match(counted, /^tributary_events_ingested_total\{pipeline="polls"\} 1$/m);
    assert.match(counted, /^tributary_packages_total\{pipeline="polls",status="200"\} 1$/m);
    assert.match(counted, /^tributary_package_seconds_count\{pipeline="polls"\} 1$/m);
  });

  test('parameters come in the query string, a form, JSON, or some in each', async (t) => {
    const { app, records } = await openPolls(t);
    const send = sender(app);
    const all: readonly Sent[] = [
      { url: '/vote?voter=a&choice=tea', headers: { 'content-length': '0' } },
      { url: '/vote?voter=a&choice=tea', headers: { ...json, 'content-length': '0' } },
      { url: '/vote?voter=a&choice=tea', headers: { 'content-type': 'none of these' } },
      { headers: form, payload: 'voter=a&choice=tea' },
      { headers: json, payload: '{"voter":"a","choice":"tea","more":[1,{"voter":2}]}' },
      { url: '/vote?voter=a', headers: form, payload: 'choice=t%65a&&' },
      { url: '/vote?&choice=tea&', headers: json, payload: ' {"vot\\u0065r" : "a"}' },
      { url: '/vote?voter=a', headers: { ...form, 'content-encoding': 'gzip' }, payload: gzipSync('choice=tea') },
    ];
    for (const one of all) assert.deepEqual([(await send(one)).text, one], ['counted: tea', one]);
    const voters = (await records()).map(({ key }) => key);
    assert.deepEqual(
      voters,
      all.map(() => 'a'),
    );
  });

  test('spaces, plus signs and letters of every script arrive as they were meant', async (t) => {
    const { app, records } = await openPolls(t);
    const send = sender(app);
    await send({ url: '/polls/comment?voter=a+b%2Bc%20%C3%A9' });
    await send({ url: '/polls/comment', headers: form, payload: 'voter=a+b%2Bc é' });
    await send({ url: '/polls/comment', headers: json, payload: '{"voter":"a b+c é"}' });
    assert.deepEqual(new Set((await records()).map(({ key }) => key)), new Set(['a b+c é']));
  });

  test('D1: what is refused is said with the parameter and leaves nothing', async (t) => {
    const { app, records, budget, metrics, errors } = await openPolls(t);
    const send = sender(app);
    const refused: readonly (readonly [status: number, error: string, message: RegExp, Sent])[] = [
      [400, 'REQUEST_INVALID', /^the parameter voter is missing$/, {}],
      [400, 'REQUEST_INVALID', /^the parameter choice is missing$/, { url: '/vote?voter=a' }],
      [400, 'REQUEST_INVALID', /^the parameter voter is missing$/, { url: '/vote?VOTER=a&choice=tea' }],
      [400, 'REQUEST_INVALID', /^the parameter voter is given twice$/, { url: '/vote?voter=a&choice=tea&voter=a' }],
      [400, 'REQUEST_INVALID', /^the parameter voter: expected one value, got an array$/, { url: '/vote?voter[]=a&choice=tea' }],
      [400, 'REQUEST_INVALID', /^the parameter voter: expected one value/, { url: '/vote?voter=a&voter%5B0%5D=b&choice=tea' }],
      [400, 'REQUEST_INVALID', /^the parameter choice is given twice$/, { url: '/vote?voter=a&choice=tea', headers: form, payload: 'choice=tea' }],
      [400, 'REQUEST_INVALID', /^the parameter choice is given twice$/, { url: '/vote?voter=a', headers: json, payload: '{"choice":"tea","cho\\u0069ce":"tea"}' }],
      [400, 'REQUEST_INVALID', /^the parameter choice: expected a string, got /, { url: '/vote?voter=a', headers: json, payload: '{"choice":5}' }],
      [400, 'REQUEST_INVALID', /^the parameter choice: expected a string, got /, { url: '/vote?voter=a', headers: json, payload: '{"choice":null}' }],
      [400, 'REQUEST_INVALID', /^the parameter choice: expected a string, got /, { url: '/vote?voter=a', headers: json, payload: '{"choice":["tea"]}' }],
      [400, 'REQUEST_INVALID', /lone surrogate/, { url: '/vote?voter=a', headers: json, payload: '{"choice":"\\ud800"}' }],
      [400, 'REQUEST_INVALID', /without U\+0000/, { url: '/vote?voter=a', headers: json, payload: '{"choice":"\\u0000"}' }],
      [400, 'REQUEST_INVALID', /without U\+0000/, { url: '/vote?voter=a&choice=%00' }],
      [400, 'REQUEST_INVALID', /percent-encoded/, { url: '/vote?voter=a&choice=%zz' }],
      [400, 'REQUEST_INVALID', /percent-encoded/, { url: '/vote?voter=a&choice=%ff' }],
      [400, 'REQUEST_INVALID', /percent-encoded/, { url: '/vote?voter=a&choice=%ED%A0%80' }],
      [400, 'REQUEST_INVALID', /percent-encoded/, { url: '/vote?voter=a&choice=tea&%=' }],
      [400, 'REQUEST_INVALID', /not UTF-8/, { headers: form, payload: Buffer.from('voter=\xff', 'latin1') }],
      [400, 'REQUEST_INVALID', /not UTF-8/, { headers: json, payload: Buffer.from('{"voter":"\xff"}', 'latin1') }],
      [400, 'REQUEST_INVALID', /expected a JSON object of parameters, got /, { headers: json, payload: '[]' }],
      [400, 'REQUEST_INVALID', /the body is not JSON/, { headers: json, payload: '{"voter":' }],
      [400, 'REQUEST_INVALID', /nests deeper/, { headers: json, payload: '['.repeat(60_000) }],
      [400, 'REQUEST_INVALID', /^choice: expected a choice$/, { url: '/vote?voter=a&choice=none' }],
      [400, 'REQUEST_INVALID', /^choice: must NOT have more than 40 characters/, { url: `/vote?voter=a&choice=${'x'.repeat(41)}` }],
      [400, 'IDEMPOTENCY_KEY_INVALID', /./, { url: '/vote?voter=a&choice=tea', headers: { 'idempotency-key': 'a b' } }],
      [400, 'BODY_CORRUPT', /./, { headers: { ...form, 'content-encoding': 'gzip' }, payload: 'voter=a' }],
      [413, 'PACKAGE_TOO_LARGE', /65536/, { headers: form, payload: `voter=${'a'.repeat(65_536)}` }],
      [413, 'PACKAGE_TOO_LARGE', /65536/, { headers: { ...form, 'content-encoding': 'gzip' }, payload: gzipSync(`voter=${'a'.repeat(1 << 20)}`) }],
      [415, 'CONTENT_TYPE_UNSUPPORTED', /multipart/, { headers: { 'content-type': 'multipart/form-data; boundary=x' }, payload: '--x--' }],
      [415, 'CONTENT_TYPE_UNSUPPORTED', /without a Content-Type/, { payload: 'voter=a' }],
      [415, 'CONTENT_TYPE_UNSUPPORTED', /latin1/, { headers: { 'content-type': 'application/json;charset=latin1' }, payload: '{}' }],
      [415, 'CONTENT_ENCODING_UNSUPPORTED', /./, { headers: { ...form, 'content-encoding': 'compress' }, payload: 'voter=a' }],
    ]; // prettier-ignore
    for (const [status, error, message, sent] of refused) {
      const got = await send(sent);
      assert.deepEqual([got.status, got.error], [status, error], `${JSON.stringify(sent).slice(0, 200)}: ${got.text}`);
      assert.match(got.message ?? '', message);
    }
    assert.deepEqual(
      [await records(), budget.heldBytes, errors.filter((line) => line.includes('"error"'))],
      [[], 0, []],
    );
    assert.doesNotMatch(
      await metrics.registry.metrics(),
      /^tributary_events_ingested_total\{pipeline="polls"\} [1-9]/m,
    );
    assert.match(await metrics.registry.metrics(), /^tributary_packages_total\{pipeline="polls",status="415"\} 4$/m);
  });

  test('D1: a defect of a function is 500, told in the log lines with the cause, and leaves nothing', async (t) => {
    const { app, records, errors } = await openPolls(t);
    for (const [choice, cause] of [
      ['defect', 'no such function'],
      ['mute', 'nothing to say'],
    ]) {
      const { status, error, text } = await sender(app)({ url: `/vote?voter=a&choice=${choice}` });
      assert.deepEqual([status, error, text.includes(cause!)], [500, 'INTERNAL', false]);
      const line = errors.at(-1) ?? '';
      assert.ok(line.includes(`a function of the pipeline polls failed at /vote: ${cause}`), line);
    }
    assert.deepEqual([await records(), errors.length], [[], 2]);
  });

  test('bytes that no client should send are refused, and the server goes on', async (t) => {
    const { app, records } = await openPolls(t);
    const url = await listening(app);
    const raw = async (target: Buffer | string): Promise<string> => {
      const head = Buffer.concat([
        Buffer.from('POST '),
        Buffer.from(target),
        Buffer.from(' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
      ]);
      return (await exchange(url, head)).slice(9, 12);
    };
    assert.equal(await raw(Buffer.from('/vote?voter=\xff&choice=tea', 'latin1')), '400');
    assert.equal(await raw('/vote?voter=a&choice=%'), '400');
    assert.equal(await raw('/vote?voter=a&choice=tea?choice=tea'), '200');
    assert.equal(await raw('/vote#?voter=a&choice=tea'), '200');
    assert.deepEqual(
      (await records()).map(({ key }) => key),
      ['a', 'a'],
    );
  });

  test('other methods are 405, and other paths 404', async (t) => {
    const { app } = await openPolls(t);
    const get = await app.inject('/vote?voter=a&choice=tea');
    assert.deepEqual([get.statusCode, get.headers['allow']], [405, 'POST']);
    assert.equal((await app.inject({ method: 'POST', url: '/vote/' })).statusCode, 404);
  });

  test('a body that stops coming is 408, and one whose connection breaks leaves nothing', async (t) => {
    const { app, records, budget } = await openPolls(t, { bodyIdleTimeoutMs: 50 });
    const url = await listening(app);
    const head =
      'POST /vote HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\n';
    const slow = await openConnection(url);
    slow.socket.write(`${head}voter=a`);
    assert.equal(await slow.status, 408);
    slow.socket.destroy();
    const broken = await openConnection(url);
    broken.socket.end(`${head}voter=a&choice=tea`);
    await once(broken.socket, 'close');
    assert.deepEqual([await records(), budget.heldBytes], [[], 0]);
  });

  test('who asks before it sends a body is told to go on', async (t) => {
    const { app } = await openPolls(t);
    const url = await listening(app);
    const headers = { ...form, expect: '100-continue', 'content-length': '10' };
    const sent = httpRequestOf(`${url}/vote?voter=a`, { method: 'POST', headers });
    await once(sent, 'continue');
    sent.end('choice=tea');
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    assert.equal(response.statusCode, 200);
  });

  test('D6: while the log stalls a request waits, then gets 503, and is not stored', async (t) => {
    const { files, hold, release } = heldWrites();
    const { app, records, budget } = await openPolls(t, { files, waitForRoomMs: 300 });
    const url = await listening(app);
    hold();
    const underWay = httpRequest(`${url}/vote?voter=first&choice=tea`, { method: 'POST' });
    await new Promise((resolve) => setTimeout(resolve, 20)); // handed to the disk: what comes of it, only the disk can tell
    const late = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        httpRequest(`${url}/vote?voter=late&choice=tea`, {
          method: 'POST',
          headers: i % 2 ? { 'idempotency-key': `${i}` } : {},
        }),
      ),
    );
    assert.deepEqual(
      new Set(late.map(({ status, headers }) => `${status} ${headers['retry-after']}`)),
      new Set(['503 1']),
    );
    release();
    assert.equal((await underWay).status, 200);
    assert.equal((await httpRequest(`${url}/vote?voter=next&choice=tea`, { method: 'POST' })).status, 200);
    assert.deepEqual(
      (await records()).map(({ key }) => key),
      ['first', 'next'],
    );
    assert.equal(budget.heldBytes, 0);
  });

  test('D6: while the log has no room, the body of a request is never asked for', async (t) => {
    const { files, hold, release } = heldWrites();
    const { app, log, records } = await openPolls(t, { files, waitForRoomMs: 300, maxQueueBytes: 1 });
    const url = await listening(app);
    hold();
    const underWay = httpRequest(`${url}/vote?voter=first&choice=tea`, { method: 'POST' });
    const isFull = () =>
      log.room(AbortSignal.timeout(1)).then(
        () => false,
        () => true,
      );
    await until(isFull);
    const headers = { ...form, expect: '100-continue', 'content-length': '10' };
    const sent = httpRequestOf(`${url}/vote?voter=late`, { method: 'POST', headers });
    sent.on('continue', () => assert.fail('the body is asked for'));
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
    assert.equal(response.statusCode, 503);
    sent.destroy();
    release();
    assert.equal((await underWay).status, 200);
    assert.equal((await records()).length, 1);
  });

  test('D1: where a write to the log fails, requests are 503 with LOG_FAILED until a restart', async (t) => {
    let isBroken = false;
    const files = wrapped((file, mode) => ({
      write: (bytes, position) =>
        isBroken && mode === 'durable' ? Promise.reject(new Error('the disk broke')) : file.write(bytes, position),
    }));
    const { app, records } = await openPolls(t, { files });
    const send = sender(app);
    assert.equal((await send({ url: '/vote?voter=a&choice=tea' })).status, 200);
    isBroken = true;
    for (const again of [1, 2]) {
      const { status, error, headers } = await send({ url: `/vote?voter=a&choice=${again}` });
      assert.deepEqual([status, error, headers['retry-after']], [503, 'LOG_FAILED', '1']);
    }
    assert.equal((await records()).length, 1);
  });

  test('D5: requests under one key at the same time are stored once and get one text', async (t) => {
    const { app, records, metrics } = await openPolls(t);
    const headers = { 'idempotency-key': 'k' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sender(app)({ url: `/vote?voter=a&choice=${i}`, headers })),
    );
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.match(answers[0]!.text, /^counted: \d+$/);
    assert.equal((await records()).length, 1);
    const counted = await metrics.registry.metrics();
    assert.match(counted, /^tributary_events_ingested_total\{pipeline="polls"\} 1$/m);
    assert.match(counted, /^tributary_packages_total\{pipeline="polls",status="200"\} 20$/m);
    const invalid = { 'idempotency-key': 'other' };
    assert.equal((await sender(app)({ url: '/vote', headers: invalid })).status, 400);
    assert.equal(
      (await sender(app)({ url: '/vote?voter=a&choice=b', headers: invalid })).status,
      200,
      'the key is still free',
    );
  });

  test('D2: requests at the same time keep each its own event', async (t) => {
    const { app, records } = await openPolls(t);
    const count = 200;
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => sender(app)({ url: `/vote?voter=v${i}&choice=${i}` })),
    );
    assert.deepEqual(
      answers.map(({ text }) => text),
      answers.map((_, i) => `counted: ${i}`),
    );
    const found = (await records()).map(({ key, value }) => {
      const { voter, choice } = JSON.parse(value.subarray(5).toString()) as Record<string, string>;
      assert.deepEqual([voter, `v${choice}`], [key, key]);
      return key;
    });
    assert.equal(new Set(found).size, count);
  });

  test('a schema counts from the next request on; without one, requests are 503 and nothing is stored', async (t) => {
    const { app, registry, records } = await openPolls(t);
    const long = `/vote?voter=a&choice=${'x'.repeat(41)}`;
    const send = sender(app);
    assert.deepEqual(
      [(await send({ url: '/vote?voter=a&choice=b' })).status, (await send({ url: long })).status],
      [200, 400],
    );
    const looser = schema.replace(',"maxLength":40', '');
    assert.notEqual(looser, schema);
    const { id } = await registry.register(subject, 'JSON', looser);
    assert.equal((await send({ url: long })).status, 200);
    const newest = (await records()).at(-1);
    assert.equal(String(new Map(newest?.headers).get('schemaId')), String(id));
    await registry.administration.deleteSubject(subject, false);
    const { status, error } = await send({ url: long });
    assert.deepEqual([status, error, (await records()).length], [503, 'SCHEMA_MISSING', 2]);
  });

  test('what is stored in a schema that writes no JSON has its JSON beside it', async (t) => {
    const fields = ['voter', 'kind', 'time'].map((name) => ({ name, type: 'string' }));
    const avro = JSON.stringify({
      type: 'record',
      name: 'Poll',
      fields: [...fields, { name: 'choice', type: ['null', 'string'] }],
    });
    const { app, records } = await openPolls(t, { schemaType: 'AVRO', schema: avro });
    assert.equal((await sender(app)({ url: '/vote?voter=a&choice=tea' })).text, 'counted: tea');
    const [record] = await records();
    const received = new Map(record?.headers).get('received');
    assert.equal((JSON.parse(String(received)) as { choice: string }).choice, 'tea');
  });
});
