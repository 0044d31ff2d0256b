/**
 * A processor on real parts: a segment log, LMDB, a directory of objects and a table. It may live several times on the
 * same place, each time with other faults; what has landed in the end is read from the parts themselves.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { Timestamp } from '../../src/event/time.ts';
import { Reject } from '../../src/event/reject.ts';
import type { Json } from '../../src/event/verbatim.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import type { BatchOutcome, ReplayOutcome } from '../../src/processing/partition-processor.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Notice } from '../../src/processing/notice.ts';
import { Replays } from '../../src/processing/replays.ts';
import { Processor } from '../../src/processing/processor.ts';
import { type LagRow, readLag } from '../../src/processing/lag.ts';
import { ndjson, type ObjectFormat } from '../../src/sinks/objects/object-format.ts';
import { createObjectsSink } from '../../src/sinks/objects/objects-sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { connectionPool, cutConnection } from '../../src/stores/warehouse/connection-pool.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { type CallFault, FaultyCalls } from '../../src/testing/faulty-calls.ts';
import { faultyLog, faultySink, faultyState, faultyStore } from '../../src/testing/faulty-parts.ts';
import { sparseLog } from './sparse-log.ts';
import { type TableEvent, sinkInto, tableOf, uuidOf } from './table-events.ts';

/** By whom an event is refused: by nobody, the transform, the row, PostgreSQL (a number, an index), the object's key. */
export type Kind = 'good' | 'transform' | 'row' | 'jsonb' | 'index' | 'object key';

export interface LoggedEvent extends TableEvent {
  readonly kind: Kind;
  readonly key: string;
}

export const consumer = 'lives';
export const topic = 'events';
export const deadLetterTopic = 'letters';

/** As far as replays look at it. */
const livesPipeline = { name: consumer, topic: { name: topic }, sinks: [] } as unknown as Pipeline;

export type Events = readonly (readonly [kind: Kind, key: string])[];

/** Of three keys by turns. */
export const good = (count: number): Events => Array.from({ length: count }, (_, i) => ['good', `k${i % 3}`] as const);

export interface PlaceOptions {
  readonly dir: string;
  /** Whose server is used; each life has connections of its own. */
  readonly warehouse: Warehouse;
  readonly events: Events;
  readonly partitions?: number;
  /** Of each event, for logs of several segments. */
  readonly dataBytes?: number;
  /** The log's offsets have holes. Default: none. */
  readonly hasHoles?: boolean;
  /** How many are in the log at first. Default: all. */
  readonly appended?: number;
}

export interface Place {
  readonly dir: string;
  readonly table: string;
  readonly warehouse: Warehouse;
  readonly events: readonly LoggedEvent[];
  readonly hasHoles: boolean;
}

/** A batch lies in one segment. */
const appendedAtOnce = 10;
let tables = 0;

/** A sink is named as its table: into another one, as into another database, nothing has landed. */
export function newTableName(): string {
  return `lives_${tables++}`;
}

/** A log with events in it, of which nothing has been processed. */
export async function newPlace(options: PlaceOptions): Promise<Place> {
  const { dir, warehouse, events, partitions = 1, dataBytes = 0, hasHoles = false } = options;
  const filled = (event: LoggedEvent): LoggedEvent =>
    dataBytes === 0 ? event : { ...event, data: JSON.stringify('x'.repeat(dataBytes)) as Json };
  const place = { dir, warehouse, table: newTableName(), events: events.map(loggedEvent).map(filled), hasHoles };
  const log = await openLog(place);
  await log.ensureTopics([
    { name: topic, partitions },
    { name: deadLetterTopic, partitions: 2 },
  ]);
  const first = place.events.slice(0, options.appended);
  for (let i = 0; i < first.length; i += appendedAtOnce) await append(log, first.slice(i, i + appendedAtOnce));
  await log.close();
  return place;
}

export async function append(log: Log, events: readonly LoggedEvent[]): Promise<void> {
  const batch = log.batch();
  for (const event of events) {
    const headers = [['correlationId', uuidOf(event.id)] as const, ['received', `as received: ${event.id}`] as const];
    batch.add({ topic, key: event.key, value: Buffer.from(JSON.stringify(event)), headers });
  }
  await log.append(batch);
}

function loggedEvent([kind, key]: readonly [Kind, string], index: number): LoggedEvent {
  const time = `2026-${index % 2 === 0 ? '01' : '02'}-01T00:00:00.000000Z` as Timestamp;
  const event = { id: `event ${index}`, kind, key, time, data: `{"n": ${index}}` as Json };
  if (kind === 'row') return { ...event, bad: true };
  if (kind === 'jsonb') return { ...event, data: '{"a": 1e200000}' as Json };
  if (kind === 'index') return { ...event, type: randomBytes(10_000).toString('base64') };
  return event;
}

export async function openLog({ dir, hasHoles }: Pick<Place, 'dir' | 'hasHoles'>): Promise<Log> {
  const log = await openSegmentLog({ dir: join(dir, 'log'), segmentBytes: 256 * 1024, minFreeBytes: 0 });
  return hasHoles ? sparseLog(log) : log;
}

export interface LifeOptions {
  readonly faults?: readonly CallFault[];
  readonly onInvalid?: 'halt' | 'dead-letter' | 'drop';
  /** Where an event's object lies, and what its row's data is; changes when code changes. Default v1. */
  readonly prefix?: string;
  /** Awaited before a batch is converted. */
  readonly beforeConvert?: () => Promise<void>;
  readonly sinks?: 'table and objects' | 'objects';
  /** Default: NDJSON with id and key. */
  readonly objectFormat?: () => Promise<ObjectFormat<LoggedEvent>>;
  /** What the transform of today refuses; changes when code changes. */
  readonly refuses?: (event: LoggedEvent) => boolean;
  /** Default 1,000: so few that a few events fill a batch. */
  readonly maxBatchBytes?: number;
  /** Of events with one key only the first is to land. Default: each lands. */
  readonly deduplicates?: boolean;
  /** Throws where replays cannot be. */
  readonly checkReplayable?: () => void;
  /** Awaited when the table has been opened, before the processor knows. */
  readonly afterOpen?: () => Promise<void>;
}

export interface Life {
  readonly calls: FaultyCalls;
  readonly log: Log;
  readonly state: StateStore;
  readonly processor: Processor<LoggedEvent>;
  readonly landed: readonly BatchOutcome[];
  readonly failures: readonly unknown[];
  readonly notices: readonly Notice[];
  readonly replayed: readonly ReplayOutcome[];
  readonly replays: Replays;
  /** Resolves with why it stands still. */
  readonly halted: Promise<unknown>;
  /** Resolves when everything in the log has landed, and replays are done or stand still. */
  caughtUp(): Promise<void>;
  /** The process is gone: connections are cut, locks released. */
  crash(): Promise<void>;
  drain(): Promise<void>;
}

/** A process on the place. */
export async function startLife(place: Place, options: LifeOptions = {}): Promise<Life> {
  const log = await openLog(place);
  const state = await openLmdbStore({ dir: join(place.dir, 'state'), minFreeBytes: 0 });
  const life = await startOn(place, { log, state }, options);
  const closeStores = async (): Promise<void> => {
    await log.close();
    await state.close();
  };
  return {
    ...life,
    crash: async () => {
      await life.crash();
      await closeStores();
    },
    drain: async () => {
      await life.drain();
      await closeStores();
    },
  };
}

/** One of several owners that share log and state. */
export async function startOn(
  place: Place,
  { log, state }: { readonly log: Log; readonly state: StateStore },
  options: LifeOptions = {},
): Promise<Life> {
  const { onInvalid = 'dead-letter', faults = [], maxBatchBytes = 1_000 } = options;
  const calls = new FaultyCalls(faults);
  const clients = new Set<PoolClient>();
  const connections = connectionPool(connectionTo(place.warehouse), () => undefined);
  let isCut = false;
  connections.pool.on('connect', (client) => {
    clients.add(client);
    if (isCut) cutConnection(client);
  });
  const landed: BatchOutcome[] = [];
  const failures: unknown[] = [];
  const notices: Notice[] = [];
  const replayed: ReplayOutcome[] = [];
  const halted = Promise.withResolvers<unknown>();
  let told = Promise.withResolvers<void>();
  const tell = (): void => {
    told.resolve();
    told = Promise.withResolvers();
  };
  const processor = await Processor.start<LoggedEvent>(topic, {
    consumer,
    log: faultyLog(log, calls),
    state: faultyState(state, calls),
    convert: async (records) => {
      await options.beforeConvert?.();
      return records.map((record) => convert(record, options));
    },
    sinks: await sinksOf(place, options, { ...place.warehouse, pool: connections.pool }, calls),
    limits: { maxBytes: maxBatchBytes, flushIntervalMs: 1 },
    onInvalid,
    ...(options.deduplicates === true && { deduplicate: { key: ({ key }) => key, windowMs: 3_600_000 } }),
    deadLetterTopic,
    checkReplayable: options.checkReplayable ?? (() => undefined),
    observer: {
      landed: (_at, outcome) => {
        landed.push(outcome);
        tell();
      },
      failed: (_at, error) => {
        failures.push(error);
        tell(); // a commit of which only the answer failed is not told otherwise
      },
      halted: (_at, error) => halted.resolve(error),
      noticed: (_at, notice) => {
        notices.push(notice);
        tell();
      },
      assigned: () => undefined,
      unassigned: (_topic, error) => failures.push(error),
      replayed: (_at, outcome) => {
        replayed.push(outcome);
        tell();
      },
    },
  });
  return {
    calls,
    log,
    state,
    processor,
    landed,
    failures,
    notices,
    replayed,
    replays: new Replays({ log, state, pipelines: [livesPipeline], onAsked: () => processor.replay() }),
    halted: halted.promise,
    caughtUp: async () => {
      for (;;) {
        const next = told.promise;
        const rows = await readLag({ log, state, views: state }, [{ name: consumer, topic }]);
        const progress = processor.progress();
        // A processor that has not opened yet may go back.
        if (rows.every((row) => isCaughtUp(row, progress[row.partition]?.offset))) return;
        await Promise.race([next, sleep(5)]);
      }
    },
    crash: async () => {
      calls.end();
      void processor.drain(); // hangs, as all of it does
      isCut = true;
      for (const client of clients) cutConnection(client);
    },
    drain: async () => {
      await processor.drain();
      await connections.close();
    },
  };
}

/** Lives one life after the other, each ended by its crash; the last one has no faults. */
export async function liveUntilLanded(place: Place, lives: readonly LifeOptions[]): Promise<readonly Life[]> {
  const lived: Life[] = [];
  for (const options of [...lives, { ...lives.at(-1), faults: [] }]) lived.push(await live(place, options));
  return lived;
}

/** Until all has landed, where nothing goes wrong for good. */
export async function land(place: Place, options: LifeOptions = {}): Promise<Life> {
  const life = await startLife(place, options);
  await life.caughtUp();
  await life.drain();
  return life;
}

/** Until all has landed, or a crash. */
export async function live(place: Place, options: LifeOptions): Promise<Life> {
  const life = await startLife(place, options);
  const drained = life.caughtUp().then(() => life.drain());
  const crashed = life.calls.crashed.then(() => true);
  if (await Promise.race([drained.then(() => false), crashed])) await life.crash();
  return life;
}

function isCaughtUp({ lag, toReplay, end }: LagRow, offset: number | undefined): boolean {
  return lag === 0 && toReplay === 0 && offset === end;
}

function connectionTo({ url }: Warehouse): { connectionString: string } | object {
  const [, user, database, host, port] = /^postgresql:\/\/(\w+)@\/(\w+)\?host=([^&]+)&port=(\d+)$/.exec(url) ?? [];
  if (host === undefined) return { connectionString: url };
  return { host: decodeURIComponent(host), port: Number(port), user, database, password: '' };
}

function convert(record: LogRecord, { refuses, prefix }: LifeOptions): LoggedEvent | Reject {
  const logged = JSON.parse(record.value.toString()) as LoggedEvent;
  const event = prefix === undefined || logged.kind !== 'good' ? logged : { ...logged, data: `"${prefix}"` as Json };
  return event.kind === 'transform' || refuses?.(event) === true ? new Reject('data', 'something else') : event;
}

const lines = async () => ndjson<LoggedEvent>(({ id, key }) => JSON.stringify({ id, key }));

async function sinksOf(
  place: Place,
  { prefix = 'v1', sinks = 'table and objects', afterOpen, objectFormat = lines }: LifeOptions,
  warehouse: Warehouse,
  calls: FaultyCalls,
): Promise<readonly Sink<LoggedEvent>[]> {
  const objects = createObjectsSink<LoggedEvent>({
    store: faultyStore(await openDirectoryStore({ dir: join(place.dir, 'objects') }), calls),
    name: 'objects',
    key: ({ kind, key }) => {
      if (kind === 'object key') throw new Reject('key', 'another key');
      return `${prefix}/key=${key}`;
    },
    format: objectFormat,
  });
  const table = faultySink(sinkInto(warehouse, tableOf(place.table)), calls, afterOpen);
  return sinks === 'objects' ? [objects] : [table, objects];
}
