/**
 * Events by whatever id somebody has of them: a correlation id, or an id that the producer gave, such as a message id. A
 * producer's id says nothing of time: it is looked for in the tables' UUID columns, and where no row has it, in the newest records
 * of the log, so many and no more.
 */
import { Fault } from '../errors.ts';
import { isCorrelationId } from '../event/correlation-id.ts';
import { toUuid } from '../event/ids.ts';
import type { LogReader } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import { readPages } from '../log/read-pages.ts';
import { headerText } from '../log/record-header.ts';
import { eventTrail, noted, unknownEvent } from './event-trail.ts';
import { findRows } from './rows.ts';
import type { EventTrail, TrailOptions } from './trail.ts';
import { rowTablesOf } from '../pipeline/row-tables.ts';

export interface FoundEvents {
  readonly id: string;
  readonly events: readonly EventTrail[];
  readonly notes: readonly string[];
}

/** An id that many events share (an account's) is no way to one of them. */
const mostEvents = 10;
const newestRecords = 100_000;
const readBytes = 1024 * 1024;

/** @throws Fault EVENT_UNKNOWN, saying what was searched */
export async function findEvents(options: TrailOptions, id: string): Promise<FoundEvents> {
  if (id === '') throw new Fault('EVENT_UNKNOWN', 'the id is empty, which is no id of an event');
  const notes: string[] = [];
  const correlationId = id.toLowerCase();
  if (isCorrelationId(correlationId)) {
    const trail = await eventTrail(options, correlationId, notes);
    if (trail) return { id, events: [trail, ...(await replaysOf(options, trail, notes))], notes };
  }
  const inRows = await noted(notes, () => idsInRows(options, id));
  const ids = inRows && inRows.size > 0 ? inRows : await idsInLog(options, id, notes);
  const events: EventTrail[] = [];
  for (const one of [...ids].slice(0, mostEvents)) {
    const trail = await eventTrail(options, one, notes);
    if (trail) events.push(trail);
  }
  if (ids.size > mostEvents) notes.push(`these are ${mostEvents} of the events that have this id; there are more`);
  if (events.length === 0) throw unknownEvent(id, notes);
  return { id, events, notes };
}

/** The events that a dead letter was replayed as. */
async function replaysOf(options: TrailOptions, { deadLetter, replayOf }: EventTrail, notes: string[]) {
  const replays: EventTrail[] = [];
  if (replayOf !== undefined) return replays;
  for (const { correlationId } of deadLetter?.replays ?? []) {
    const trail = await eventTrail(options, correlationId, notes);
    if (trail) replays.push(trail);
  }
  return replays;
}

/** Of what a table's UUID columns hold in the rows that have the id, those that are correlation ids. */
async function idsInRows({ pipelines, warehouse }: TrailOptions, id: string): Promise<ReadonlySet<string>> {
  const uuid = toUuid(id);
  const found = new Set<string>();
  if (uuid === undefined) return found;
  const { pool } = await warehouse();
  for (const table of pipelines.flatMap(({ sinks }) => sinks.flatMap(rowTablesOf))) {
    for (const { columns } of await findRows(pool, table, { from: uuid, to: uuid }, mostEvents + 1))
      for (const value of Object.values(columns)) if (value !== uuid && isCorrelationId(value)) found.add(value);
  }
  return found;
}

async function idsInLog(options: TrailOptions, id: string, notes: string[]): Promise<ReadonlySet<string>> {
  const { log, pipelines, letters } = options;
  const found = new Set<string>();
  for (const topic of new Set(pipelines.map((pipeline) => pipeline.topic.name)))
    await searchNewest(log, topic, id, found);
  for await (const { correlationId } of letters.find({ text: id })) {
    found.add(correlationId);
    if (found.size > mostEvents) break;
  }
  notes.push(`searched the newest ${newestRecords} records of each partition, and the dead letters, for this text`);
  return found;
}

async function searchNewest(log: LogReader, topic: string, text: string, found: Set<string>): Promise<void> {
  for (const at of await partitionsOf(log, topic)) {
    const { start, end } = await log.range(at);
    const newest = { start: Math.max(start, end - newestRecords), end };
    for await (const { records } of readPages(log, at, newest, readBytes)) {
      if (found.size > mostEvents) return;
      for (const record of records)
        if (record.headers.some(([, value]) => value.includes(text))) found.add(headerText(record, 'correlationId'));
    }
  }
}
