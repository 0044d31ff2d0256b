/**
 * The rows of a batch in a temporary table of the session that brings them: not logged, seen by nobody else, gone with the session,
 * however that ends. While one part is on its way the next one fills; then the sender waits (D6).
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Bulk } from '../../pipeline/bulk.ts';
import { columnReader } from './column-values.ts';
import { RowBuffer } from './row-buffer.ts';

export const stagingTable = 'tributary_staged_rows';

/** About 20,000 rows: the server's work of a COPY does not count then. */
const copyBytes = 1024 * 1024;

export class Staging {
  /** Where rows are added. */
  filling = new RowBuffer();
  readonly #client: ClientBase;
  readonly #bulk: Bulk;
  #spare = new RowBuffer();
  #underWay: Promise<void> | undefined;

  constructor(client: ClientBase, bulk: Bulk) {
    this.#client = client;
    this.#bulk = bulk;
  }

  async make(): Promise<void> {
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
    if (this.filling.byteLength >= copyBytes) await this.#send();
  }

  /** When the part that is on its way is there, and before the next one goes. */
  between(work: () => Promise<void>): void {
    this.#do((this.#underWay ?? Promise.resolve()).then(work));
  }

  /** Nothing is on its way, whatever has become of it. */
  async settled(): Promise<void> {
    await this.#idle().catch(() => undefined); // whoever waits for what is on its way is told
  }

  /** All rows are there. Where they are joined, the planner has to be told how many (`analyzeStaging`). */
  async finish(): Promise<void> {
    await this.#send();
    await this.#idle();
  }

  async #send(): Promise<void> {
    await this.#idle();
    if (this.filling.rows === 0) return;
    const sent = this.filling;
    this.filling = this.#spare;
    this.#spare = sent;
    this.#do(copy(this.#client, sent.finish()).then(() => sent.clear()));
  }

  /** More may have been put on its way while this waits. */
  async #idle(): Promise<void> {
    let awaited: Promise<void> | undefined;
    do {
      awaited = this.#underWay;
      await awaited;
    } while (awaited !== this.#underWay);
  }

  #do(work: Promise<void>): void {
    work.catch(() => undefined); // it is awaited above, but not always at the moment it comes
    this.#underWay = work;
  }
}

/** The planner knows what the staged rows are. */
export async function analyzeStaging(client: ClientBase): Promise<void> {
  await client.query(`ANALYZE ${stagingTable}`);
}

function copy(client: ClientBase, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(`COPY ${stagingTable} FROM STDIN (FORMAT binary)`));
    stream.on('error', reject).on('finish', resolve);
    stream.end(bytes);
  });
}
