/** What a run has brought about, read from the places themselves: rows, lines of objects, dead letters. */
import { Client } from 'pg';
import { readDeadLetters } from '../dead-letters/read.ts';
import { Fault } from '../errors.ts';
import type { LogReader } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { quotedTable, rowTablesOf } from '../pipeline/row-tables.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';

/** As `pg` reads it: a time is a `Date`, JSON a value, everything else text. */
export type FoundRow = Readonly<Record<string, unknown>>;

export interface FoundObject {
  readonly key: string;
  /** Each line as a value. */
  readonly lines: readonly unknown[];
  /** As it is, digit by digit. */
  readonly text: string;
}

export interface FoundLetter {
  readonly correlationId: string;
  readonly packageId: string;
  /** Of the event in its package, from 0. */
  readonly index: number;
  /** Where it was refused. */
  readonly at: 'ingest' | 'processor';
  /** From the event's root; empty for the event itself. */
  readonly path: string;
  /** What was expected there. */
  readonly message: string;
  /** As received. */
  readonly event: string;
  /** That it came in, where it came in one. */
  readonly file?: string;
}

/** In the order in which they landed, partition by partition. @throws Fault USAGE where the pipeline has no such table */
export async function findRows(pipeline: Pipeline, table: string, databaseUrl: string): Promise<readonly FoundRow[]> {
  const tables = pipeline.sinks.flatMap(rowTablesOf);
  const wanted = tables.find(({ name }) => name === table);
  if (!wanted) {
    const names = tables.map(({ name }) => name).join(', ');
    throw new Fault('USAGE', `${pipeline.name} has no table ${JSON.stringify(table)}, only: ${names}`);
  }
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const there = await client.query('SELECT to_regclass($1) IS NOT NULL AS is', [quotedTable(wanted)]);
    if (!(there.rows[0] as { is: boolean }).is) return []; // its processor has not opened it yet
    const sql = `SELECT * FROM ${quotedTable(wanted)} ORDER BY tableoid, ctid`;
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** In the order of their keys, without those of dead letters. */
export async function findObjects(store: ObjectStore): Promise<readonly FoundObject[]> {
  const found: FoundObject[] = [];
  for await (const key of store.list('')) {
    if (key.startsWith('dead-letter/')) continue;
    const text = String(await store.get(key));
    const lines = text.split('\n').filter((line) => line !== '');
    found.push({ key, text, lines: lines.map((line) => JSON.parse(line) as unknown) });
  }
  return found;
}

/** In the order in which they were refused. */
export async function findLetters(pipeline: Pipeline, log: LogReader): Promise<readonly FoundLetter[]> {
  const found: FoundLetter[] = [];
  for await (const letter of readDeadLetters(log, [pipeline.deadLetterTopic])) {
    const { correlationId, packageId, index, at, path, message, event, file } = letter;
    const of = { correlationId, packageId, index, at, path, message, event: event.toString() };
    found.push(file === undefined ? of : { ...of, file });
  }
  return found;
}
