/** A lake without a processor: objects in a directory, keyed state in LMDB, and a log of which only the ends are known. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compact, type CompactRequest } from '../../src/engine/compact.ts';
import { Checkpoint } from '../../src/processing/checkpoint.ts';
import { cutPut } from '../../src/processing/cuts.ts';
import type { CompactionResult } from '../../src/sinks/objects/compaction/compact-objects.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { FaultyCalls, type CallFault } from '../../src/testing/faulty-calls.ts';
import { faultyState, faultyStore } from '../../src/testing/faulty-parts.ts';

export const lakeTopic = 'lake.raw';
export const lakeConsumer = 'lake';

export interface CompactedPlace {
  readonly store: ObjectStore;
  readonly state: StateStore;
  /** @param fault of a process that compacts; `died`: it did not come to its end */
  run(options?: RunOptions): Promise<CompactionResult | 'died' | { readonly failed: unknown }>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly targetBytes?: number;
  readonly fault?: CallFault;
  readonly dryRun?: boolean;
  readonly start?: string;
  /** What was put later stays as it is. */
  readonly putBeforeMs?: number;
}

export interface PlaceOptions {
  readonly partitions: number;
  readonly logStart?: number;
  /** Of each partition. */
  readonly settledTo: number;
  readonly cuts?: readonly number[];
  /** Default: a directory of its own. */
  readonly store?: ObjectStore;
}

export async function compactedPlace({ partitions, ...options }: PlaceOptions): Promise<CompactedPlace> {
  const { settledTo, logStart = 0, cuts = [] } = options;
  const dir = await mkdtemp(join(tmpdir(), 'tributary-compaction-'));
  const store = options.store ?? (await openDirectoryStore({ dir: join(dir, 'objects') }));
  const state = await openLmdbStore({ dir: join(dir, 'state'), minFreeBytes: 0 });
  let runs = 0;
  const log = {
    id: 'log',
    topics: async () => [{ name: lakeTopic, partitions }],
    range: async () => ({ start: logStart, end: Number.MAX_SAFE_INTEGER }),
  };
  for (let partition = 0; partition < partitions; partition++) {
    const of = { logId: log.id, consumer: lakeConsumer, at: { topic: lakeTopic, partition } };
    await (await Checkpoint.open(state, of)).advance(settledTo);
    if (cuts.length > 0) await state.commit({ put: cuts.map((cut) => cutPut(of, cut)) });
  }
  const run: CompactedPlace['run'] = async ({ targetBytes = 1e6, fault, dryRun = false, start = '', ...rest } = {}) => {
    const calls = new FaultyCalls(fault ? [fault] : []);
    const gathering = join(dir, `compaction-${runs++}`);
    await mkdir(gathering);
    const request: CompactRequest = {
      pipeline: { name: lakeConsumer, topic: { name: lakeTopic, key: () => '' } },
      targetBytes,
      start,
      dryRun,
      onMerged: () => undefined,
      signal: new AbortController().signal,
    };
    const stores = { log, state: faultyState(state, calls), objects: faultyStore(store, calls) };
    const done = compact(stores, request, { dir: gathering, putBeforeMs: rest.putBeforeMs ?? Infinity });
    return Promise.race([done.catch((failed: unknown) => ({ failed })), calls.crashed.then(() => 'died' as const)]);
  };
  return {
    store,
    state,
    run,
    close: async () => {
      await state.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
