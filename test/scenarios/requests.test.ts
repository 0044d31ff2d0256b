/** Single requests as events, by the whole program: kills under load, access, traces, and the repair of a dead letter. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { httpRequest, type Reply } from '../support/http-request.ts';
import { linesOf, objectsOf } from '../support/landed.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import type { Poll } from '../support/polls.ts';
import { pollsConfig } from '../support/polls-config.ts';
import { type Program, runProgram, scratch, startFor } from '../support/program.ts';

const kills = 4;
const producers = 32;

interface Place {
  readonly dataDir: string;
  readonly config: string;
}

async function place(t: TestContext): Promise<Place> {
  const dir = await scratch(t);
  return { dataDir: join(dir, 'data'), config: await pollsConfig(dir) };
}

async function start(
  t: TestContext,
  { dataDir, config }: Place,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  return startFor(t, { dataDir, args: ['--config', config], env });
}

/** A command on the data directory; it must succeed. */
async function run({ dataDir, config }: Place, ...args: readonly string[]): Promise<string> {
  const ran = await runProgram([...args, '--data-dir', dataDir, '--config', config]);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran.stdout;
}

const caughtUp = (at: Place): Promise<string> => run(at, 'lag', '--wait', '--timeout', '60');

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

async function statuses(...asked: readonly Promise<Reply>[]): Promise<readonly number[]> {
  return (await Promise.all(asked)).map(({ status }) => status);
}

/** What has landed, in the order of the objects' keys. */
async function landed({ dataDir }: Place): Promise<readonly Poll[]> {
  const objects = [...(await objectsOf(dataDir))].filter(([key]) => key.startsWith('polls/'));
  return objects.flatMap(([, text]) => linesOf(text).map((line) => JSON.parse(line) as Poll));
}

function post(url: string, headers: Readonly<Record<string, string>> = {}, agent?: Agent): Promise<Reply> {
  return httpRequest(url, { method: 'POST', headers, ...(agent && { agent }) });
}

/** Votes of many at once until the program is killed under them; answers who was told that the vote counts. */
async function voteUntilKilled(program: Program, round: number): Promise<readonly string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: producers });
  const answered: string[] = [];
  const killAfter = 50 + Math.floor(Math.random() * 1_500);
  const dead = new AbortController();
  const vote = async (producer: number): Promise<void> => {
    for (let i = 0; !dead.signal.aborted; i += 1) {
      const voter = `${round}-${producer}-${i}`;
      const reply = await post(`${program.url}/vote?voter=${voter}&choice=tea`, {}, agent).catch(() => undefined);
      if (reply === undefined) break;
      assert.deepEqual([reply.status, reply.text], [200, 'counted: tea']);
      answered.push(voter);
      if (answered.length === killAfter) program.child.kill('SIGKILL');
    }
    dead.abort();
  };
  await Promise.all(Array.from({ length: producers }, (_, producer) => vote(producer)));
  await program.kill('SIGKILL');
  agent.destroy();
  assert.ok(answered.length >= killAfter, program.log());
  return answered;
}

suite('single requests', { timeout: 240_000 }, () => {
  test('D1, D2, D3: kill -9 under load: every answered request lands once, and none lands twice', async (t) => {
    const at = await place(t);
    const answered: string[] = [];
    for (let round = 0; round < kills; round += 1) answered.push(...(await voteUntilKilled(await start(t, at), round)));
    const program = await start(t, at);
    await caughtUp(at);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    const voters = (await landed(at)).map(({ voter }) => voter);
    const found = new Set(voters);
    assert.equal(found.size, voters.length, 'an event has landed twice');
    assert.deepEqual(
      answered.filter((voter) => !found.has(voter)),
      [],
    );
  });

  test('a key is for the endpoint that it names, and limits its requests', async (t) => {
    const at = await place(t);
    const key = (await run(at, 'keys', 'add', 'site', '--source', '/vote')).trim();
    const slow = (await run(at, 'keys', 'add', 'slow', '--source', '/vote', '--rate', '1/s')).trim();
    await run(at, 'keys', 'add', 'board', '--source', '/polls/comment');
    const wrong = await runProgram([
      'keys',
      'add',
      'x',
      '--source',
      '/votes',
      '--data-dir',
      at.dataDir,
      '--config',
      at.config,
    ]);
    assert.equal(wrong.code, 2, wrong.stderr);
    assert.match(wrong.stderr, /\/vote/);
    const { url } = await start(t, at);
    const vote = `${url}/vote?voter=a&choice=tea`;
    assert.deepEqual(
      await statuses(post(vote), post(vote, bearer(key)), post(`${url}/polls/comment?voter=a`, bearer(key))),
      [401, 200, 403],
    );
    const limited = await Promise.all(Array.from({ length: 5 }, () => post(vote, bearer(slow))));
    const refused = limited.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0 && refused.length < 5, JSON.stringify(limited.map(({ status }) => status)));
    assert.equal(refused[0]?.headers['retry-after'], '1');
  });

  test('/openapi.json describes each endpoint, and the metrics count its requests', async (t) => {
    const program = await start(t, await place(t));
    await post(`${program.url}/vote?voter=a&choice=tea`);
    await post(`${program.url}/polls/comment`);
    const { paths } = JSON.parse((await httpRequest(`${program.url}/openapi.json`)).text) as {
      paths: Record<
        string,
        { post: { operationId: string; parameters: { name: string }[]; requestBody: { required: boolean } } }
      >;
    };
    const { operationId, parameters, requestBody } = paths['/polls/comment']!.post;
    assert.deepEqual([operationId, requestBody.required], ['send-polls-polls-comment', false]);
    assert.deepEqual(
      parameters.map(({ name }) => name),
      ['voter', 'Idempotency-Key', 'Content-Encoding'],
    );
    const { text } = await httpRequest(`${program.url}/metrics`);
    assert.match(text, /^tributary_events_ingested_total\{pipeline="polls"\} 1$/m);
    assert.match(text, /^tributary_packages_total\{pipeline="polls",status="200"\} 1$/m);
    assert.match(text, /^tributary_packages_total\{pipeline="polls",status="400"\} 1$/m);
  });

  test('D2, D9: what the processor refuses is shown as the event that it was, edited, replayed, and lands', async (t) => {
    const at = await place(t);
    const program = await start(t, at);
    await post(`${program.url}/vote?voter=a&choice=late`);
    await caughtUp(at);
    const [letter] = linesOf(await run(at, 'dead-letters', 'list', '--json')).map(
      (line) => JSON.parse(line) as { correlationId: string; event: string },
    );
    assert.ok(letter);
    assert.equal((JSON.parse(letter.event) as Poll).choice, 'late');
    await run(at, 'dead-letters', 'edit', letter.correlationId, '--patch', '{"choice":"tea"}', '--yes');
    await run(at, 'dead-letters', 'replay', letter.correlationId, '--yes');
    await caughtUp(at);
    assert.deepEqual(
      (await landed(at)).map(({ voter, choice, kind }) => [voter, choice, kind]),
      [['a', 'tea', 'vote']],
    );
  });

  test('a request goes on in its client’s trace, and the batch that lands it is linked to it', async (t) => {
    const receiver = await OtlpReceiver.start(t);
    const at = await place(t);
    const program = await start(t, at, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await post(`${program.url}/vote?voter=a&choice=tea`, { traceparent });
    await caughtUp(at);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    const [sent] = receiver.spans.filter(({ kind }) => kind === 'server');
    assert.deepEqual([sent?.name, sent?.parentSpanId], ['POST /vote', 'b7ad6b7169203331']);
    assert.equal(sent?.attributes['tributary.events.accepted'], 1);
    assert.equal(sent.attributes['url.path'], '/vote', 'no value of a parameter');
    const parts = receiver.spans.filter(({ parentSpanId }) => parentSpanId === sent.spanId).map(({ name }) => name);
    assert.deepEqual(parts, ['decode', 'append polls']);
    const batches = receiver.spans.filter(({ name }) => name === 'land polls');
    assert.deepEqual(
      batches.map(({ links }) => links),
      [[`${sent.traceId}-${sent.spanId}`]],
    );
  });
});
