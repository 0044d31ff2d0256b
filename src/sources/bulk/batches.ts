/**
 * The batches of one table: at most some at a time, each on a connection of its own, which ends with it: nothing of a batch is left in
 * a session, whatever became of it. Where a connection is lost in the middle of a commit, the status says what was decided.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError, type Pool, type PoolClient } from 'pg';
import { Fault, isFault } from '../../errors.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';
import { type BatchBody, isSameBatch, type Loaded, loadBatch } from './batch.ts';
import { explained } from './batch-failure.ts';
import {
  type BatchName,
  type BatchStatus,
  beginBatch,
  cancelBatch,
  cancelledFault,
  forgetEnded,
  isCancelled,
  type NewBatch,
  readBatch,
} from './batch-store.ts';
import { ensureBatches } from './batch-table.ts';
import { type BatchObserver, type BatchOutcome, type BulkObserver, noObserver } from './bulk-observer.ts';
import { SpareBuffers } from './row-buffer.ts';

/** The pool has 20 connections, and sinks need theirs. */
const maxBatches = 8;
/** For the server to notice that a connection is gone, and to end what it did there. */
const settleMs = 5_000;
const lookEveryMs = 50;

/** A host that is gone without a word keeps its batch's locks for so long: 10 s of silence, then three questions, 5 s apart. */
const serverKeepalives = 'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';
/**
 * A process that is gone is noticed within a second, also in the middle of a statement, which would else go on to its end, however long
 * it waits for a lock. From PostgreSQL 14 on; not where the server's system cannot tell.
 */
const serverLooks = `SELECT set_config(name, '1s', false) FROM pg_settings
  WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'`;

/**
 * A status is kept for so long after the end of its batch, and its key with it: who sends a batch again does so within days, and a
 * hundred thousand of them are some tens of megabytes.
 */
const keptDays = 30;
/** Old statuses are looked for no more often. */
const forgetEveryMs = 3_600_000;

export interface BatchRequest {
  readonly key: string | undefined;
  /** Default: the batch goes in. */
  readonly isDryRun?: boolean;
  readonly body: BatchBody;
  /** Told the id as soon as there is one, for answers that are refusals, too. */
  readonly onId: (id: string) => void;
}

export interface Received extends Loaded {
  readonly id: string;
  /** The same rows had gone in under the same key before. */
  readonly isRepeated: boolean;
}

interface Session {
  /** Let go already where there is another batch. */
  readonly client: PoolClient;
  /** The batch that has the key. */
  readonly other: BatchStatus | undefined;
}

export class Batches {
  readonly bulk: Bulk;
  readonly #warehouse: () => Promise<Warehouse>;
  readonly #observer: BulkObserver;
  readonly #spares = new SpareBuffers();
  #underWay = 0;
  #forgotMs = -Infinity;

  /** @param warehouse rejects while it is not up */
  constructor(bulk: Bulk, warehouse: () => Promise<Warehouse>, observer: BulkObserver = noObserver) {
    this.bulk = bulk;
    this.#warehouse = warehouse;
    this.#observer = observer;
  }

  /**
   * @throws Fault BATCH_UNDER_WAY, BATCH_CANCELLED, IDEMPOTENCY_KEY_USED, BUSY, WAREHOUSE_UNAVAILABLE, WAREHOUSE_FULL, WAREHOUSE_TABLE_MISSING,
   * WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED, and what its body throws
   */
  async receive(request: BatchRequest): Promise<Received> {
    const observer = this.#observer.began();
    try {
      const received = await this.#limited(request, observer);
      observer.ended(outcomeOf(received, request), received.rows);
      return received;
    } catch (error) {
      observer.ended(isFault(error, 'BUSY') ? 'busy' : isFault(error) && error.status < 500 ? 'refused' : 'failed', 0);
      throw error;
    }
  }

  /** Of that id. @throws Fault BATCH_UNKNOWN, WAREHOUSE_UNAVAILABLE */
  async status(id: string): Promise<BatchStatus> {
    const warehouse = await this.#warehouse();
    const found = isUuid(id) ? await this.#read(warehouse, { id }) : undefined;
    if (found) return found;
    throw new Fault('BATCH_UNKNOWN', `there is no batch ${JSON.stringify(id.slice(0, 100))} of ${this.bulk.name}`);
  }

  /** The last that was sent with the key, be it a dry run. @throws Fault as `status` */
  async statusOfKey(key: string): Promise<BatchStatus> {
    const warehouse = await this.#warehouse();
    const found = await this.#read(warehouse, { key });
    if (found) return found;
    throw new Fault('BATCH_UNKNOWN', `no batch of ${this.bulk.name} came with that Idempotency-Key`);
  }

  /**
   * It has ended then: with nothing of it in, unless it had committed already.
   * @throws Fault as `status`, and BUSY where it does not end
   */
  async cancel(id: string): Promise<BatchStatus> {
    const warehouse = await this.#warehouse();
    const status = await this.status(id);
    if (status.endedAt) return status;
    await cancelBatch(warehouse.pool, id).catch((error: unknown) => {
      throw explained(error);
    });
    const ended = await this.#settled(warehouse, id);
    if (ended) return ended;
    throw new Fault('BUSY', `batch ${id} has been cancelled, and has not ended yet`);
  }

  async #limited(request: BatchRequest, observer: BatchObserver): Promise<Received> {
    const warehouse = await this.#warehouse();
    if (this.#underWay >= maxBatches)
      throw new Fault('BUSY', `${maxBatches} batches are under way, which is the limit`);
    this.#underWay += 1;
    try {
      return await this.#receive(warehouse, request, observer);
    } finally {
      this.#underWay -= 1;
      await this.#forget(warehouse.pool);
    }
  }

  async #receive(warehouse: Warehouse, request: BatchRequest, observer: BatchObserver): Promise<Received> {
    const { key, isDryRun = false, body } = request;
    const id = randomUUID();
    const session = await this.#begin(warehouse, { id, bulk: this.bulk.name, key, isDryRun });
    request.onId(session.other?.id ?? id);
    if (session.other) return this.#repeat(session.other, body);
    const { client } = session;
    const batch = { id, isKeyed: key !== undefined && !isDryRun, isDryRun, body, observer, spares: this.#spares };
    const loaded = await loadBatch(client, this.bulk, batch)
      .finally(() => client.release(true))
      .catch((error: unknown) => this.#decided(warehouse, id, error));
    return { id, isRepeated: false, ...loaded };
  }

  /** Whoever comes cleans up, now and then. */
  async #forget(pool: Pool): Promise<void> {
    if (performance.now() - this.#forgotMs < forgetEveryMs) return;
    this.#forgotMs = performance.now();
    await forgetEnded(pool, keptDays).catch((error: unknown) => this.#observer.notForgotten(error));
  }

  async #begin(warehouse: Warehouse, batch: NewBatch): Promise<Session> {
    const client = await warehouse.lend().catch((error: unknown) => {
      throw explained(error);
    });
    try {
      await client.query(serverKeepalives);
      await client.query(serverLooks);
      await ensureBatches(client);
      const other = await beginBatch(client, batch);
      if (other) client.release(true);
      return { client, other };
    } catch (error) {
      client.release(true);
      throw explained(error);
    }
  }

  /** A failure may hide that the batch is in: where the answer to COMMIT was lost. */
  async #decided(warehouse: Warehouse, id: string, error: unknown): Promise<Loaded> {
    const status = isFault(error) ? undefined : await this.#settled(warehouse, id);
    if (status && isCancelled(status)) throw cancelledFault(id);
    if (status?.state !== 'committed') throw explained(error);
    return { rows: status.rows, errors: { count: 0, first: [] } };
  }

  async #repeat(other: BatchStatus, body: BatchBody): Promise<Received> {
    if (other.state !== 'committed')
      throw new Fault('BATCH_UNDER_WAY', `batch ${other.id} has the Idempotency-Key and is ${other.state}`);
    if (!(await isSameBatch(this.bulk, other, body)))
      throw new Fault('IDEMPOTENCY_KEY_USED', `batch ${other.id} went in under this Idempotency-Key with other rows`);
    return { id: other.id, isRepeated: true, rows: other.rows, errors: { count: 0, first: [] } };
  }

  /** Undefined where PostgreSQL does not tell in time. */
  async #settled(warehouse: Warehouse, id: string): Promise<BatchStatus | undefined> {
    for (const untilMs = performance.now() + settleMs; performance.now() < untilMs; await sleep(lookEveryMs)) {
      const found = await this.#read(warehouse, { id }).catch(() => undefined); // why it cannot be told is why the batch failed
      if (found?.endedAt) return found;
    }
    return undefined;
  }

  async #read(warehouse: Warehouse, name: BatchName): Promise<BatchStatus | undefined> {
    try {
      const client = await warehouse.lend();
      return await readBatch(client, this.bulk.name, name).finally(() => client.release());
    } catch (error) {
      if (error instanceof DatabaseError && error.code === undefinedTable) return undefined; // no batch has come yet
      throw explained(error);
    }
  }
}

const undefinedTable = '42P01';

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function outcomeOf({ errors, isRepeated }: Received, { isDryRun }: BatchRequest): BatchOutcome {
  if (errors.count > 0) return 'rejected';
  if (isRepeated) return 'repeated';
  return isDryRun ? 'checked' : 'committed';
}
