/**
 * The rows of one partition of the log on their way into a table.
 *
 * Exactly once (D3): rows and checkpoint change in one transaction, and only where the checkpoint is where this owner
 * believes it to be; otherwise nothing changes: CHECKPOINT_STALE. A batch that this owner has seen land (before it
 * opened, by its own commit, or by a commit whose answer was lost and which the checkpoint confirms) is staged as nothing.
 */
import type { ClientBase, Pool } from 'pg';
import { Fault } from '../../errors.ts';
import type { TableSink } from '../../pipeline/pipeline.ts';
import type { RejectedEvent, SinkBatch, SinkEvent, SinkPartition, Staged } from '../sink.ts';
import {
  type CheckpointKey,
  advanceCheckpoint,
  hasUncountedRows,
  openCheckpoint,
  readCheckpoint,
} from './checkpoint-row.ts';
import { copyRows, copyStatement } from './copy-rows.ts';
import type { MonthPartitions } from './month-partitions.ts';
import { findRefusedRows, isDataError, isPartitionMissing } from './refused-rows.ts';
import { type RowMapper, rowByRow, rowMapper, usualChunkBytes } from './row-mapper.ts';
import { landedBefore, stagedRows } from './staged-rows.ts';

/**
 * A server that was stopped and goes on, or an owner that was, must not keep the checkpoint's row locked for ever: the
 * transaction is rolled back, and the batch is staged again.
 */
const begin = `BEGIN; SET LOCAL statement_timeout = '120s'; SET LOCAL idle_in_transaction_session_timeout = '120s'`;

export interface TablePartitionOptions<E> {
  readonly pool: Pool;
  readonly key: CheckpointKey;
  readonly definition: TableSink<E>;
  readonly months: MonthPartitions;
}

export class TablePartition<E> implements SinkPartition<E> {
  readonly next: number;
  readonly #options: TablePartitionOptions<E>;
  readonly #mapper: RowMapper<E>;
  readonly #statement: string;
  /** Where the checkpoint may stand by our own doing. */
  #landed: number;

  static async open<E>(client: ClientBase, options: TablePartitionOptions<E>): Promise<TablePartition<E>> {
    return new TablePartition(await openCheckpoint(client, options.key), options);
  }

  private constructor(next: number, options: TablePartitionOptions<E>) {
    const { definition } = options;
    this.next = next;
    this.#landed = next;
    this.#options = options;
    this.#mapper = rowMapper(definition);
    this.#statement = copyStatement(definition.name, Object.keys(definition.columns));
  }

  async landAgain(): Promise<void> {
    const { pool, key } = this.#options;
    if (this.next > 0 || !(await hasUncountedRows(pool, key))) return;
    throw new Fault(
      'CHECKPOINT_LOST',
      `table ${key.sink} has rows, but no checkpoint that tells which: landing ${key.topic}-${key.partition} again could double them`,
    );
  }

  async stage(batch: SinkBatch<E>): Promise<Staged> {
    const client = await this.#options.pool.connect();
    try {
      const rejected = await this.#stageOn(client, batch);
      if (rejected) return stagedRows(client, rejected, () => (this.#landed = Math.max(this.#landed, batch.to)));
      await client.query('ROLLBACK');
      client.release();
      return landedBefore;
    } catch (error) {
      client.release(true); // whatever state it is in, its transaction ends with it
      throw error;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Leaves rows and checkpoint in the client's open transaction, but for the rejected events that it answers; nothing
   * where the batch has landed before.
   */
  async #stageOn(client: ClientBase, batch: SinkBatch<E>): Promise<readonly RejectedEvent[] | undefined> {
    const { months, key } = this.#options;
    let { events } = batch;
    const refused: RejectedEvent[] = [];
    for (let refreshed = false; ;) {
      await client.query(begin);
      if (!(await advanceCheckpoint(client, key, batch.from, batch.to))) return this.#landedOrStale(client, batch);
      const mapped = this.#mapper.map(events, (month) => months.has(month), usualChunkBytes);
      try {
        if (events.length > 0) await copyRows(client, this.#statement, mapped.chunks);
        if (mapped.missingMonths.size === 0) return [...refused, ...mapped.rejected];
        await client.query('ROLLBACK');
        await months.make(client, mapped.missingMonths);
      } catch (error) {
        await client.query('ROLLBACK');
        if (isDataError(error)) {
          refused.push(...(await this.#findRefused(client, events, error)));
          const offsets = new Set(refused.map(({ offset }) => offset));
          events = events.filter(({ offset }) => !offsets.has(offset));
        } else {
          if (!isPartitionMissing(error) || refreshed) throw error;
          await months.refresh(client);
          refreshed = true;
        }
      }
    }
  }

  async #landedOrStale(client: ClientBase, { from, to }: SinkBatch<E>): Promise<undefined> {
    const { key } = this.#options;
    const next = await readCheckpoint(client, key);
    if (next !== undefined && next >= to && to <= this.#landed) return undefined;
    const where = `${key.sink} of ${key.pipeline}, ${key.topic}-${key.partition}`;
    throw new Fault(
      'CHECKPOINT_STALE',
      `${where}: the checkpoint in the database is at ${next}, not at ${from}: another owner moved it`,
    );
  }

  /** Those that PostgreSQL refuses; what the mapper refuses is found again by the next try. */
  async #findRefused(
    client: ClientBase,
    events: readonly SinkEvent<E>[],
    error: Error,
  ): Promise<readonly RejectedEvent[]> {
    const { months } = this.#options;
    let mapped = this.#mapper.map(events, (month) => months.has(month), rowByRow);
    let rows = [...mapped.chunks];
    if (mapped.missingMonths.size > 0) {
      await months.make(client, mapped.missingMonths);
      mapped = this.#mapper.map(events, () => true, rowByRow);
      rows = [...mapped.chunks];
    }
    await client.query(begin);
    const found = await findRefusedRows(client, this.#statement, rows);
    await client.query('ROLLBACK');
    if (found.length === 0) throw error; // it passed; the next try may go well
    const unmapped = new Set(mapped.rejected.map(({ offset }) => offset));
    const offsets = events.map(({ offset }) => offset).filter((offset) => !unmapped.has(offset));
    return found.map(({ index, path, message }) => ({ offset: offsets[index] as number, path, message }));
  }
}
