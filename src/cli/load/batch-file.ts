/** The rows of a batch: a file, which can be read again, or what comes through a pipe, which cannot. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Fault } from '../../errors.ts';

const chunkBytes = 256 * 1024;

export interface BatchFile {
  readonly name: string;
  /** Undefined where it comes through a pipe. */
  readonly bytes: number | undefined;
  open(): Readable;
}

/** @param file `-`: standard input. @throws Fault USAGE */
export async function batchFile(file: string): Promise<BatchFile> {
  if (file === '-') return { name: 'standard input', bytes: undefined, open: () => process.stdin };
  try {
    await access(file, constants.R_OK);
    const found = await stat(file);
    if (found.isDirectory()) throw new Fault('USAGE', `${file} is a directory; load takes a file`);
    const bytes = found.isFile() ? found.size : undefined;
    return { name: file, bytes, open: () => createReadStream(file, { highWaterMark: chunkBytes }) };
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('USAGE', `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

/** The same for the same bytes, wherever and whatever the file is called. */
export async function keyOf(file: BatchFile, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.open() as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  return `sha256-${hash.digest('hex')}`;
}

const types: readonly (readonly [ending: string, type: string])[] = [
  ['.csv', 'text/csv'],
  ['.ndjson', 'application/x-ndjson'],
  ['.jsonl', 'application/x-ndjson'],
  ['.json', 'application/json'],
];

const encodings: readonly (readonly [ending: string, encoding: string])[] = [
  ['.gz', 'gzip'],
  ['.br', 'br'],
  ['.zst', 'zstd'],
];

/** What the file's name says of it: a server that is told no type looks at the first character. */
export function typeOf(file: string): { readonly type: string | undefined; readonly encoding: string | undefined } {
  const name = file.toLowerCase();
  const compressed = encodings.find(([ending]) => name.endsWith(ending));
  const bare = compressed ? name.slice(0, -compressed[0].length) : name;
  return { type: types.find(([ending]) => bare.endsWith(ending))?.[1], encoding: compressed?.[1] };
}
