/** The whole program with its schema registry at another server, which is a Tributary here: up, down, and back. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { freePorts } from '../../src/services/free-ports.ts';
import { collect, httpRequest, taken } from '../support/http-request.ts';
import { caughtUp } from '../support/landed.ts';
import { type Program, runProgram, scratch, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';
import { untilAnswered } from '../support/until-answered.ts';

const one = (): string => packageOf([collectEvent()]);

suite('a schema registry elsewhere', { timeout: 240_000 }, () => {
  let port: number;
  let registryDir: string;
  let registry: Program;
  let env: Readonly<Record<string, string>>;
  let closing: (() => Promise<void>)[] = [];

  const startRegistry = async (): Promise<void> => {
    registry = await startProgram({ dataDir: registryDir, args: ['--port', `${port}`] });
  };
  before(async () => {
    [port = 0] = await freePorts(1);
    registryDir = await scratch({ after: (fn) => void closing.push(fn) });
    env = { SCHEMA_REGISTRY_URL: `http://me:seCret@127.0.0.1:${port}/registry` };
    await startRegistry();
  });
  after(async () => {
    registry.child.kill('SIGKILL');
    for (const close of closing) await close();
    closing = [];
  });

  test('is used by the server and by the commands; /registry says where it is, without a password', async (t) => {
    const dataDir = await scratch(t);
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    const { packageId } = await taken(program.url, one());
    for (const path of ['/registry', '/registry/subjects', '/registry/schemas/ids/1']) {
      const { status, text } = await httpRequest(`${program.url}${path}`);
      const message = `the schema registry of this server is at http://127.0.0.1:${port}/registry`;
      assert.deepEqual([status, JSON.parse(text)], [404, { error_code: 404, message }]);
    }
    const document = JSON.parse((await httpRequest(`${program.url}/openapi.json`)).text) as { paths: object };
    assert.deepEqual(
      Object.keys(document.paths).filter((path) => path.startsWith('/registry')),
      [],
    );
    await caughtUp(dataDir, env);
    const run = async (...args: readonly string[]): Promise<string> => {
      const ran = await runProgram([...args, '--data-dir', dataDir], env);
      assert.equal(ran.code, 0, ran.stderr);
      return ran.stdout;
    };
    assert.match(await run('schemas', 'list'), /^events\.raw-value +1 +2 +AVRO +1 +BACKWARD$/m);
    const [line = ''] = (await run('tail', 'events.raw', '--from', 'start', '--limit', '1', '--json')).split('\n');
    assert.equal((JSON.parse(line) as { schemaId?: number }).schemaId, 2);
    assert.match(await run('events', 'show', packageId), /landed/);
    assert.doesNotMatch(program.log(), /seCret/);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('D1, D8: while it is down a program that knows the schemas starts, serves and ends; they are registered when it is back', async (t) => {
    const dataDir = await scratch(t);
    const first = await startProgram({ dataDir, env });
    await taken(first.url, one());
    await registry.kill('SIGKILL');
    await taken(first.url, one());
    assert.equal(await first.kill('SIGKILL'), 'SIGKILL');
    const second = await startProgram({ dataDir, env });
    t.after(() => second.kill('SIGKILL'));
    assert.match(second.log(), /the schemas are those that the registry had; they are registered when it answers/);
    await taken(second.url, one());
    await caughtUp(dataDir, env);
    const fresh = await runProgram(['start', '--port', '0', '--data-dir', await scratch(t)], env);
    assert.equal(fresh.code, 1);
    const said =
      /^error: cards\.raw-value cannot be registered, and was not before from this data directory: .*127\.0\.0\.1/;
    assert.match(fresh.stderr.trim().split('\n').at(-1)!, said);
    assert.doesNotMatch(fresh.stderr, /seCret/);
    await startRegistry();
    await until(() => second.log().includes('the schemas are registered'));
    assert.equal(await second.kill('SIGTERM'), 0, second.log());
    await registry.kill('SIGKILL');
    const third = await startProgram({ dataDir, env });
    assert.equal(await third.kill('SIGTERM'), 0, 'it ends while it tries to register');
    await startRegistry();
  });

  test('D1: what cannot be checked is refused with 503 and not stored, and taken when the schema is there again', async (t) => {
    const dataDir = await scratch(t);
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    await taken(program.url, one());
    const subject = `http://127.0.0.1:${port}/registry/subjects/events.raw-value`;
    assert.equal((await httpRequest(subject, { method: 'DELETE' })).status, 200);
    const refusal = async (code: string) => {
      const { status, text, headers } = await collect(program.url, one());
      if (status !== 503) return undefined;
      assert.equal(headers['retry-after'], '1');
      return (JSON.parse(text) as { error: string }).error === code || undefined;
    };
    await untilAnswered(() => refusal('SCHEMA_MISSING'));
    await registry.kill('SIGKILL');
    const before503 = await recordsIn(dataDir, env);
    const startedMs = performance.now();
    assert.ok(await refusal('SCHEMA_REGISTRY_UNAVAILABLE'));
    assert.ok(performance.now() - startedMs < 5_000, 'producers give up at 5 s');
    assert.equal(await recordsIn(dataDir, env), before503);
    await startRegistry(); // which registers its own
    await taken(program.url, one());
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });
});

async function recordsIn(dataDir: string, env: Readonly<Record<string, string>>): Promise<string> {
  const ran = await runProgram(['topics', 'list', '--json', '--data-dir', dataDir], env);
  assert.equal(ran.code, 0, ran.stderr);
  return ran.stdout;
}
