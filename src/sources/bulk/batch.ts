/**
 * One batch, from its first byte to its end (D7): received into a table of its session, checked by sets, and then in one transaction
 * with its status and its key. Before that transaction commits nothing of it is seen, and after it all is. A dry run ends before it.
 */
import type { ClientBase } from 'pg';
import { isFault } from '../../errors.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import { explained } from './batch-failure.ts';
import { type BatchStatus, noteCommitted, noteNotIn, noteReceived, noteValidating } from './batch-store.ts';
import type { BatchObserver } from './bulk-observer.ts';
import { insertRows } from './insert-rows.ts';
import { RowBuffer, type SpareBuffers } from './row-buffer.ts';
import { RowChecker } from './row-checker.ts';
import { type FoundErrors, RowErrors } from './row-errors.ts';
import { type RowReader, StopReading } from './row-reader.ts';
import { checkKeys, checkReferences, type ReceivedRows } from './set-checks.ts';
import { Staging } from './staging.ts';
import { readTargetTable, type TargetTable } from './target-table.ts';
import { tryRows } from './try-rows.ts';

export interface BatchBody {
  readonly chunks: AsyncIterable<Buffer>;
  /** They end with that. */
  readonly stop: (reason: Error) => void;
  /** Of its format. */
  readonly reader: (rows: RowChecker, start: Buffer) => RowReader;
}

export interface Batch {
  readonly id: string;
  /** Its rows are compared with those of another one day. */
  readonly isKeyed: boolean;
  /** Nothing goes in. */
  readonly isDryRun: boolean;
  readonly body: BatchBody;
  readonly observer: BatchObserver;
  readonly spares: SpareBuffers;
}

export interface Loaded {
  readonly rows: number;
  /** None of them: the batch is in, or would be. */
  readonly errors: FoundErrors;
}

/** Waiting for what others have locked, such as a row that is referred to and is being deleted. */
const lockTimeoutMs = 60_000;
/** How old the number of rows in a status may be. */
const noteEveryMs = 1_000;

/**
 * @param client of its own, which has begun the batch of that id; of no use to others after it
 * @throws what the body throws, and PostgreSQL; what had become of the batch then, its status says
 */
export async function loadBatch(client: ClientBase, bulk: Bulk, batch: Batch): Promise<Loaded> {
  const { id, observer } = batch;
  const errors = new RowErrors();
  const staging = new Staging(client, bulk, batch.spares);
  const rows = new RowChecker(bulk, batch.isKeyed, errors, staging.filling);
  try {
    observer.entered('receiving');
    const target = staging.between(() => readTargetTable(client, bulk));
    target.catch((error: Error) => batch.body.stop(error));
    await stage(client, batch, rows, errors, staging);
    observer.entered('validating');
    await noteValidating(client, id, rows.rows);
    await putIn(client, bulk, batch, { target: await target, rows, staging, errors });
    staging.release();
    return { rows: rows.rows, errors: errors.found };
  } catch (error) {
    await staging.settled();
    await noteFailed(client, id, rows.rows, explained(error));
    throw error;
  }
}

async function stage(
  client: ClientBase,
  { id, body, observer }: Batch,
  rows: RowChecker,
  errors: RowErrors,
  staging: Staging,
): Promise<void> {
  const keepUp = async (chunk: Buffer): Promise<void> => {
    observer.received(chunk.length);
    await staging.keepUp();
    rows.into = staging.filling;
  };
  const onEnd = (): void => body.stop(new Error('the connection of the batch has ended'));
  client.on('end', onEnd);
  let noted = 0;
  const noting = setInterval(() => {
    if (rows.rows === noted) return;
    noted = rows.rows;
    void staging.between(() => noteReceived(client, id, noted));
  }, noteEveryMs);
  await receive(body, rows, errors, keepUp).finally(() => {
    clearInterval(noting);
    client.off('end', onEnd);
  });
  await staging.finish();
}

interface Staged {
  readonly target: TargetTable;
  readonly rows: RowChecker;
  readonly staging: Staging;
  readonly errors: RowErrors;
}

async function putIn(
  client: ClientBase,
  bulk: Bulk,
  { id, isDryRun, observer }: Batch,
  { target, rows, staging, errors }: Staged,
): Promise<void> {
  const received: ReceivedRows = { given: rows.given, staging, errors };
  await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  await checkReferences(client, bulk, received);
  if (isDryRun) await tryRows(client, bulk, target, received);
  else if (errors.count > 0) await checkKeys(client, bulk, target.uniqueKeys, received);
  else {
    observer.entered('inserting');
    await insertRows(client, bulk, target, received);
  }
  const goesIn = errors.count === 0 && !isDryRun;
  if (goesIn) await noteCommitted(client, id, rows.digest());
  await client.query(goesIn ? 'COMMIT' : 'ROLLBACK');
  if (!goesIn) await noteNotIn(client, id, rows.rows, errors.found);
}

/** Where the session is gone, others find that out. What has committed after all, stays so. */
async function noteFailed(client: ClientBase, id: string, rows: number, error: unknown): Promise<void> {
  const reason = isFault(error) ? error.message : 'an error of ours, in the log lines';
  try {
    await client.query('ROLLBACK');
    await noteNotIn(client, id, rows, { count: 1, first: [{ line: null, field: null, value: null, reason }] });
  } catch {
    // the error that counts is the first
  }
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
  keepUp: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  let reader: RowReader | undefined;
  try {
    for await (const chunk of chunks) {
      reader ??= readerFor(rows, chunk);
      await reader.push(chunk);
      await keepUp(chunk);
    }
    await reader?.end();
  } catch (error) {
    if (!(error instanceof StopReading)) throw error;
    errors.add({ line: error.line, field: null, value: null, reason: error.message });
  } finally {
    reader?.close();
  }
}
