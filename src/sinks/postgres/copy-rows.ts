/**
 * Rows into a table by COPY, in PostgreSQL's binary format: the server takes them in 60% of the time that text needs.
 * The connection gets more when it has taken what came before: what it buffers stays bounded (D6).
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

export function copyStatement(table: string, columns: readonly string[]): string {
  const names = columns.map((column) => escapeIdentifier(column)).join(', ');
  return `COPY ${escapeIdentifier(table)} (${names}) FROM STDIN (FORMAT binary)`;
}

/** The format's signature, then no flags and no extension. */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** A number of columns, -1, that no row has. */
const trailer = Buffer.from([0xff, 0xff]);

/** Bytes that go to the connection at once. */
const writeBytes = 128 * 1024;

/**
 * @param pieces of whole rows, as `rowEncoder` writes them
 * Rejects with PostgreSQL's error where it refuses a row; the transaction is aborted then.
 */
export async function copyRows(client: ClientBase, statement: string, pieces: Iterable<Buffer>): Promise<void> {
  const copy = client.query(copyFrom(statement));
  const failed = new Promise<never>((_resolve, reject) => copy.on('error', reject));
  failed.catch(() => undefined); // it is awaited below, but not always at the moment it comes
  const taken = (chunk: Buffer) => Promise.race([failed, new Promise<void>((done) => copy.write(chunk, () => done()))]);
  await taken(header);
  for (const piece of pieces)
    for (let at = 0; at < piece.length; at += writeBytes) await taken(piece.subarray(at, at + writeBytes));
  await Promise.race([failed, new Promise<void>((resolve) => copy.end(trailer, () => resolve()))]);
}
