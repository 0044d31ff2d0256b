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
  readonly #statement: string;
  #spare = new RowBuffer();
  #underWay: Promise<void> | undefined;

  static async make(client: ClientBase, { columns }: Bulk): Promise<Staging> {
    const names = Object.keys(columns).map(escapeIdentifier);
    const types = Object.values(columns).map((column) => columnReader(column).sql);
    // Columns have names of their own, so that one of the table may be called `line`.
    const declared = names.map((name, i) => `${name} ${types[i]}`);
    await client.query(
      `CREATE TEMPORARY TABLE ${stagingTable} ("line of row" bigint NOT NULL, ${declared.join(', ')})`,
    );
    return new Staging(client);
  }

  private constructor(client: ClientBase) {
    this.#client = client;
    this.#statement = `COPY ${stagingTable} FROM STDIN (FORMAT binary)`;
  }

  /** To be called between chunks of the body. @throws what PostgreSQL says of the part before */
  async keepUp(): Promise<void> {
    if (this.filling.byteLength >= copyBytes) await this.#send();
  }

  /** All rows are there. Where they are joined, the planner has to be told how many (`analyzeStaging`). */
  async finish(): Promise<void> {
    await this.#send();
    await this.#underWay;
  }

  async #send(): Promise<void> {
    await this.#underWay;
    if (this.filling.rows === 0) return;
    const sent = this.filling;
    this.filling = this.#spare;
    this.#spare = sent;
    this.#underWay = copy(this.#client, this.#statement, sent.finish()).then(() => sent.clear());
    this.#underWay.catch(() => undefined); // it is awaited above, but not always at the moment it comes
  }
}

/** The planner knows what the staged rows are. */
export async function analyzeStaging(client: ClientBase): Promise<void> {
  await client.query(`ANALYZE ${stagingTable}`);
}

function copy(client: ClientBase, statement: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(statement));
    stream.on('error', reject).on('finish', resolve);
    stream.end(bytes);
  });
}
