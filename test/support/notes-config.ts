/** A configuration that runs the notes pipeline (notes.ts) alone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { schema, subject } from './notes.ts';

/** Writes it into the directory, in which the inboxes `a` and `b` stand; answers its path. */
export async function notesConfig(
  dir: string,
  of: Pick<NonNullable<Config['files']>[string], 'afterwards'> = {},
  pipeline = 'notes.ts',
): Promise<string> {
  const file = join(dir, 'notes.config.json');
  await mkdir(join(dir, 'schemas'), { recursive: true });
  await writeFile(join(dir, 'schemas', `${subject}.schema.json`), schema);
  const pipelines = [join(import.meta.dirname, pipeline)];
  const files = { notes: { directories: ['a', 'b'], ...of } };
  const log = { segmentBytes: 4 * 1024 * 1024 };
  await writeFile(file, JSON.stringify({ pipelines, schemasDir: 'schemas', log, files }));
  return file;
}
