/** What has become of a package: how many of its events were accepted and refused, and what has landed where. */
import { letterJson } from '../dead-letters/letter-json.ts';
import { correlationIdParts, packageOf, prefixOf } from '../event/correlation-id.ts';
import { Reject } from '../event/reject.ts';
import type { LogRecord, TopicPartition } from '../log/log.ts';
import { headerText } from '../log/record-header.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { rowTablesOf } from '../pipeline/row-tables.ts';
import { readCheckpoint } from '../processing/checkpoint.ts';
import { noted, unknownEvent } from './event-trail.ts';
import { findRecord, longestReceiptMs, recordsBetween } from './find-record.ts';
import { linesIn, objectsOfPrefix } from './objects.ts';
import { placesOf } from './places.ts';
import { countRows } from './rows.ts';
import type { TrailOptions } from './trail.ts';
import { isVoid } from './void-package.ts';

export interface PackageTrail {
  readonly packageId: string;
  /** RFC 3339, UTC. */
  readonly receivedAt: string;
  readonly pipelines: readonly string[];
  readonly events: number;
  readonly accepted: number;
  /** At ingest. */
  readonly refused: number;
  /** Accepted events that the processor made dead letters of. */
  readonly refusedByProcessor: number;
  readonly notLandedYet: number;
  readonly rows: readonly { readonly table: string; readonly rows: number }[];
  readonly objects: readonly { readonly key: string; readonly lines: number }[];
  readonly deadLetters: readonly ReturnType<typeof letterJson>[];
  readonly replayed: number;
  readonly notes: readonly string[];
}

interface Accepted {
  readonly pipeline: Pipeline;
  readonly at: TopicPartition;
  readonly record: LogRecord;
}

/** Of a package's dead letters, so many are shown one by one. */
const shownLetters = 100;

/** @param id of any of its events @throws Fault EVENT_UNKNOWN */
export async function packageTrail(options: TrailOptions, id: string): Promise<PackageTrail> {
  const { packageId, timeMs } = correlationIdParts(id);
  const notes: string[] = [];
  const replays = await options.statuses.replaysWith(prefixOf(packageId));
  const accepted = await acceptedOf(options, packageId, await takenAt(options, replays, timeMs));
  const letters = await lettersOf(options, packageId, timeMs);
  const rows = await rowsOf(options, packageId, notes);
  if (rows.length === 0) await isVoid(options, packageId, notes);
  const known = accepted.length + letters.length + rows.reduce((sum, { rows: count }) => sum + count, 0);
  if (known === 0) throw unknownEvent(`the package ${packageId}`, notes);
  const letter = replays[0]?.[1];
  if (letter !== undefined) notes.push(`these are replays of dead letters of the package ${packageOf(letter)}`);
  if (accepted.length === 0 && letters.length === 0)
    notes.push('the log has no record of it (any more): rows alone tell what has landed');
  const refused = letters.filter(({ at }) => at === 'ingest').length;
  return {
    packageId,
    receivedAt: new Date(timeMs).toISOString(),
    pipelines: [...new Set([...accepted.map((one) => one.pipeline.name), ...letters.map((one) => one.pipeline)])],
    events: accepted.length + refused,
    accepted: accepted.length,
    refused,
    refusedByProcessor: letters.length - refused,
    notLandedYet: await notLanded(options, accepted),
    rows,
    objects: await objectsOf(options, accepted),
    deadLetters: letters.slice(0, shownLetters),
    replayed: letters.filter(({ state }) => state === 'replayed').length,
    notes,
  };
}

type Times = { readonly fromMs: number; readonly toMs: number };

/** When the log may have taken the package's records; of replays it is known. */
async function takenAt(
  { statuses }: TrailOptions,
  replays: readonly (readonly [as: string, letterId: string])[],
  timeMs: number,
): Promise<readonly Times[]> {
  if (replays.length === 0) return [{ fromMs: timeMs, toMs: timeMs + longestReceiptMs }];
  const times = new Set<number>();
  for (const [as, letterId] of replays)
    for (const replay of (await statuses.status(letterId))?.replays ?? [])
      if (replay.as === as) times.add(replay.timeMs);
  return [...times].map((ms) => ({ fromMs: ms, toMs: ms }));
}

/** The records of one append share their time, so that little is read once one of them is found. */
async function acceptedOf(
  { log, pipelines }: TrailOptions,
  packageId: string,
  takenAtMs: readonly Times[],
): Promise<Accepted[]> {
  const accepted: Accepted[] = [];
  const isOfPackage = (id: string): boolean => id.startsWith(prefixOf(packageId));
  for (const pipeline of pipelines) {
    const { name } = pipeline.topic;
    for (const times of takenAtMs) {
      const first = await findRecord(log, name, times, isOfPackage);
      if (first === undefined) continue;
      const takenMs = first.record.timeMs;
      for await (const { at, record } of recordsBetween(log, name, takenMs, takenMs))
        if (isOfPackage(headerText(record, 'correlationId'))) accepted.push({ pipeline, at, record });
    }
  }
  return accepted;
}

async function lettersOf({ letters }: TrailOptions, packageId: string, timeMs: number) {
  const found: ReturnType<typeof letterJson>[] = [];
  for await (const letter of letters.ofPackage(packageId, timeMs)) found.push(letterJson(letter));
  return found.toSorted((a, b) => a.index - b.index);
}

async function rowsOf({ pipelines, warehouse }: TrailOptions, packageId: string, notes: string[]) {
  const counts: { readonly table: string; readonly rows: number }[] = [];
  const search = { from: packageId, to: `${prefixOf(packageId)}ffffff` };
  for (const table of pipelines.flatMap(({ sinks }) => sinks.flatMap(rowTablesOf))) {
    const rows = await noted(notes, async () => countRows((await warehouse()).pool, table, search));
    if (rows !== undefined && rows > 0) counts.push({ table: table.name, rows });
  }
  return counts;
}

async function notLanded({ log, state }: TrailOptions, accepted: readonly Accepted[]): Promise<number> {
  const committed = new Map<string, number>();
  let count = 0;
  for (const { pipeline, at, record } of accepted) {
    const key = JSON.stringify([pipeline.name, at]);
    const next = committed.get(key) ?? (await readCheckpoint(state, { logId: log.id, consumer: pipeline.name, at }));
    committed.set(key, next);
    if (record.offset >= next) count += 1;
  }
  return count;
}

/** Each object of the package, with how many of its lines are the package's. */
async function objectsOf({ objects, codecs }: TrailOptions, accepted: readonly Accepted[]) {
  const wanted = new Map<string, Set<string>>();
  const keysOf = new Map<string, Awaited<ReturnType<typeof objectsOfPrefix>>>();
  for (const { pipeline, at, record } of accepted) {
    const [places] = await placesOf(pipeline, codecs, [record]);
    if (places === undefined || places instanceof Reject) continue;
    for (const { prefix, line } of places.objects) {
      const place = JSON.stringify([prefix, at]);
      const keyAt = keysOf.get(place) ?? (await objectsOfPrefix(objects, prefix, at));
      keysOf.set(place, keyAt);
      const key = keyAt(record.offset);
      if (key !== undefined) wanted.set(key, (wanted.get(key) ?? new Set()).add(line));
    }
  }
  const found: { readonly key: string; readonly lines: number }[] = [];
  for (const [key, lines] of wanted) {
    const count = (await linesIn(objects, key, lines)).length;
    if (count > 0) found.push({ key, lines: count });
  }
  return found;
}
