/** The whole program with Apicurio as its schema registry, which is killed, frozen and cut off while events come. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRemoteRegistry } from '../../src/schemas/remote-registry.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { type GoodProducer, type ProducerReport, startGoodProducer } from '../support/good-producer.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, eventLinesOf } from '../support/landed.ts';
import { type OwnRegistry, ownRegistry } from '../support/registry-service.ts';
import { runProgram, scratch, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

/** What is known is asked for again after 10 s. */
const beyondFreshMs = 12_000;
const subject = 'events.raw-value';

const one = (): string => packageOf([collectEvent()]);

/** Nobody was refused or made to wait, and all that was acknowledged is in the objects, once. */
async function checkAll(reports: readonly ProducerReport[], dataDir: string, env: Record<string, string>) {
  for (const { answers, slowestMs } of reports) {
    assert.deepEqual(Object.keys(answers), ['200'], JSON.stringify(answers));
    assert.ok(slowestMs < 3_000, `an answer took ${slowestMs} ms`);
  }
  await caughtUp(dataDir, env);
  const landed = await eventLinesOf(dataDir);
  for (const id of reports.flatMap(({ acknowledged }) => acknowledged)) assert.ok(landed.has(id), `${id} is lost`);
}

const stopped = (producers: readonly GoodProducer[]) => Promise.all(producers.map((producer) => producer.stop()));

suite('collect, its schemas in Apicurio', { timeout: 280_000 }, () => {
  let registry: OwnRegistry;
  let env: Record<string, string>;
  before(async () => {
    registry = await ownRegistry();
    env = { SCHEMA_REGISTRY_URL: registry.url };
  });
  after(() => registry.dispose());

  test('D1, D2, D3: killed for a while, no event of a known schema is refused; a restarted program serves, and registers later', async (t) => {
    const dataDir = await scratch(t);
    const first = await startProgram({ dataDir, env });
    t.after(() => first.kill('SIGKILL'));
    const producers = [startGoodProducer(first.url), startGoodProducer(first.url)];
    for (const producer of producers) await producer.answer();
    await registry.kill();
    await sleep(beyondFreshMs);
    const reports = await stopped(producers);
    assert.equal(await first.kill('SIGTERM'), 0, first.log());
    assert.match(first.log(), /the schema registry is out of reach/);
    const second = await startProgram({ dataDir, env });
    t.after(() => second.kill('SIGKILL'));
    const more = [startGoodProducer(second.url)];
    for (let i = 0; i < 20; i += 1) await more[0]!.answer();
    const fresh = await runProgram(['start', '--port', '0', '--data-dir', await scratch(t)], env);
    assert.deepEqual([fresh.code, /cannot be registered, and was not before/.test(fresh.stderr)], [1, true]);
    await registry.start();
    await until(() => second.log().includes('the schemas are registered'));
    await checkAll([...reports, ...(await stopped(more))], dataDir, env);
    assert.equal(await second.kill('SIGTERM'), 0, second.log());
  });

  test('D6: frozen, nothing waits for it: not who sends, not a start beyond its limit, not an end', async (t) => {
    const dataDir = await scratch(t);
    const first = await startProgram({ dataDir, env });
    t.after(() => first.kill('SIGKILL'));
    const producer = startGoodProducer(first.url);
    await producer.answer();
    await registry.freeze();
    t.after(() => registry.thaw());
    await sleep(beyondFreshMs);
    const [report] = await stopped([producer]);
    assert.equal(await first.kill('SIGTERM'), 0, first.log());
    const startedMs = performance.now();
    const second = await startProgram({ dataDir, env });
    t.after(() => second.kill('SIGKILL'));
    const startMs = performance.now() - startedMs;
    assert.ok(startMs < 20_000, `it took ${startMs} ms to start`);
    await taken(second.url, one());
    await registry.thaw();
    await until(() => second.log().includes('the schemas are registered'));
    await checkAll([report!], dataDir, env);
    assert.equal(await second.kill('SIGTERM'), 0, second.log());
    t.diagnostic(`a start took ${Math.round(startMs)} ms, the slowest answer ${Math.round(report!.slowestMs)} ms`);
  });

  test('a version that is registered while it runs is in use soon, through a connection that is often cut', async (t) => {
    const proxy = await startFaultyProxy(registry.url);
    t.after(() => proxy.close());
    const dataDir = await scratch(t);
    const through = { SCHEMA_REGISTRY_URL: `${proxy.url}/apis/ccompat/v7` };
    proxy.next({ kind: 'cut answer', afterBytes: 150 }, { kind: 'cut request', afterBytes: 10 });
    const program = await startProgram({ dataDir, env: through });
    t.after(() => program.kill('SIGKILL'));
    const producer = startGoodProducer(program.url);
    await producer.answer();
    const direct = openRemoteRegistry({ address: registry.url });
    t.after(() => direct.close());
    const { schema } = await direct.version(subject, 'latest');
    const changed = JSON.parse(schema) as { fields: object[] };
    changed.fields.push({ name: 'later', type: ['null', 'string'], default: null });
    const newest = await direct.register(subject, { type: 'AVRO', schema: JSON.stringify(changed), references: [] });
    proxy.next({ kind: 'cut answer', afterBytes: 100 }, { kind: 'stall' });
    await sleep(beyondFreshMs);
    await taken(program.url, one());
    await sleep(beyondFreshMs);
    const report = await producer.stop();
    await checkAll([report], dataDir, through);
    const landed = await eventLinesOf(dataDir);
    const schemaOf = (id: string) => (JSON.parse(landed.get(id)!.line) as Line).metadata.schemaId;
    assert.equal(schemaOf(report.acknowledged.at(-1)!), newest.id);
    assert.notEqual(schemaOf(report.acknowledged[0]!), newest.id);
    assert.equal(proxy.faults, 4);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });
});

interface Line {
  readonly metadata: { readonly schemaId: number };
}
