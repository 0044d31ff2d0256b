/**
 * The batches of one table: at most some at a time, each on a connection of its own, which ends with it: nothing of a batch is left in
 * a session, whatever became of it. Where a connection is lost in the middle of a commit, the status says what was decided.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError, type Pool, type PoolClient } from 'pg';
import { Fault, isFault, reasonOf } from '../../errors.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';
import { type BatchBody, isSameBatch, type Loaded, loadBatch } from './batch.ts';
import { type BatchStatus, beginBatch, ensureBatches, readBatch } from './batch-store.ts';

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

export interface BatchRequest {
  readonly key: string | undefined;
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
  #underWay = 0;

  /** @param warehouse rejects while it is not up */
  constructor(bulk: Bulk, warehouse: () => Promise<Warehouse>) {
    this.bulk = bulk;
    this.#warehouse = warehouse;
  }

  /**
   * @throws Fault BATCH_UNDER_WAY, IDEMPOTENCY_KEY_USED, BUSY, WAREHOUSE_UNAVAILABLE, WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED, and
   * what its body throws
   */
  async receive(request: BatchRequest): Promise<Received> {
    const { pool } = await this.#warehouse();
    if (this.#underWay >= maxBatches)
      throw new Fault('BUSY', `${maxBatches} batches are under way, which is the limit`);
    this.#underWay += 1;
    try {
      return await this.#receive(pool, request);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** @throws Fault BATCH_UNKNOWN, WAREHOUSE_UNAVAILABLE */
  async status(id: string): Promise<BatchStatus> {
    const { pool } = await this.#warehouse();
    const found = isUuid(id) ? await this.#read(pool, id) : undefined;
    if (found) return found;
    throw new Fault('BATCH_UNKNOWN', `there is no batch ${JSON.stringify(id.slice(0, 100))} of ${this.bulk.name}`);
  }

  async #receive(pool: Pool, { key, body, onId }: BatchRequest): Promise<Received> {
    const id = randomUUID();
    const session = await this.#begin(pool, id, key);
    onId(session.other?.id ?? id);
    if (session.other) return this.#repeat(session.other, body);
    const { client } = session;
    const loaded = await loadBatch(client, this.bulk, id, key !== undefined, body)
      .finally(() => client.release(true))
      .catch((error: unknown) => this.#decided(pool, id, error));
    return { id, isRepeated: false, ...loaded };
  }

  async #begin(pool: Pool, id: string, key: string | undefined): Promise<Session> {
    const client = await pool.connect().catch((error: unknown) => {
      throw explained(error);
    });
    try {
      await client.query(serverKeepalives);
      await client.query(serverLooks);
      await ensureBatches(client);
      const other = await beginBatch(client, { id, bulk: this.bulk.name, key });
      if (other) client.release(true);
      return { client, other };
    } catch (error) {
      client.release(true);
      throw explained(error);
    }
  }

  /** A failure may hide that the batch is in: where the answer to COMMIT was lost. */
  async #decided(pool: Pool, id: string, error: unknown): Promise<Loaded> {
    const status = isFault(error) ? undefined : await this.#settled(pool, id);
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
  async #settled(pool: Pool, id: string): Promise<BatchStatus | undefined> {
    for (const untilMs = performance.now() + settleMs; performance.now() < untilMs; await sleep(lookEveryMs)) {
      const found = await this.#read(pool, id).catch(() => undefined); // why it cannot be told is why the batch failed
      if (found?.state === 'committed' || found?.state === 'rejected') return found;
    }
    return undefined;
  }

  #read(pool: Pool, id: string): Promise<BatchStatus | undefined> {
    return readBatch(pool, this.bulk.name, id).catch((error: unknown) => {
      if (error instanceof DatabaseError && error.code === undefinedTable) return undefined; // no batch has come yet
      throw explained(error);
    });
  }
}

const undefinedTable = '42P01';

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** What PostgreSQL says of a batch that is nobody's fault who sends it; a defect of ours as it is. */
function explained(error: unknown): unknown {
  if (isFault(error) || !(error instanceof Error)) return error;
  if (!(error instanceof DatabaseError)) return isDefect(error) ? error : unavailable(error);
  const code = error.code ?? '';
  if (code === '42501')
    return new Fault('WAREHOUSE_DENIED', `PostgreSQL refuses our role: ${error.message}`, { cause: error });
  if (/^(?:40|55P03)/.test(code))
    return new Fault('BUSY', `another transaction was in the way: ${error.message}`, { cause: error });
  return /^(?:08|53|57|58|XX)/.test(code) ? unavailable(error) : error;
}

function unavailable(error: Error): Fault {
  return new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL did not end the batch: ${reasonOf(error)}`, { cause: error });
}

function isDefect(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
