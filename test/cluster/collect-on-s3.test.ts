/** The whole program with its objects on S3: the server goes away under load, the program is killed, and each event lands once. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { readObjects } from '../../src/prove/packages/landed.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { startGoodProducer } from '../support/good-producer.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, objectsOf, rowsOf } from '../support/landed.ts';
import { type Program, runProgram, scratch, startProgram } from '../support/program.ts';
import { type OwnS3, ownS3, s3Environment, useS3Credentials } from '../support/s3-server.ts';
import { descendants } from '../support/processes.ts';
import { until } from '../support/until.ts';

useS3Credentials();

const seconds = 120;

/** What was acknowledged while the program ran and `fault` came over it. */
async function live(
  dataDir: string,
  env: Readonly<Record<string, string>>,
  fault: (program: Program) => Promise<unknown>,
): Promise<readonly string[]> {
  const program = await startProgram({ dataDir, env });
  const producer = startGoodProducer(program.url);
  for (let i = 0; i < 30; i++) await producer.answer();
  await fault(program);
  const { acknowledged } = await producer.stop();
  await program.kill('SIGKILL');
  return acknowledged;
}

suite('collect, its objects on S3', () => {
  let server: OwnS3;
  before(async () => {
    server = await ownS3();
  });
  after(() => server.dispose());

  async function place(): Promise<{ env: Readonly<Record<string, string>>; store: ObjectStore }> {
    const bucket = await server.bucket();
    const env = { ...s3Environment, S3_BUCKET: bucket, S3_ENDPOINT: server.url };
    return { env, store: await openS3Store({ bucket, endpoint: server.url }) };
  }

  test('D1, D3: server or program killed, each acknowledged event lands in an object and a row, once', async (t) => {
    const dataDir = await scratch(t);
    const { env, store } = await place();
    const acknowledged = [
      ...(await live(dataDir, env, async (program) => {
        await server.kill();
        await until(() => program.log().includes('OBJECTS_UNAVAILABLE'));
        await server.start();
      })),
      ...(await live(dataDir, env, async (program) => {
        await server.kill();
        await program.kill('SIGKILL');
        await server.start();
      })),
      ...(await live(dataDir, env, async () => undefined)),
    ];
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    await caughtUp(dataDir, env, seconds);
    const rows = await rowsOf<{ id: string }>(dataDir, 'SELECT correlation_id AS id FROM events', env);
    const { lines, torn } = await readObjects(store);
    assert.deepEqual(torn, []);
    assert.deepEqual([...lines.keys()].toSorted(), rows.map(({ id }) => id).toSorted());
    assert.ok([...lines.values()].every(({ length }) => length === 1));
    assert.ok(acknowledged.length > 100);
    for (const id of acknowledged) assert.ok(lines.has(id), `${id} was acknowledged, and is in no object`);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    t.diagnostic(`${acknowledged.length} events acknowledged, ${rows.length} landed`);
  });

  test('keys are those of a directory; events show and dead-letters show read them', async (t) => {
    const dataDir = await scratch(t);
    const { env, store } = await place();
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    const sent = packageOf([collectEvent(), collectEvent({ messageId: 'not an id' }), '{"no":"event"}']);
    const { packageId } = await taken(program.url, sent);
    await caughtUp(dataDir, env, seconds);
    const keys = await Array.fromAsync(store.list(''));
    const events = keys.filter((key) => key.startsWith('events/'));
    assert.equal(events.length, 1);
    assert.match(events[0]!, /^events\/date=2026-11-21\/type=App%5CEvent%5CPaid\/events\.raw-\d-\d+\.json$/);
    const letters = keys.filter((key) => key.startsWith('dead-letter/collect/'));
    assert.deepEqual(
      letters.map((key) => key.slice(-(packageId.length + 7))),
      [1, 2].map((index) => `${packageId}/${index}.json`),
    );
    assert.equal((await objectsOf(dataDir).catch(() => new Map())).size, 0, 'nothing in the directory');
    const show = async (...args: readonly string[]): Promise<string> => {
      const ran = await runProgram([...args, '--data-dir', dataDir, '--json'], env);
      assert.equal(ran.code, 0, ran.stderr);
      return ran.stdout;
    };
    const first = `${packageId.slice(0, 30)}000000`;
    assert.ok((await show('events', 'show', first)).includes(events[0]!));
    assert.match(await show('dead-letters', 'show', `${packageId.slice(0, 30)}000002`), /no.*event/);
  });

  test('D1, D8: it starts, takes events and ends while the server is away; it tells so without the secret', async (t) => {
    const dataDir = await scratch(t);
    const { env, store } = await place();
    await server.kill();
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    await taken(program.url, packageOf([collectEvent()]));
    await until(() => program.log().includes('OBJECTS_UNAVAILABLE'));
    assert.match(program.log(), new RegExp(`S3 bucket ${env['S3_BUCKET']} at 127`));
    assert.ok(!program.log().includes(s3Environment.AWS_SECRET_ACCESS_KEY));
    const environmentsOfChildren = async (): Promise<readonly string[]> => {
      const children = await descendants(program.child.pid!);
      return Promise.all(children.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
    };
    // PostgreSQL, which the bucket does not wait for.
    await until(async () => (await environmentsOfChildren()).some((text) => text.includes('S3_BUCKET')));
    const environments = await environmentsOfChildren();
    for (const text of environments) assert.ok(!text.includes(s3Environment.AWS_SECRET_ACCESS_KEY), 'a child process');
    const ran = await runProgram(['events', 'show', 'x', '--data-dir', dataDir], { ...env, S3_BUCKET: '_' });
    assert.match(ran.stderr, /S3_BUCKET in the environment: expected the name of a bucket/);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    await server.start();
    const again = await startProgram({ dataDir, env });
    t.after(() => again.kill('SIGKILL'));
    await caughtUp(dataDir, env, seconds);
    assert.equal((await Array.fromAsync(store.list('events/'))).length, 1);
    assert.equal(await again.kill('SIGTERM'), 0);
  });
});
