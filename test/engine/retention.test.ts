/** Retention keeps what any consumer has not landed that the configuration names or the keyed state knows (D2). */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pairs } from 'tributary';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { keepRetention } from '../../src/engine/retention.ts';
import { idempotencyTopic } from '../../src/ingest/key-view.ts';
import type { Log, TopicPartition } from '../../src/log/log.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { Checkpoint, knownCheckpoints } from '../../src/processing/checkpoint.ts';
import { ReplayProgress } from '../../src/processing/replay-progress.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { openViewState } from '../../src/views/view-state.ts';
import type { ViewIdentity } from '../../src/views/view-keys.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { cli } from '../cli/run-cli.ts';

const at: TopicPartition = { topic: 'events', partition: 0 };
const records = 200;
const running = { name: 'running', topic: at.topic };
const alsoKeep = () => [{ topic: idempotencyTopic.name, partition: 0, offset: 0 }];
const other = { name: 'other', topic: at.topic };

function itself<Event>(event: Event): Event {
  return event;
}

suite('retention', () => {
  let dataDir: string;
  let log: Log;
  let state: StateStore;
  const lines: string[] = [];
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-retention-'));
    await openParts();
    await log.ensureTopics([{ name: at.topic, partitions: 1 }, idempotencyTopic]);
    for (let i = 0; i < records; i++) {
      const batch = log.batch();
      batch.add({ topic: at.topic, key: null, value: Buffer.alloc(4_096, i), headers: [] });
      await log.append(batch);
    }
    for (const [consumer, next] of [
      ['running', records],
      ['other', 150],
      ['old/letters', 100],
    ] as const)
      await (await Checkpoint.open(state, { logId: log.id, consumer, at })).advance(next, { bytes: 1, maxBytes: 1 });
  });
  after(async () => {
    await log.close();
    await state.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function openParts(): Promise<void> {
    const paths = dataPaths(dataDir);
    log = await openSegmentLog({ dir: paths.log, segmentBytes: 64 * 1024, minFreeBytes: 0 });
    state = await openLmdbStore({ dir: paths.state, minFreeBytes: 0 });
  }

  const forget = (consumer: string) => cli(['forget', consumer, '--data-dir', dataDir]);

  /** Where the topic begins after one turn that removes all that it may. */
  async function startAfter(consumers: readonly (typeof running)[]): Promise<number> {
    const logger = createLogger({ level: 'info', to: { write: (line: string) => lines.push(line) } });
    const options = {
      log,
      state,
      views: state,
      consumers,
      alsoKeep,
      retentionMs: 3_600_000,
      retentionBytes: 0,
      logger,
    };
    await keepRetention(options)();
    return (await log.range(at)).start;
  }

  test('D2: what no pipeline of the configuration reads any more is kept all the same, and that is told', async () => {
    const start = await startAfter([running, other]);
    assert.ok(start > 50 && start <= 100, `starts at ${start}`);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /the log keeps all that old\/letters has not landed.*tributary forget old\/letters/);
  });

  test('a consumer that is forgotten keeps nothing; one of the configuration is not forgotten', async () => {
    const busy = await forget('old/letters');
    assert.equal(busy.code, 1);
    assert.match(busy.stderr, /Another process/);
    await log.close();
    await state.close();
    assert.match((await forget('collect')).stderr, /"collect" is a consumer of the configuration/);
    assert.match((await forget('unknown')).stderr, /knows no consumer "unknown"/);
    assert.deepEqual(await forget('old/letters'), {
      code: 0,
      signal: null,
      stdout: 'Forgot old/letters.\n',
      stderr: '',
    });
    await openParts();
    const left = await Array.fromAsync(knownCheckpoints(state, log.id));
    assert.deepEqual(
      left.map(({ consumer, next }) => `${consumer} ${next}`),
      ['other 150', `running ${records}`],
    );
  });

  test('a view is forgotten by its name, or with its pipeline, and nothing of it stays', async () => {
    const names = [
      ['gone', 'one'],
      ['gone', 'other'],
      ['gone-too', 'one'],
    ] as const;
    for (const [pipeline, name] of names) await countInto({ logId: log.id, pipeline, view: name });
    const inViews = async (): Promise<readonly string[]> => {
      const keys = await Array.fromAsync(state.entries(''), ([key]) => key);
      return keys.filter((key) => key.startsWith('v/') || key.startsWith('view/'));
    };
    const remembered = (await inViews()).filter((key) => key.startsWith('v/'));
    assert.equal(remembered.length, 3 * 7, 'a position, five rows and a value of `by` for each');
    await log.close();
    await state.close();
    assert.equal((await forget('gone-too/one')).stdout, 'Forgot gone-too/one.\n');
    assert.equal((await forget('gone')).stdout, 'Forgot gone.\n');
    assert.match((await forget('gone')).stderr, /knows no consumer "gone"/);
    await openParts();
    assert.deepEqual(await inViews(), []);
  });

  async function countInto(of: ViewIdentity): Promise<void> {
    const by = pairs({ by: ({ key }: { key: string }) => key, with: () => true, keptForDays: 30 });
    const view = { name: of.view, counts: itself, measures: { pairs: by } };
    const counted = await openViewState({ store: state, of, view, partition: 0, onSkipped: () => {} });
    const record = { offset: 0, timeMs: Date.now(), key: null, value: Buffer.alloc(0), headers: [] };
    await counted.apply([record], [{ key: 'a', time: '2017-06-28T19:34:14.486693Z' }], 1);
    await counted.commit();
  }

  test('D2: what a pipeline of the configuration has not landed that does not run here is kept', async () => {
    const { start: asBefore } = await log.range(at);
    assert.equal(await startAfter([running, other, { name: 'has never run', topic: at.topic }]), asBefore);
    const start = await startAfter([running, other]);
    assert.ok(start > 100 && start <= 150, `starts at ${start}`);
  });

  test('D9: what a replay is to land again is kept, until it is done or has stopped', async () => {
    const { start: asBefore } = await log.range(at);
    const of = { logId: log.id, consumer: other.name, at };
    await (await Checkpoint.open(state, of)).advance(records, { bytes: 1, maxBytes: 1 });
    const replay = await ReplayProgress.open(state, of);
    await replay.begin(asBefore, records);
    assert.equal(await startAfter([running, other]), asBefore);
    await replay.advance(160);
    const start = await startAfter([running, other]);
    assert.ok(start > 140 && start <= 160, `starts at ${start}`);
    await replay.stop('a record that halts it');
    const stopped = await startAfter([running, other]);
    assert.ok(stopped > 160, `starts at ${stopped}`);
  });
});
