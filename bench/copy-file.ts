/** A file into a table by `psql \copy`; where there is no psql, by the same COPY through `pg`, the file streamed as it is. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { from as copyFrom } from 'pg-copy-streams';
import type { Warehouse } from '../src/stores/warehouse/warehouse.ts';

const run = promisify(execFile);

export type CopyTool = 'psql \\copy' | 'COPY through pg (there is no psql here)';

export async function findCopyTool(): Promise<CopyTool> {
  return (await isThere('psql')) ? 'psql \\copy' : 'COPY through pg (there is no psql here)';
}

/** A command of PostgreSQL's clients. */
export function isThere(command: string): Promise<boolean> {
  return run(command, ['--version']).then(
    () => true,
    () => false,
  );
}

export interface CopiedFile {
  readonly file: string;
  /** As SQL, with its columns. */
  readonly target: string;
  /** Default: COPY's own text format. */
  readonly format?: 'csv';
}

/** Answers the seconds that it took. */
export async function copyFile(
  { pool, url }: Pick<Warehouse, 'pool' | 'url'>,
  tool: CopyTool,
  { file, target, format }: CopiedFile,
): Promise<number> {
  const how = format === undefined ? '' : ` WITH (FORMAT ${format})`;
  const startedMs = performance.now();
  if (tool === 'psql \\copy') {
    await run('psql', [url, '-qX', '-v', 'ON_ERROR_STOP=1', '-c', `\\copy ${target} FROM '${file}'${how}`]);
  } else {
    const client = await pool.connect();
    try {
      await pipeline(createReadStream(file), client.query(copyFrom(`COPY ${target} FROM STDIN${how}`)));
    } finally {
      client.release();
    }
  }
  return (performance.now() - startedMs) / 1000;
}
