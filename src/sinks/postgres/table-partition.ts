/**
 * The rows of one partition of the log on their way into a table.
 *
 * Exactly once (D3): rows and checkpoint change in one transaction, and only where the checkpoint is where this owner
 * believes it to be; otherwise nothing changes: CHECKPOINT_STALE. A batch that this owner has seen land (before it
 * opened, by its own commit, or by a commit whose answer was lost and which the checkpoint confirms) is staged as nothing.
 *
 * Where events land again (D9), their old rows go in the transaction that brings the new ones, and the checkpoint stays where it is.
 */
import type { ClientBase, Pool } from 'pg';
import { Fault } from '../../errors.ts';
import {
  nothingStaged,
  type RejectedEvent,
  type SinkBatch,
  type SinkPartition,
  type SinkRange,
  type Staged,
} from '../sink.ts';
import {
  type CheckpointKey,
  advanceCheckpoint,
  hasUncountedRows,
  holdCheckpoint,
  openCheckpoint,
  readCheckpoint,
} from './checkpoint-row.ts';
import { copyRows, copyStatement } from './copy-rows.ts';
import { lend, withAnswersWithin } from '../../stores/warehouse/connection-pool.ts';
import { explained } from './privileges.ts';
import { findRefusedRows, isDataError, isPartitionMissing } from './refused-rows.ts';
import { ensureIndex, renewSummaries, summariseIndexes } from './replaced-rows.ts';
import { RowBatch, type RowsDefinition } from './row-batch.ts';
import type { RowLanding } from './row-landing.ts';
import { refused, stagedRows } from './staged-rows.ts';

/**
 * A server that was stopped and goes on, or an owner that was, must not keep the checkpoint's row locked for ever: the
 * transaction is rolled back, and the batch is staged again.
 */
const defaultStatementTimeoutMs = 120_000;

/**
 * In the middle of COPY the server waits for a client that has vanished for as long as TCP does, whatever the statement's limit: it
 * asks after 10 s of silence, and gives up 15 s later.
 */
const serverKeepalives =
  'SET LOCAL tcp_keepalives_idle = 10; SET LOCAL tcp_keepalives_interval = 5; SET LOCAL tcp_keepalives_count = 3';

/** A statement sees what was committed before it. */
function beginWithin(limitMs: number): string {
  const limits = `SET LOCAL statement_timeout = ${limitMs}; SET LOCAL idle_in_transaction_session_timeout = ${limitMs}`;
  return `BEGIN ISOLATION LEVEL READ COMMITTED; ${limits}; ${serverKeepalives}`;
}

export interface TablePartitionOptions<E> {
  readonly pool: Pool;
  readonly key: CheckpointKey;
  readonly definition: RowsDefinition<E>;
  readonly landing: RowLanding;
  /** Of a statement, and of a transaction in which nothing happens. Default 120 s. */
  readonly statementTimeoutMs?: number | undefined;
}

export class TablePartition<E> implements SinkPartition<E> {
  readonly next: number;
  readonly #options: TablePartitionOptions<E>;
  readonly #statement: string;
  readonly #begin: string;
  /** By then the server would have ended the statement itself, and have said so. */
  readonly #answerLimitMs: number;
  /** Where the checkpoint may stand by our own doing. */
  #landed: number;
  #hasIndex = false;
  #hasNewSummaries = false;

  static async open<E>(client: ClientBase, options: TablePartitionOptions<E>): Promise<TablePartition<E>> {
    return new TablePartition(await openCheckpoint(client, options.pool, options.key), options);
  }

  private constructor(next: number, options: TablePartitionOptions<E>) {
    const { definition, landing, statementTimeoutMs = defaultStatementTimeoutMs } = options;
    this.#begin = `${beginWithin(statementTimeoutMs)}; ${landing.begin}`;
    this.#answerLimitMs = statementTimeoutMs * 1.1;
    this.next = next;
    this.#landed = next;
    this.#options = options;
    this.#statement = copyStatement(landing.copyInto, Object.keys(definition.columns));
  }

  async landAgain(): Promise<void> {
    const { pool, key, landing } = this.#options;
    if (this.next > 0 || !landing.canDouble) return;
    const hasUncounted = await hasUncountedRows(pool, key).catch(async (error: unknown) => {
      throw await explained(error, pool, landing.needs(false));
    });
    if (!hasUncounted) return;
    throw new Fault(
      'CHECKPOINT_LOST',
      `table ${key.sink} has rows, but no checkpoint that tells which: landing ${key.topic}-${key.partition} again could double them`,
    );
  }

  batch(): SinkBatch<E> {
    const rows = new RowBatch(this.#options.definition);
    return {
      add: (offset, event) => rows.add(offset, event),
      removeLast: () => rows.removeLast(),
      clear: () => rows.clear(),
      stage: (range) => (range.replaces ? this.#replace(rows, range) : this.#stage(rows, range)),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #stage(rows: RowBatch<E>, range: SinkRange): Promise<Staged> {
    const { pool, landing } = this.#options;
    const answerLimitMs = this.#answerLimitMs;
    const isReplay = range.replaces !== undefined;
    const client = await lend(pool);
    try {
      const staged = await withAnswersWithin(client, answerLimitMs, () => this.#stageOn(client, rows, range));
      if (staged === 'staged') {
        const finish = () =>
          landing.merge(client, range.replaces).catch(async (error: unknown) => {
            throw await explained(error, pool, landing.needs(isReplay));
          });
        const onCommit = (): void => void (this.#landed = Math.max(this.#landed, range.to));
        return stagedRows(client, { finish, onCommit, answerLimitMs });
      }
      await client.query('ROLLBACK');
      client.release();
      return staged === 'landed before' ? nothingStaged : refused(staged);
    } catch (error) {
      client.release(true); // whatever state it is in, its transaction ends with it
      throw await explained(error, pool, landing.needs(isReplay));
    }
  }

  async #replace(rows: RowBatch<E>, range: SinkRange): Promise<Staged> {
    const { pool, landing } = this.#options;
    const of = landing.replaced();
    if (!of) return this.#stage(rows, range);
    const onClient = async (work: (client: ClientBase) => Promise<void>): Promise<void> => {
      const client = await lend(pool);
      await work(client).finally(() => client.release());
    };
    if (!this.#hasIndex) await onClient(async (client) => void (this.#hasNewSummaries = await ensureIndex(client, of)));
    this.#hasIndex = true;
    const staged = await this.#stage(rows, range);
    return {
      ...staged,
      commit: async () => {
        await staged.commit();
        const hadNew = this.#hasNewSummaries;
        await onClient((client) => (hadNew ? summariseIndexes(client, of) : renewSummaries(client, of)));
        this.#hasNewSummaries = true;
      },
    };
  }

  /** Leaves rows and checkpoint in the client's open transaction, or answers why it does not. */
  async #stageOn(
    client: ClientBase,
    rows: RowBatch<E>,
    range: SinkRange,
  ): Promise<'staged' | 'landed before' | readonly RejectedEvent[]> {
    const { key, landing } = this.#options;
    const { months } = landing;
    const needed = [...rows.months(range.without)];
    for (let refreshed = false; ;) {
      await client.query(this.#begin);
      if (range.replaces) await this.#takeAway(client, range.replaces, range.to);
      else if (!(await advanceCheckpoint(client, key, range.from, range.to))) {
        await this.#refuseStale(client, range);
        return 'landed before';
      }
      const missing = needed.filter((month) => !months?.has(month));
      try {
        if (missing.length === 0) {
          if (rows.entries.end > 0) await copyRows(client, this.#statement, rows.entries.pieces(range.without));
          return 'staged';
        }
        await client.query('ROLLBACK');
        await months?.make(client, missing);
      } catch (error) {
        await client.query('ROLLBACK');
        if (isDataError(error)) return this.#findRefused(client, rows, range, error);
        if (!isPartitionMissing(error) || refreshed) throw error;
        await months?.refresh(client); // somebody has dropped one
        refreshed = true;
      }
    }
  }

  /** Holds the checkpoint, so that of several owners one is at it. */
  async #takeAway(client: ClientBase, correlationIds: readonly string[], to: number): Promise<void> {
    const { key, landing } = this.#options;
    const next = await holdCheckpoint(client, key);
    if (next < to)
      throw new Error(`table ${key.sink} has come to offset ${next}: what is behind that lands there first`);
    await landing.takeAway(client, correlationIds);
  }

  /** @throws Fault CHECKPOINT_STALE where the batch is not one that this owner has seen land */
  async #refuseStale(client: ClientBase, { from, to }: SinkRange): Promise<void> {
    const { key } = this.#options;
    const next = await readCheckpoint(client, key);
    if (next !== undefined && next >= to && to <= this.#landed) return;
    const where = `${key.sink} of ${key.pipeline}, ${key.topic}-${key.partition}`;
    throw new Fault(
      'CHECKPOINT_STALE',
      `${where}: the checkpoint in the database is at ${next}, not at ${from}: another owner moved it`,
    );
  }

  async #findRefused(
    client: ClientBase,
    { entries }: RowBatch<E>,
    { without }: SinkRange,
    error: Error,
  ): Promise<readonly RejectedEvent[]> {
    const indexes = Array.from({ length: entries.count }, (_, i) => i).filter(
      (i) => entries.bytes(i).length > 0 && !without.has(entries.offset(i)),
    );
    await client.query(this.#begin);
    const found = await findRefusedRows(
      client,
      this.#statement,
      indexes.map((index) => entries.bytes(index)),
    );
    if (found.length === 0) throw error; // it passed; the next try may go well
    return found.map(({ index, path, message }) => ({
      offset: entries.offset(indexes[index] as number),
      path,
      message,
    }));
  }
}
