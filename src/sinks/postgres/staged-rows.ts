/**
 * A batch between stage and commit: a transaction, open on a connection of its own, that holds the rows and the
 * checkpoint. It ends once: committed, rolled back, or with its connection.
 */
import type { PoolClient } from 'pg';
import { withAnswersWithin } from '../../stores/warehouse/connection-pool.ts';
import { nothingStaged, type RejectedEvent, type Staged } from '../sink.ts';

export interface StagedRowsOptions {
  /** What is left to do, right before the commit. */
  readonly finish: () => Promise<void>;
  /** Told before the server is, for the answer may be lost. */
  readonly onCommit: () => void;
  readonly answerLimitMs: number;
}

export function stagedRows(client: PoolClient, { finish, onCommit, answerLimitMs }: StagedRowsOptions): Staged {
  let open = true;

  async function end(statement: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    open = false;
    try {
      const { command } = await withAnswersWithin(client, answerLimitMs, () => client.query(statement));
      // PostgreSQL answers COMMIT with ROLLBACK, and no error, where the transaction had failed before.
      if (command !== statement) throw new Error(`PostgreSQL answered ${statement} with ${command}`);
    } catch (error) {
      client.release(true);
      throw error;
    }
    client.release();
  }

  return {
    rejected: [],
    plan: [],
    commit: async () => {
      if (!open) throw new Error('the batch is not staged any more');
      await withAnswersWithin(client, answerLimitMs, finish);
      onCommit();
      await end('COMMIT');
    },
    abort: async () => {
      // A connection that died has rolled back by itself.
      if (open) await end('ROLLBACK').catch(() => undefined);
    },
  };
}

/** Rows that PostgreSQL does not take: the transaction is rolled back. */
export function refused(rejected: readonly RejectedEvent[]): Staged {
  return { ...nothingStaged, rejected, commit: () => Promise.reject(new Error('the batch is not staged')) };
}
