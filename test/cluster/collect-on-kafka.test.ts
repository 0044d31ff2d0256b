/** The whole program with its log on Kafka: broker and program are killed under load, and what was acknowledged lands once. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { attachEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { startGoodProducer } from '../support/good-producer.ts';
import { collect, httpRequest, taken } from '../support/http-request.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { caughtUp, eventLinesOf } from '../support/landed.ts';
import { untilAnswered } from '../support/until-answered.ts';
import { type Program, runProgram, scratch, startProgram } from '../support/program.ts';
import { join } from 'node:path';

const producers = 4;
const seconds = 120;

suite('collect, its log on Kafka', () => {
  let broker: OwnBroker;
  let env: Readonly<Record<string, string>>;
  before(async () => {
    broker = await ownBroker();
    env = { KAFKA_BROKERS: `${broker.address.host}:${broker.address.port}` };
  });
  after(() => broker.dispose());

  /** What was acknowledged while the program ran and `fault` came over it. */
  async function live(dataDir: string, fault: (program: Program) => Promise<unknown>): Promise<readonly string[]> {
    const program = await startProgram({ dataDir, env });
    const running = Array.from({ length: producers }, () => startGoodProducer(program.url));
    for (let i = 0; i < 40; i += 1) await Promise.all(running.map((producer) => producer.answer()));
    await fault(program);
    const reports = await Promise.all(running.map((producer) => producer.stop()));
    if (program.child.exitCode === null && program.child.signalCode === null)
      assert.equal(await program.kill('SIGTERM'), 0, program.log());
    for (const { slowestMs } of reports) assert.ok(slowestMs < 5_000, `an answer took ${slowestMs} ms`);
    return reports.flatMap(({ acknowledged }) => acknowledged);
  }

  test('D1, D3, D8: whatever is killed, each acknowledged event lands in every sink, once', async (t) => {
    const dataDir = await scratch(t);
    const acknowledged = [
      ...(await live(dataDir, (program) => program.kill('SIGKILL'))),
      ...(await live(dataDir, async () => {
        await broker.kill();
        await broker.start();
      })),
      ...(await live(dataDir, async (program) => {
        await broker.kill();
        await program.kill('SIGKILL');
        await broker.start();
      })),
      ...(await live(dataDir, async () => undefined)),
    ];
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    await caughtUp(dataDir, env, seconds);
    const warehouse = await attachEmbeddedWarehouse({ dir: join(dataDir, 'postgres') });
    t.after(() => warehouse.close());
    const { rows } = await warehouse.pool.query<{ id: string }>('SELECT correlation_id AS id FROM events');
    const inRows = new Set(rows.map(({ id }) => id));
    assert.equal(inRows.size, rows.length, 'a row is there twice');
    const inObjects = await eventLinesOf(dataDir);
    for (const id of acknowledged) {
      assert.ok(inRows.has(id), `${id} was acknowledged, and has no row`);
      assert.ok(inObjects.has(id), `${id} was acknowledged, and is in no object`);
    }
    assert.deepEqual([...inObjects.keys()].toSorted(), [...inRows].toSorted());
    t.diagnostic(`${acknowledged.length} events acknowledged, ${rows.length} landed`);
  });

  test('D5: lag, topics, tail, dead letters and events read it; a package sent twice under one key is stored once', async (t) => {
    const dataDir = await scratch(t);
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    const key = { 'idempotency-key': 'once' };
    const events = packageOf([collectEvent({ messageId: 'not an id' }), collectEvent(), '{"no":"event"}']);
    const answer = await taken(program.url, events, key);
    assert.deepEqual(await taken(program.url, events, key), answer);
    assert.deepEqual([answer.accepted, answer.rejected], [2, 1]);
    const run = async (...args: readonly string[]): Promise<string> => {
      const ran = await runProgram([...args, '--data-dir', dataDir], env);
      assert.equal(ran.code, 0, ran.stderr);
      return ran.stdout;
    };
    const topics = JSON.parse(await run('topics', 'list', '--json')) as { name: string; partitions: number }[];
    assert.equal(topics.find(({ name }) => name === 'events.raw')?.partitions, 3);
    assert.match(await run('topics', 'apply'), /events\.raw: is there, with 3 partitions/);
    const [line] = (await run('tail', 'events.raw', '--from', 'start', '--limit', '1', '--json')).split('\n');
    assert.equal((JSON.parse(line!) as { topic: string }).topic, 'events.raw');
    await caughtUp(dataDir, env, seconds);
    const letters = (await run('dead-letters', 'list', '--json')).trim().split('\n');
    const indexes = letters.map((letter) => (JSON.parse(letter) as { index: number }).index);
    assert.deepEqual(
      indexes.toSorted((a, b) => a - b),
      [0, 2],
      'one that the processor refused, and one that ingest did',
    );
    const second = `${answer.packageId.slice(0, 30)}000001`;
    assert.match(await run('events', 'show', second), /landed/);
  });

  test('D1, D6: a broker that goes away while processors begin ends nothing; what comes then is refused, and told', async (t) => {
    const dataDir = await scratch(t);
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    await broker.kill();
    const refused = await collect(program.url, packageOf([collectEvent()]));
    assert.equal(refused.status, 503, refused.text);
    const health = await httpRequest(`${program.url}/health/ready`);
    assert.match(`${health.status} ${health.text}`, /^503 .*No Kafka broker answers/);
    assert.equal((await httpRequest(`${program.url}/metrics`)).status, 200);
    await broker.start();
    const isTaken = async () => (await collect(program.url, packageOf([collectEvent()]))).status === 200 || undefined;
    await untilAnswered(isTaken);
    await caughtUp(dataDir, env, seconds);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('who names a broker that does not answer is told so', async (t) => {
    const dataDir = await scratch(t);
    const ran = await runProgram(['start', '--data-dir', dataDir], { KAFKA_BROKERS: '127.0.0.1:1' });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /No Kafka broker answers: 127\.0\.0\.1:1: .*ECONNREFUSED.*KAFKA_BROKERS/s);
  });
});
