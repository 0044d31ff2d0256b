/** The trail of one event, by its correlation id. */
import { letterJson } from '../dead-letters/letter-json.ts';
import type { Letter } from '../dead-letters/letters.ts';
import { DatabaseError } from 'pg';
import { Fault, isFault } from '../errors.ts';
import { correlationIdParts } from '../event/correlation-id.ts';
import { Reject } from '../event/reject.ts';
import { headerText } from '../log/record-header.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { rowTablesOf } from '../pipeline/row-tables.ts';
import { readCheckpoint } from '../processing/checkpoint.ts';
import { isVoid } from './void-package.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import { type FoundRecord, findRecord, longestReceiptMs } from './find-record.ts';
import { linesIn, objectsOfPrefix } from './objects.ts';
import { placesOf } from './places.ts';
import { findRows, type RowSearch } from './rows.ts';
import type { EventTrail, ObjectLine, TableRow, TrailOptions } from './trail.ts';

/** What is found of an event; several rows mean several events with one id. */
const mostRows = 10;

interface Landed {
  readonly rows: readonly TableRow[];
  readonly objects: readonly ObjectLine[];
  readonly notes: readonly string[];
}

/**
 * Undefined where neither the log, nor a table, nor the dead letters know of it.
 * @param notes takes what could not be searched
 */
export async function eventTrail(
  options: TrailOptions,
  correlationId: string,
  notes: string[],
): Promise<EventTrail | undefined> {
  const replayOf = await options.statuses.letterOfReplay(correlationId);
  const times = await timesOf(options, correlationId, replayOf);
  for (const pipeline of options.pipelines) {
    const found = await findRecord(options.log, pipeline.topic.name, times, (one) => one === correlationId);
    if (found) return trailOfRecord(options, pipeline, found, { correlationId, replayOf });
  }
  const letter = await letterOf(options, correlationId);
  if (letter) return trailOfLetter(letter);
  await isVoid(options, correlationId, notes);
  return noted(notes, () => trailOfRow(options, correlationId));
}

/** When the log may have taken it: a replay long after its letter's package came in. */
async function timesOf(options: TrailOptions, id: string, letterId: string | undefined) {
  const status = letterId === undefined ? undefined : await options.statuses.status(letterId);
  const replayed = status?.replays.find(({ as }) => as === id);
  if (replayed) return { fromMs: replayed.timeMs, toMs: replayed.timeMs };
  const { timeMs } = correlationIdParts(id);
  return { fromMs: timeMs, toMs: timeMs + longestReceiptMs };
}

async function trailOfRecord(
  options: TrailOptions,
  pipeline: Pipeline,
  found: FoundRecord,
  { correlationId, replayOf }: { readonly correlationId: string; readonly replayOf: string | undefined },
): Promise<EventTrail> {
  const { at, record } = found;
  const of = { logId: options.log.id, consumer: pipeline.name, at };
  const committed = await readCheckpoint(options.state, of);
  const base = {
    ...aboutId(correlationId),
    pipeline: pipeline.name,
    record: { ...at, offset: record.offset, at: new Date(record.timeMs).toISOString() },
    ...(replayOf !== undefined && { replayOf }),
  };
  const landed = record.offset < committed ? await landedAs(options, pipeline, found) : nowhere;
  if (landed.rows.length > 0 || landed.objects.length > 0) return { ...base, ...landed, whereabouts: 'landed' };
  const notes = [...landed.notes];
  if (await isVoid(options, correlationId, notes)) return { ...base, ...nowhere, notes, whereabouts: 'void' };
  if (record.offset >= committed)
    return { ...base, ...nowhere, notes, whereabouts: 'not landed yet', lag: record.offset + 1 - committed };
  const letter = await letterOf(options, replayOf ?? correlationId);
  const refused = letter && { deadLetter: letterJson(letter) };
  return { ...base, ...nowhere, notes, whereabouts: letter ? 'dead letter' : 'not found in any sink', ...refused };
}

const nowhere: Landed = { rows: [], objects: [], notes: [] };

async function landedAs(options: TrailOptions, pipeline: Pipeline, { at, record }: FoundRecord): Promise<Landed> {
  const rows: TableRow[] = [];
  const objects: ObjectLine[] = [];
  const notes: string[] = [];
  const id = headerText(record, 'correlationId');
  const [places] = await placesOf(pipeline, options.codecs, [record]);
  if (places === undefined || places instanceof Reject) return { rows, objects, notes };
  for (const { prefix, line } of places.objects) {
    const key = (await objectsOfPrefix(options.objects, prefix, at))(record.offset);
    if (key !== undefined) objects.push(...(await linesIn(options.objects, key, new Set([line]))));
  }
  for (const { table, partitionValue: value } of places.tables) {
    const within = value === undefined ? undefined : { from: value, to: value };
    const search = async () => rowsIn(await options.warehouse(), table, { from: id, to: id, within });
    rows.push(...((await noted(notes, search)) ?? []));
  }
  return { rows, objects, notes };
}

function rowsIn(warehouse: Warehouse, table: Parameters<typeof findRows>[1], search: RowSearch) {
  return findRows(warehouse.pool, table, search, mostRows);
}

/** A warehouse that is not up, or does not answer in time, is noted: others may know. */
export async function noted<T>(notes: string[], search: () => Promise<T>): Promise<T | undefined> {
  try {
    return await search();
  } catch (error) {
    if (!(error instanceof DatabaseError) && !isFault(error, 'WAREHOUSE_UNAVAILABLE')) throw error;
    notes.push(`the warehouse could not be searched: ${error.message}`);
    return undefined;
  }
}

async function letterOf({ letters }: TrailOptions, correlationId: string): Promise<Letter | undefined> {
  for await (const letter of letters.find({ ids: [correlationId] })) return letter;
  return undefined;
}

function trailOfLetter(letter: Letter): EventTrail {
  const { correlationId, pipeline } = letter;
  return {
    ...aboutId(correlationId),
    pipeline,
    ...nowhere,
    whereabouts: 'dead letter',
    deadLetter: letterJson(letter),
  };
}

/** Of an event that the log has forgotten, the row is left. */
async function trailOfRow(options: TrailOptions, correlationId: string): Promise<EventTrail | undefined> {
  const notes = ['the log has forgotten the record: its object cannot be told, only its row'];
  for (const pipeline of options.pipelines) {
    for (const table of pipeline.sinks.flatMap(rowTablesOf)) {
      const rows = await rowsIn(await options.warehouse(), table, { from: correlationId, to: correlationId });
      const base = { ...aboutId(correlationId), pipeline: pipeline.name };
      if (rows.length > 0) return { ...base, whereabouts: 'landed', rows, objects: [], notes };
    }
  }
  return undefined;
}

function aboutId(correlationId: string) {
  const { packageId, index, timeMs } = correlationIdParts(correlationId);
  return { correlationId, packageId, index, receivedAt: new Date(timeMs).toISOString() };
}

export function unknownEvent(id: string, searched: readonly string[]): Fault {
  return new Fault('EVENT_UNKNOWN', `nothing is known of ${id}${searched.map((note) => `; ${note}`).join('')}`);
}
