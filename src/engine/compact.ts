/** Compaction on a data directory or a cluster, beside the server or without it: one at a time from a data directory. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import { lockFile } from '../log/segments/lock.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { Checkpoint } from '../processing/checkpoint.ts';
import { CompactionHold } from '../processing/compaction-hold.ts';
import { readCuts } from '../processing/cuts.ts';
import {
  compactObjects,
  type CompactionResult,
  type SettledPartition,
} from '../sinks/objects/compaction/compact-objects.ts';
import { makePrivateDirectory } from '../stores/durable-files.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { dataPaths } from './data-paths.ts';
import { openEngineLogReader, openObjects } from './engine.ts';
import { openStateReaders, openStateStores } from './state-stores.ts';

export interface CompactRequest {
  readonly pipeline: Pick<Pipeline, 'name' | 'topic'>;
  /** Of a merged object, at most. */
  readonly targetBytes: number;
  /** Of the keys that are looked at; empty: all. */
  readonly start: string;
  readonly dryRun: boolean;
  readonly onMerged: (objects: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Where several nodes share a log, one that was overtaken, and does not know yet, may put once more what its successor has put: a request
 * that hangs ends within 25 s.
 */
const youngOnClusterMs = 10 * 60_000;

/** @throws Fault COMPACTION_UNDER_WAY, REPLAY_UNDER_WAY, LOG_MISSING */
export async function compactInEngine(config: Config, request: CompactRequest): Promise<CompactionResult> {
  const paths = dataPaths(config.dataDir);
  const log = await openEngineLogReader(config);
  try {
    const openStores = request.dryRun ? openStateReaders : openStateStores;
    const { state, views } = await openStores(config, paths.state);
    try {
      const stores = { log, state, objects: await openObjects(config) };
      const putBeforeMs = config.kafkaBrokers ? Date.now() - youngOnClusterMs : Infinity;
      const work = (): Promise<CompactionResult> => compact(stores, request, { dir: paths.compaction, putBeforeMs });
      return await (request.dryRun ? work() : alone(paths.compaction, work));
    } finally {
      await state.close();
      await views.close();
    }
  } finally {
    await log.close();
  }
}

async function alone<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await makePrivateDirectory(dir);
  const release = await lockFile(join(dir, 'lock'));
  if (!release) throw new Fault('COMPACTION_UNDER_WAY', 'another process compacts objects of this data directory');
  try {
    return await work();
  } finally {
    release();
  }
}

export interface CompactedStores {
  readonly log: Pick<LogReader, 'id' | 'topics' | 'range'>;
  readonly state: StateStore;
  readonly objects: ObjectStore;
}

export interface CompactionPlace {
  /** For what is gathered. */
  readonly dir: string;
  /** Unix milliseconds. */
  readonly putBeforeMs: number;
}

export async function compact(
  { log, state, objects: store }: CompactedStores,
  { pipeline: { name: consumer, topic }, dryRun, ...request }: CompactRequest,
  { dir, putBeforeMs }: CompactionPlace,
): Promise<CompactionResult> {
  const all = await partitionsOf(log, topic.name);
  const work = async (hold: CompactionHold | undefined): Promise<CompactionResult> => {
    const partitions: SettledPartition[] = [];
    for (const at of all) partitions.push(await settledIn({ log, state }, consumer, at));
    const hands = hold && { hold, file: join(dir, 'merged.ndjson') };
    return compactObjects({ ...request, store, topic: topic.name, partitions, putBeforeMs, hands });
  };
  if (dryRun) return work(undefined);
  // From here on no replay begins: cuts and checkpoints only come further.
  const hold = await CompactionHold.take(state, { logId: log.id, consumer, partitions: all });
  return hold.during(() => work(hold));
}

async function settledIn(
  { log, state }: Pick<CompactedStores, 'log' | 'state'>,
  consumer: string,
  at: TopicPartition,
): Promise<SettledPartition> {
  const of = { logId: log.id, consumer, at };
  const { settledTo, inHand } = await Checkpoint.open(state, of);
  const { start } = await log.range(at);
  const cuts = (await readCuts(state, of)).filter((cut) => cut >= start);
  return { settledTo, inHand: new Set(inHand), cuts };
}
