/**
 * The rows of a batch until they may go in. A small batch is held here, and goes into its table from here. Of a larger one, or of one whose
 * rows have to be looked at, they are in a temporary table of the session that brings them: not logged, seen by nobody else, gone with
 * the session, however that ends. While one part is on its way the next one fills; then the sender waits (D6).
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Bulk } from '../../pipeline/bulk.ts';
import { columnReader } from './column-values.ts';
import type { RowBuffer, SpareBuffers } from './row-buffer.ts';

export const stagingTable = 'tributary_staged_rows';

/** About 20,000 rows: the server's work of a COPY does not count then. */
const partBytes = 1024 * 1024;
/** Of a batch that is held, some 80,000 rows. */
const maxHeldParts = 4;

export class Staging {
  /** Where rows are added. */
  filling: RowBuffer;
  /** None of the rows is in the temporary table, which is not there then. */
  isHeld = true;
  readonly #client: ClientBase;
  readonly #bulk: Bulk;
  readonly #spares: SpareBuffers;
  /** Of this batch, all of them. */
  readonly #buffers: RowBuffer[] = [];
  /** Full parts that are held. */
  readonly #held: RowBuffer[] = [];
  /** Of no use at the moment. */
  readonly #free: RowBuffer[] = [];
  #underWay: Promise<unknown> | undefined;

  constructor(client: ClientBase, bulk: Bulk, spares: SpareBuffers) {
    this.#client = client;
    this.#bulk = bulk;
    this.#spares = spares;
    this.filling = this.#take();
  }

  /** The batch has ended well: nothing is on its way. */
  release(): void {
    this.#spares.giveBack(this.#buffers);
  }

  /** All rows are there, and are in the temporary table then. */
  async stage(): Promise<void> {
    await this.#send();
    await this.#idle();
  }

  /** The planner knows what the staged rows are. */
  async analyze(): Promise<void> {
    await this.stage();
    await this.#client.query(`ANALYZE ${stagingTable}`);
  }

  /** Rows that are held go into their table as they are. */
  async copyIn(): Promise<void> {
    const { table, columns } = this.#bulk;
    const target = `${escapeIdentifier(table)} (${Object.keys(columns).map(escapeIdentifier).join(', ')})`;
    const [one, other] = [this.#take(), this.#take()];
    let copied = Promise.resolve();
    for (const [i, rows] of [...this.#held, this.filling].entries()) {
      const values = i % 2 === 0 ? one : other;
      values.takeValues(rows); // while the part before is on its way
      await copied;
      copied = copy(this.#client, target, values.finish());
    }
    await copied;
  }

  async #make(): Promise<void> {
    this.isHeld = false;
    const { columns } = this.#bulk;
    const names = Object.keys(columns).map(escapeIdentifier);
    const types = Object.values(columns).map((column) => columnReader(column).sql);
    // Columns have names of their own, so that one of the table may be called `line`.
    const declared = names.map((name, i) => `${name} ${types[i]}`);
    await this.#client.query(
      `CREATE TEMPORARY TABLE ${stagingTable} ("line of row" bigint NOT NULL, ${declared.join(', ')})`,
    );
  }

  /** To be called between chunks of the body. @throws what PostgreSQL says of the part before */
  async keepUp(): Promise<void> {
    if (this.filling.byteLength < partBytes) return;
    if (!this.isHeld || this.#held.length === maxHeldParts - 1) return this.#send();
    this.#held.push(this.filling);
    this.filling = this.#take();
  }

  /** When the part that is on its way is there, and before the next one goes. */
  between<T>(work: () => Promise<T>): Promise<T> {
    const done = (this.#underWay ?? Promise.resolve()).then(work);
    this.#do(done);
    return done;
  }

  /** Nothing is on its way, whatever has become of it. */
  async settled(): Promise<void> {
    await this.#idle().catch(() => undefined); // whoever waits for what is on its way is told
  }

  /** All rows are there: those that are staged, and those that are held. */
  async finish(): Promise<void> {
    if (!this.isHeld) await this.#send();
    await this.#idle();
  }

  async #send(): Promise<void> {
    await this.#idle();
    const parts = [...this.#held.splice(0), this.filling];
    this.filling = this.#take();
    this.#do(this.#stage(parts));
  }

  async #stage(parts: readonly RowBuffer[]): Promise<void> {
    if (this.isHeld) await this.#make();
    for (const rows of parts) {
      if (rows.rows > 0) await copy(this.#client, stagingTable, rows.finish());
      rows.clear();
      this.#free.push(rows);
    }
  }

  #take(): RowBuffer {
    const free = this.#free.pop();
    if (free) return free;
    const taken = this.#spares.take();
    this.#buffers.push(taken);
    return taken;
  }

  /** More may have been put on its way while this waits. */
  async #idle(): Promise<void> {
    let awaited: Promise<unknown> | undefined;
    do {
      awaited = this.#underWay;
      await awaited;
    } while (awaited !== this.#underWay);
  }

  #do(work: Promise<unknown>): void {
    work.catch(() => undefined); // it is awaited above, but not always at the moment it comes
    this.#underWay = work;
  }
}

function copy(client: ClientBase, target: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(`COPY ${target} FROM STDIN (FORMAT binary)`));
    stream.on('error', reject).on('finish', resolve);
    stream.end(bytes);
  });
}
