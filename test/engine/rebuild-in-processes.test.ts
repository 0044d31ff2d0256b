/** A rebuild whose partitions are counted in processes of their own, on the real engine. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { inPackage } from '../../src/config/package-root.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { loadApps } from '../../src/engine/load-apps.ts';
import { PartProcesses } from '../../src/engine/part-processes.ts';
import { openRebuildParts } from '../../src/engine/rebuild-parts.ts';
import { rebuildInEngine } from '../../src/engine/rebuild-views.ts';
import { correlationId, createPackageIds } from '../../src/event/correlation-id.ts';
import { madeRecord } from '../../src/ingest/accepted-record.ts';
import { pipelinesOf } from '../../src/pipeline/apps.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { loadSchemaFiles } from '../../src/schemas/schema-files.ts';
import { LogViewReader } from '../../src/views/view-reader.ts';
import type { AnyView } from '../../src/views/rows.ts';
import { fault } from '../support/segment-logs.ts';

const visitors = 600;
const partitions = 3;
const uuidOf = (nth: number): string => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`;

/** Of each visitor an initial for `x` or `y`, and of each third two followups. */
function* requests(): Generator<object> {
  for (let nth = 0; nth < visitors; nth++) {
    const [uuid, time] = [uuidOf(nth), `2025-12-31T10:${String(nth % 60).padStart(2, '0')}:00.000000Z`];
    yield { uuid, symbol: nth % 2 ? 'x' : 'y', is_vowel: false, kind: 'initial', time };
    if (nth % 3 === 0) for (let i = 0; i < 2; i++) yield { uuid, symbol: null, is_vowel: null, kind: 'followup', time };
  }
}

suite('a rebuild in processes of its own', () => {
  let dir: string;
  let config: Config;
  let pipeline: Pipeline;
  let view: AnyView;
  let records = 0;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-rebuild-'));
    const signals = pathToFileURL(inPackage('apps/signals/signals.ts')).href;
    const app = join(dir, 'app.js'); // signals, whose view throws at one visitor
    await writeFile(
      app,
      `import { app as signals } from ${JSON.stringify(signals)};
       const [view] = signals.pipeline.views;
       const counts = (signal) => {
         if (signal.uuid === '${uuidOf(1)}') throw new Error('not this one');
         return view.counts(signal);
       };
       export const app = { ...signals, pipeline: { ...signals.pipeline, views: [{ ...view, counts }] } };`,
    );
    const file = join(dir, 'tributary.config.json');
    await writeFile(file, JSON.stringify({ pipelines: [app] }));
    config = loadConfig({ file, env: {}, flags: { dataDir: join(dir, 'data') } });
    [pipeline] = pipelinesOf(await loadApps(config)) as [Pipeline];
    [view] = pipeline.views as readonly [AnyView];
    await fill();
  });

  after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

  async function fill(): Promise<void> {
    const engine = await openEngine(config);
    try {
      await loadSchemaFiles({ dir: config.schemasDir, registry: engine.registry });
      await engine.log.ensureTopics([{ name: pipeline.topic.name, partitions }]);
      const codec = await createCodecs(engine.registry).latest(pipeline.schema.subject);
      const nextPackage = createPackageIds({ now: Date.now });
      const batch = engine.log.batch();
      for (const event of requests())
        batch.add(madeRecord(event, { pipeline, codec, correlationId: correlationId(nextPackage(), 0) }));
      batch.add({ topic: pipeline.topic.name, key: 'no signal', value: Buffer.from('no signal'), headers: [] });
      records = batch.count;
      await engine.log.append(batch);
    } finally {
      await engine.log.close();
      await engine.state.close();
    }
  }

  async function counted(): Promise<unknown> {
    const parts = await openRebuildParts(config, pipeline);
    const { log, store } = parts;
    try {
      const of = { logId: log.id, pipeline: pipeline.name, view: view.name };
      const topic = pipeline.topic.name;
      const all = await new LogViewReader({ log, store, of, topic, view, loopOf: () => undefined }).all();
      return [...all].map(([key, { count, followups }]) => [key, count, followups]);
    } finally {
      await parts.close();
    }
  }

  test('D3: it counts what one in this process counts, and tells how far it is and what it skips', async () => {
    const expected = [
      ['x', visitors / 2 - 1, visitors / 3],
      ['y', visitors / 2, visitors / 3],
    ];
    for (const processesFromRecords of [0, Infinity, 0]) {
      const told: number[] = [];
      const rebuilt = await rebuildInEngine(config, pipeline, view, {
        isPartial: false,
        onProgress: ({ done, total }) => void told.push(done / total),
        processesFromRecords,
      });
      assert.deepEqual(rebuilt, { records, gone: 0, skipped: 1 });
      assert.equal(told.at(-1), 1);
      assert.deepEqual(await counted(), expected);
    }
  });

  test('D3: where another rebuild has begun, or its process ends, a part says so', async () => {
    const at = { topic: pipeline.topic.name, partition: 1 };
    const building = { generation: 'nobody', expect: [{ key: 'view/mark', value: Buffer.from('another') }] };
    const options = { config, pipeline: pipeline.name, view: view.name, parts: partitions, onSkipped: () => {} };
    const processes = new PartProcesses(options);
    try {
      const part = await processes.open({ at, start: 0, building, isPartial: false });
      await part.readTo(10, () => {}, new AbortController().signal);
      await assert.rejects(part.commit(), fault('CHECKPOINT_STALE', /kept by another process/));
      const stopping = new AbortController();
      const reading = part.readTo(Infinity, () => {}, stopping.signal);
      stopping.abort();
      await assert.rejects(reading, /SIGKILL/);
      await assert.rejects(part.commit(), /has ended/);
    } finally {
      await processes.stop();
    }
  });

  test('a view that the configuration does not have is told by its process', async () => {
    const options = { config, pipeline: pipeline.name, view: 'none', parts: 1, onSkipped: () => {} };
    const processes = new PartProcesses(options);
    const asked = { at: { topic: 't', partition: 0 }, start: 0, building: { generation: 'g', expect: [] } };
    try {
      await assert.rejects(processes.open({ ...asked, isPartial: false }), /there is no view signals\/none/);
    } finally {
      await processes.stop();
    }
  });
});
