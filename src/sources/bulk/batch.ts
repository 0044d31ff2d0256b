/**
 * One batch, from its first byte to its end (D7): received into a table of its session, checked by sets, and then in one transaction
 * with its status and its key. Before that transaction commits nothing of it is seen, and after it all is.
 */
import type { ClientBase } from 'pg';
import { type Fault, isFault, reasonOf } from '../../errors.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import { type BatchStatus, noteCommitted, noteRejected, noteValidating } from './batch-store.ts';
import { insertRows } from './insert-rows.ts';
import { RowBuffer } from './row-buffer.ts';
import { RowChecker } from './row-checker.ts';
import { type FoundErrors, RowErrors } from './row-errors.ts';
import { type RowReader, StopReading } from './row-reader.ts';
import { checkKeys, checkReferences } from './set-checks.ts';
import { Staging } from './staging.ts';
import { readTargetTable } from './target-table.ts';

export interface BatchBody {
  readonly chunks: AsyncIterable<Buffer>;
  /** Of its format. */
  readonly reader: (rows: RowChecker, start: Buffer) => RowReader;
}

export interface Loaded {
  readonly rows: number;
  /** None of them: the batch is in. */
  readonly errors: FoundErrors;
}

/** Waiting for what others have locked, such as a row that is referred to and is being deleted. */
const lockTimeoutMs = 60_000;

/**
 * @param client of its own, which has begun the batch of that id; of no use to others after it
 * @throws what the body throws, and PostgreSQL; what had become of the batch then, its status says
 */
export async function loadBatch(
  client: ClientBase,
  bulk: Bulk,
  id: string,
  isKeyed: boolean,
  body: BatchBody,
): Promise<Loaded> {
  const errors = new RowErrors();
  const target = await readTargetTable(client, bulk);
  const staging = await Staging.make(client, bulk);
  const rows = new RowChecker(bulk, isKeyed, errors, staging.filling);
  const keepUp = async (): Promise<void> => {
    await staging.keepUp();
    rows.into = staging.filling;
  };
  await receive(body, rows, errors, keepUp).catch(async (error: unknown) => {
    if (isFault(error)) await noteRejected(client, id, rows.rows, failed(error));
    throw error;
  });
  await staging.finish();
  await noteValidating(client, id, rows.rows);
  await client.query(`BEGIN; SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  await checkReferences(client, bulk, rows.given, errors);
  if (errors.count > 0) await checkKeys(client, bulk, target.uniqueKeys, errors);
  else await insertRows(client, bulk, target, errors);
  if (errors.count === 0) await noteCommitted(client, id, rows.digest());
  await client.query(errors.count === 0 ? 'COMMIT' : 'ROLLBACK');
  if (errors.count > 0) await noteRejected(client, id, rows.rows, errors.found);
  return { rows: rows.rows, errors: errors.found };
}

/** The rows of a batch whose key has another: whether they are the same. Nothing is kept of them. */
export async function isSameBatch(bulk: Bulk, other: BatchStatus, body: BatchBody): Promise<boolean> {
  const errors = new RowErrors();
  const buffer = new RowBuffer();
  const rows = new RowChecker(bulk, true, errors, buffer);
  await receive(body, rows, errors, async () => buffer.clear());
  return errors.count === 0 && rows.digest() === other.digest;
}

async function receive(
  { chunks, reader: readerFor }: BatchBody,
  rows: RowChecker,
  errors: RowErrors,
  keepUp: () => Promise<void>,
): Promise<void> {
  let reader: RowReader | undefined;
  try {
    for await (const chunk of chunks) {
      reader ??= readerFor(rows, chunk);
      await reader.push(chunk);
      await keepUp();
    }
    await reader?.end();
  } catch (error) {
    if (!(error instanceof StopReading)) throw error;
    errors.add({ line: error.line, field: null, value: null, reason: error.message });
  } finally {
    reader?.close();
  }
}

function failed(error: Fault): FoundErrors {
  return { count: 1, first: [{ line: null, field: null, value: null, reason: reasonOf(error) }] };
}
