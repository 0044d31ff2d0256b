/** Dead letters with log, objects and schemas on real servers: a misspelt event is listed, edited and replayed, and lands once, whatever is killed between. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { replayCorrelationId } from '../../src/event/correlation-id.ts';
import { readObjects } from '../../src/prove/packages/landed.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { caughtUp, rowsOf } from '../support/landed.ts';
import { makeLetters, patch, replay, replayUntilKilled, setAmount, type ShownLetter } from '../support/letters.ts';
import { runProgram, scratch, startProgram } from '../support/program.ts';
import { sharedRegistry } from '../support/registry-service.ts';
import { ownBucket, s3Environment, sharedS3, useS3Credentials } from '../support/s3-server.ts';

useS3Credentials();

const seconds = 120;
const misspelt = collectEvent().replace('"targetSubscription"', '"targetSubscripton"');
const spelt = JSON.stringify([
  { op: 'move', from: '/attributes/targetSubscripton', path: '/attributes/targetSubscription' },
]);

interface Place {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly store: ObjectStore;
}

async function listed({ dataDir, env }: Place, ...args: readonly string[]): Promise<readonly ShownLetter[]> {
  const ran = await runProgram(['dead-letters', 'list', '--json', '--data-dir', dataDir, ...args], env);
  assert.equal(ran.code, 0, ran.stderr);
  const lines = ran.stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as ShownLetter);
}

/** Everything that has landed, in the table and in objects, must be these, each once. */
async function assertLandedOnce({ dataDir, env, store }: Place, ids: readonly string[]): Promise<void> {
  await caughtUp(dataDir, env, seconds);
  const rows = await rowsOf<{ id: string }>(dataDir, 'SELECT correlation_id AS id FROM events ORDER BY 1', env);
  assert.deepEqual(
    rows.map(({ id }) => id),
    ids.toSorted(),
  );
  const { lines, torn } = await readObjects(store);
  assert.deepEqual(torn, []);
  const events = [...lines].filter(([, places]) => places.some(({ key }) => key.startsWith('events/')));
  assert.deepEqual(events.map(([id]) => id).toSorted(), ids.toSorted());
  assert.ok(events.every(([, places]) => places.length === 1));
}

suite('dead letters on Kafka, S3 and a registry', { timeout: 280_000 }, () => {
  let broker: OwnBroker;
  beforeEach(async () => {
    broker = await ownBroker();
  });
  afterEach(() => broker.dispose());

  async function place(t: { after(fn: () => Promise<void>): void }): Promise<Place> {
    const bucket = await ownBucket();
    const { host, port } = broker.address;
    const servers = { KAFKA_BROKERS: `${host}:${port}`, SCHEMA_REGISTRY_URL: sharedRegistry };
    const env = { ...s3Environment, ...servers, S3_BUCKET: bucket, S3_ENDPOINT: sharedS3 };
    return { dataDir: await scratch(t), env, store: await openS3Store({ bucket, endpoint: sharedS3 }) };
  }

  test('D2, D9: a misspelt event, listed, edited, replayed, lands once, with kill -9 after each step', async (t) => {
    const at = await place(t);
    let program = await startProgram(at);
    t.after(() => program.kill('SIGKILL'));
    const again = async (): Promise<void> => {
      await program.kill('SIGKILL');
      program = await startProgram(at);
    };
    const answer = await taken(program.url, packageOf([misspelt]));
    const [{ correlationId: id, path } = { correlationId: '', path: '' }] = answer.errors;
    assert.deepEqual([answer.rejected, path], [1, 'attributes.targetSubscription']);
    await again();
    const [letter] = await listed(at);
    assert.deepEqual([letter?.correlationId, letter?.state, letter?.event], [id, 'open', misspelt]);
    const edited = await patch(program.url, spelt, id, '--yes');
    assert.deepEqual(edited.summary, { changed: 1 }, edited.ran.stderr);
    await again();
    assert.equal((await listed(at))[0]?.state, 'edited');
    assert.deepEqual((await replay(program.url, id, '--yes')).summary, { accepted: 1 });
    await again();
    assert.deepEqual((await replay(program.url, id, '--yes')).summary, { 'already replayed': 1 });
    const as = replayCorrelationId(id, 1);
    await assertLandedOnce(at, [as]);
    const [done] = await listed(at);
    assert.deepEqual([done?.state, done?.replays.map(({ correlationId }) => correlationId)], ['replayed', [as]]);
    const shown = await runProgram(['events', 'show', as, '--data-dir', at.dataDir], at.env);
    assert.match(shown.stdout, /landed/, shown.stderr);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('D9: killed with kill -9 again and again while it replays, each letter lands once', async (t) => {
    const at = await place(t);
    let program = await startProgram(at);
    t.after(() => program.kill('SIGKILL'));
    const letters = await makeLetters(program.url, 1_500);
    const edited = await patch(program.url, setAmount, '--all', '--yes');
    assert.deepEqual(edited.summary, { changed: 1_500 }, edited.ran.stderr);
    const replayedBefore: number[] = [];
    while (await replayUntilKilled(program, 90_000 * replayedBefore.length, (replayedBefore.length * 37) % 120)) {
      program = await startProgram(at);
      replayedBefore.push((await listed(at, '--replayed')).length);
    }
    t.diagnostic(`killed with so many letters replayed: ${replayedBefore.join(', ')}`);
    assert.ok(
      replayedBefore.some((count) => count > 0 && count < 1_500),
      'at least one kill came in the middle',
    );
    const last = await replay(program.url, '--all', '--yes');
    assert.deepEqual(last.summary, { 'already replayed': 1_500 }, last.ran.stderr);
    await assertLandedOnce(
      at,
      letters.map((id) => replayCorrelationId(id, 1)),
    );
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });
});
