/** What is in a place (`processor-lives.ts`), read from the parts themselves: rows, objects, dead letters. */
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import { readDeadLetter } from '../../src/dead-letters/dead-letter.ts';
import type { Log } from '../../src/log/log.ts';
import { linesOf } from '../../src/sinks/object-lines.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { deadLetterTopic, openLog, type Place, topic } from './processor-lives.ts';
import { recordsIn } from './records-in.ts';
import { uuidOf } from './table-events.ts';

/** Removes the oldest segments, whatever has not landed: what somebody who takes files away does. Answers where the log begins then. */
export async function loseOldest(place: Place): Promise<number> {
  const log = await openLog(place);
  try {
    await log.retain({ maxBytes: 300 * 1024 }, []);
    return (await log.range({ topic, partition: 0 })).start;
  } finally {
    await log.close();
  }
}

/** How often each event is in each place, by its id, and the keys of objects. */
export interface Found {
  readonly rows: ReadonlyMap<string, number>;
  readonly lines: ReadonlyMap<string, number>;
  readonly letters: ReadonlyMap<string, number>;
  readonly objects: ReadonlyMap<string, readonly string[]>;
}

export async function findAll(place: Place): Promise<Found> {
  const log = await openLog(place);
  try {
    const objects = await readObjects(place);
    const rows = await readRows(place);
    return {
      rows: count(rows),
      lines: count([...objects.values()].flat()),
      letters: count(await readLetters(log, place)),
      objects,
    };
  } finally {
    await log.close();
  }
}

async function readRows({ warehouse, table, events }: Place): Promise<string[]> {
  const ids = new Map(events.map(({ id }) => [uuidOf(id), id]));
  const exists = await warehouse.pool.query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [table]);
  if (!exists.rows[0]?.is) return [];
  const { rows } = await warehouse.pool.query<{ id: string }>(
    `SELECT message_id_stamp AS id FROM ${escapeIdentifier(table)}`,
  );
  return rows.map(({ id }) => ids.get(id) ?? `unknown ${id}`);
}

/** The ids of each object's lines, in order. */
async function readObjects({ dir }: Place): Promise<ReadonlyMap<string, readonly string[]>> {
  const store = await openDirectoryStore({ dir: join(dir, 'objects') });
  const objects = new Map<string, string[]>();
  for await (const key of store.list('')) {
    const lines = await linesOf(key, (await store.get(key))!);
    objects.set(
      key,
      lines.map((line) => (JSON.parse(line) as { id: string }).id),
    );
  }
  return objects;
}

async function readLetters(log: Log, { events }: Place): Promise<string[]> {
  const ids = new Map(events.map(({ id }) => [uuidOf(id), id]));
  const found: string[] = [];
  for (const partition of [0, 1]) {
    const at = { topic: deadLetterTopic, partition };
    for (const record of await recordsIn(log, at))
      found.push(ids.get(readDeadLetter(record).correlationId) ?? 'unknown');
  }
  return found;
}

function count(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Of the events from that offset on, sorted; of a place with one partition. */
export function idsFrom({ events }: Place, start: number): readonly string[] {
  return events
    .slice(start)
    .map(({ id }) => id)
    .toSorted();
}
