/** Traces of the whole program, as a receiver that knows nothing of it gets them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { collect, httpRequest, taken } from '../support/http-request.ts';
import { caughtUp, rowsOf } from '../support/landed.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { descendants } from '../support/processes.ts';
import { type Program, runProgram, scratch, startFor } from '../support/program.ts';
import { beginUpload } from '../support/raw-connection.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const producerSpan = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${producerSpan}-01`;
const good = collectEvent();
/** The processor refuses it: the table cannot hold the id. */
const refusedLater = collectEvent({ accountId: 'nobody' });

async function start(t: TestContext, env: Readonly<Record<string, string>>): Promise<Program> {
  return startFor(t, { dataDir: join(await scratch(t), 'data'), env });
}

const isOf = (kind: ReceivedSpan['kind']) => (span: ReceivedSpan) => span.kind === kind;
const within = (parent: ReceivedSpan) => (span: ReceivedSpan) =>
  span.parentSpanId === parent.spanId && span.traceId === parent.traceId;
const idOf = (span: ReceivedSpan): string => `${span.traceId}-${span.spanId}`;

async function metric(program: Program, name: string): Promise<number> {
  const { text } = await httpRequest(`${program.url}/metrics`);
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

suite('traces', { timeout: 240_000 }, () => {
  test('a package goes on in its producer’s trace, and the batches that land it are linked to it (D2)', async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const program = await start(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%2Cb',
      OTEL_SERVICE_NAME: 'orders',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=other',
    });
    for (const path of ['/ping', '/health/live', '/health/ready', '/metrics', '/openapi.json', '/nowhere'])
      await httpRequest(`${program.url}${path}`);
    const body = packageOf([good, good, '{"data":1}', refusedLater]);
    const { packageId } = await taken(program.url, body, { traceparent, tracestate: 'vendor=1' });
    const { dataDir } = program;
    await caughtUp(dataDir);
    assert.equal((await collect(program.url, 'not JSON', { 'user-agent': 'test/1' })).status, 400);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());

    const requests = receiver.spans.filter(isOf('server'));
    assert.deepEqual(
      requests.map(({ name }) => name),
      ['POST /collect', 'POST /collect'],
    );
    const [sent, refused] = requests as [ReceivedSpan, ReceivedSpan];
    assert.deepEqual([sent.traceId, sent.parentSpanId, sent.traceState], [traceId, producerSpan, 'vendor=1']);
    const attributes = {
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/collect',
      'tributary.package.id': packageId,
      'tributary.events.accepted': 3,
      'tributary.events.rejected': 1,
    };
    assert.deepEqual({ ...sent.attributes, ...attributes }, sent.attributes);
    assert.equal(sent.isError, false);
    assert.equal(sent.resource['service.name'], 'orders');
    assert.equal(sent.resource['deployment.environment.name'], 'test');
    const parts = receiver.spans.filter(within(sent));
    assert.deepEqual(
      parts.map(({ name }) => name),
      ['decode', 'append events.raw'],
    );
    assert.deepEqual(
      [parts[1]?.kind, parts[1]?.attributes['messaging.batch.message_count']],
      ['producer', 4],
      'one span for the package, none for an event',
    );
    assert.deepEqual(
      [refused.parentSpanId, refused.attributes['http.response.status_code'], refused.attributes['tributary.fault']],
      ['', 400, 'NOT_JSON'],
    );
    assert.equal(refused.isError, false, 'what the producer does wrong is no error of the server');
    assert.ok(receiver.headers.every((headers) => headers['x-tenant'] === 'a,b'));

    const batches = receiver.spans.filter(isOf('consumer'));
    const landed = batches.filter(({ name }) => name === 'land events.raw');
    assert.ok(landed.length > 0);
    for (const batch of batches) {
      assert.deepEqual(batch.links, [idOf(sent)], batch.name);
      assert.notEqual(batch.traceId, traceId);
    }
    const about = landed.flatMap((batch) => receiver.spans.filter(within(batch)));
    for (const name of ['fill', 'stage events', 'commit events'])
      assert.ok(
        about.some((span) => span.name === name),
        `${name} is missing: ${about.map((span) => span.name).join(', ')}`,
      );
    const sum = (name: string) => landed.reduce((total, batch) => total + Number(batch.attributes[name]), 0);
    assert.deepEqual([sum('tributary.events.landed'), sum('tributary.events.dead_lettered')], [2, 1]);
    const letters = batches.filter(({ name }) => name === 'land events.dead.letter');
    assert.ok(letters.length > 0, 'a dead letter keeps its trace');
    assert.ok(receiver.spans.length < 40, `${receiver.spans.length} spans of one package`);
  });

  test('a dead letter keeps its trace through show and replay, and a trace id finds its events (D9)', async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const program = await start(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const { dataDir, url } = program;
    const env = { PORT: new URL(url).port };
    const { errors } = await taken(url, packageOf([good, '{"data":1}', refusedLater]), { traceparent });
    await caughtUp(dataDir);
    const at = ['--data-dir', dataDir, '--json'];
    const id = errors[0]?.correlationId as string;
    const shown = await runProgram(['dead-letters', 'show', id, ...at], env);
    const [sent] = (await receiver.until(isOf('server'))) as [ReceivedSpan];
    assert.equal(
      (JSON.parse(shown.stdout) as { traceparent: string }).traceparent,
      `00-${idOf(sent)}-01`,
      shown.stderr,
    );

    const { data, attributes } = JSON.parse(good) as { data: unknown; attributes: unknown };
    const patch = JSON.stringify([
      { op: 'replace', path: '/data', value: data },
      { op: 'add', path: '/attributes', value: attributes },
    ]);
    const edited = await runProgram(['dead-letters', 'edit', id, '--patch', patch, '--yes', ...at], env);
    assert.equal(edited.code, 0, edited.stderr);
    const before = receiver.spans.filter(({ name }) => name === 'commit events').length;
    const replayed = await runProgram(['dead-letters', 'replay', id, '--yes', ...at], env);
    assert.equal(replayed.code, 0, replayed.stderr);
    await caughtUp(dataDir);
    assert.equal((await rowsOf(dataDir, 'SELECT correlation_id FROM events')).length, 2);
    const commits = await receiver.until(({ name }) => name === 'commit events', before + 1);
    const replay = receiver.spans.find(({ spanId }) => spanId === commits.at(-1)?.parentSpanId);
    assert.deepEqual(replay?.links, [idOf(sent)], 'the replay is linked to the package that the letter came in');

    const found = await runProgram(['events', 'show', traceId, ...at], env);
    assert.equal((JSON.parse(found.stdout) as { events: unknown[] }).events.length >= 2, true, found.stdout);
    const tailed = await runProgram(
      ['tail', 'events.raw', '--from', 'start', '--limit', '1', '--data-dir', dataDir],
      env,
    );
    assert.match(tailed.stdout, new RegExp(`traceparent=00-${idOf(sent)}-01`));
  });

  test('who is not sampled leaves no span, and no header in the log', async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const program = await start(t, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces` });
    await taken(program.url, packageOf([good]), { traceparent: `00-${traceId}-${producerSpan}-00` });
    await taken(program.url, packageOf([good]), { traceparent: '00-nonsense' });
    const { dataDir } = program;
    await caughtUp(dataDir);
    const tailed = await runProgram(['tail', 'events.raw', '--from', 'start', '--limit', '2', '--data-dir', dataDir]);
    const [first, , second] = tailed.stdout.split('\n');
    assert.doesNotMatch(first ?? '', /traceparent/);
    assert.match(second ?? '', /traceparent=00-/, 'a malformed header is ignored: it is a trace of its own');
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    const requests = receiver.spans.filter(isOf('server'));
    assert.deepEqual(
      requests.map(({ parentSpanId }) => parentSpanId),
      [''],
    );
    for (const { links } of receiver.spans.filter(isOf('consumer'))) assert.deepEqual(links, requests.map(idOf));
  });

  test('503 is an error of the server in its span', async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const program = await start(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    await httpRequest(`${program.url}/registry/subjects/events.raw-value`, { method: 'DELETE' });
    assert.equal((await collect(program.url, packageOf([good]))).status, 503);
    const [span] = (await receiver.until(isOf('server'))) as [ReceivedSpan];
    const { 'error.type': type, 'http.response.status_code': status } = span.attributes;
    assert.deepEqual([span.isError, type, status], [true, 'SCHEMA_MISSING', 503]);
    const [decode] = receiver.spans.filter(within(span));
    assert.deepEqual([decode?.name, decode?.isError], ['decode', true]);
  });

  test('a producer that goes away in the middle of its package is an error in its span', async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const program = await start(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const { socket } = await beginUpload(program.url, 1000, '[');
    await httpRequest(`${program.url}/ping`);
    socket.destroy();
    const [span] = (await receiver.until(isOf('server'))) as [ReceivedSpan];
    assert.equal(span.isError, true);
    assert.match(String(span.attributes['error.type']), /^(ECONNRESET|BODY_INCOMPLETE)$/);
  });

  for (const [how, behaviour] of [
    ['is not there', undefined],
    ['never answers', 'stall'],
    ['answers 500', 500],
    ['answers 503', 503],
  ] as const)
    test(`a receiver that ${how} stops nothing: all lands, the drain ends in time, the log tells it once (D6, D8)`, async (t) => {
      const receiver = await OtlpReceiver.start(t);
      if (behaviour !== undefined) receiver.behaviour = behaviour;
      const endpoint = behaviour === undefined ? `http://127.0.0.1:${await closedPort()}` : receiver.url;
      const program = await start(t, {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hush-hush',
        LOG_LEVEL: 'trace',
      });
      const { dataDir } = program;
      for (let i = 0; i < 5; i++) await taken(program.url, packageOf([good, good]));
      await caughtUp(dataDir);
      if (behaviour !== undefined) await receiver.untilRequests(1);
      for (const pid of await descendants(program.child.pid as number))
        assert.doesNotMatch(await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''), /hush/);
      assert.equal(receiver.headers[0]?.authorization, behaviour === undefined ? undefined : 'Bearer hush-hush');
      if (behaviour === 500)
        assert.ok((await metric(program, 'tributary_spans_total{outcome="dropped"}')) > 0, program.log());
      const startedMs = performance.now();
      assert.equal(await program.kill('SIGTERM'), 0, program.log());
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < 8_000, `the drain took ${Math.round(tookMs)} ms`);
      const told = program.log().match(/trace spans were dropped/g) ?? [];
      assert.ok(told.length <= 1, program.log());
      assert.doesNotMatch(program.log(), /hush/);
    });
});

/** Tells every module of OpenTelemetry that the program loads. */
async function modulesLoaded(t: TestContext, env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const dir = await scratch(t);
  const list = join(dir, 'modules');
  const hook = `import { appendFileSync } from 'node:fs'; import { registerHooks } from 'node:module';
    appendFileSync(${JSON.stringify(list)}, 'hooked\\n');
    registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`;
  const program = await start(t, {
    ...env,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
  });
  await taken(program.url, packageOf([good]), { traceparent });
  assert.equal(await program.kill('SIGTERM'), 0, program.log());
  const modules = (await readFile(list, 'utf8')).split('\n');
  assert.ok(
    modules.some((url) => url.endsWith('/src/main.ts')),
    'the hook sees modules',
  );
  return modules.filter((url) => /@opentelemetry\/(?!api\/)/.test(url));
}

suite('what tracing costs where it is not configured', { timeout: 120_000 }, () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  test('nothing of the SDK is loaded', async (t) => assert.deepEqual(await modulesLoaded(t, {}), []));
  test('nor where it is turned off', async (t) => {
    assert.deepEqual(await modulesLoaded(t, { ...endpoint, OTEL_SDK_DISABLED: 'true' }), []);
    assert.deepEqual(await modulesLoaded(t, { ...endpoint, OTEL_TRACES_SAMPLER: 'always_off' }), []);
  });
  test('where it is configured, it is', async (t) =>
    assert.ok((await modulesLoaded(t, endpoint)).some((url) => url.includes('/sdk-trace/'))));
});
