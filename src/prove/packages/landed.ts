/** What is really there after the proof: read with nothing of the program running. */
import type { Pool } from 'pg';
import type { DeadLetter } from '../../dead-letters/dead-letter.ts';
import { readDeadLetters } from '../../dead-letters/read.ts';
import type { EngineReader } from '../../engine/engine.ts';
import { VoidMarks } from '../../ingest/void-marks.ts';
import { objectTexts } from '../object-texts.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { RowValues } from '../../pipeline/columns.ts';

export interface ObjectLine {
  readonly key: string;
  readonly line: string;
}

export interface LandedObjects {
  /** The lines of each event, by correlation id. */
  readonly lines: ReadonlyMap<string, readonly ObjectLine[]>;
  /** Objects that do not end with a line feed, or hold a line that is no JSON. */
  readonly torn: readonly string[];
}

export async function readObjects(store: ObjectStore): Promise<LandedObjects> {
  const lines = new Map<string, ObjectLine[]>();
  const torn: string[] = [];
  for await (const [key, text] of objectTexts(store)) {
    if (!text.endsWith('\n')) torn.push(key);
    for (const line of text.split('\n').slice(0, -1)) {
      const id = correlationIdIn(line);
      if (id === undefined) torn.push(key);
      else lines.set(id, [...(lines.get(id) ?? []), { key, line }]);
    }
  }
  return { lines, torn };
}

/** Of an event or a dead letter; undefined where the line is neither. */
function correlationIdIn(line: string): string | undefined {
  try {
    const { metadata, correlationId } = JSON.parse(line) as {
      metadata?: { correlationId: string };
      correlationId?: string;
    };
    return metadata?.correlationId ?? correlationId;
  } catch {
    return undefined;
  }
}

/** By correlation id; not those of packages that count for nothing, as commands show them. */
export async function readLetters(
  { log, views }: EngineReader,
  topic: string,
): Promise<ReadonlyMap<string, readonly DeadLetter[]>> {
  const letters = new Map<string, DeadLetter[]>();
  for await (const letter of readDeadLetters(log, [topic], { voids: new VoidMarks(views, log.id) }))
    letters.set(letter.correlationId, [...(letters.get(letter.correlationId) ?? []), letter]);
  return letters;
}

export interface ExpectedRow {
  readonly id: string;
  readonly row: RowValues;
}

export interface RowsFound {
  /** How many rows there are of each id that was asked for. */
  readonly count: ReadonlyMap<string, number>;
  /** Ids of rows that differ from what was expected in any column. */
  readonly different: readonly string[];
}

const chunkRows = 20_000;

/** Compares rows by value, as PostgreSQL sees it: `1.50` and `1.5` are one number in JSONB. */
export async function compareRows(
  pool: Pool,
  table: string,
  columns: Readonly<Record<string, { readonly type: string }>>,
  idColumn: string,
  expected: readonly ExpectedRow[],
): Promise<RowsFound> {
  const names = Object.keys(columns);
  const typed = names.map((name, i) => `x.${quote(name)} = s.c${i}::${columns[name]!.type}`).join(' AND ');
  const arrays = ['$1::uuid[]', ...names.map((_, i) => `$${i + 2}::text[]`)].join(', ');
  const sql = `SELECT s.id::text AS id, count(x.*)::int AS count, coalesce(bool_and(${typed}), true) AS same
    FROM unnest(${arrays}) AS s(id, ${names.map((_, i) => `c${i}`).join(', ')})
    LEFT JOIN ${quote(table)} x ON x.${quote(idColumn)} = s.id GROUP BY s.id`;
  const count = new Map<string, number>();
  const different: string[] = [];
  for (let from = 0; from < expected.length; from += chunkRows) {
    const chunk = expected.slice(from, from + chunkRows);
    const values = [chunk.map(({ id }) => id), ...names.map((name) => chunk.map(({ row }) => row[name]))];
    const { rows } = await pool.query<{ id: string; count: number; same: boolean }>(sql, values);
    for (const { id, count: rowsOfId, same } of rows) {
      count.set(id, rowsOfId);
      if (!same) different.push(id);
    }
  }
  return { count, different };
}

export async function countRows(pool: Pool, table: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM ${quote(table)}`);
  return Number(rows[0]?.count);
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
