/** A configuration that runs the polls pipeline (polls.ts) alone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { schema, subject } from './polls.ts';

/** Writes it into the directory; answers its path. */
export async function pollsConfig(dir: string): Promise<string> {
  const file = join(dir, 'polls.config.json');
  await mkdir(join(dir, 'schemas'), { recursive: true });
  await writeFile(join(dir, 'schemas', `${subject}.schema.json`), schema);
  const pipelines = [join(import.meta.dirname, 'polls.ts')];
  await writeFile(file, JSON.stringify({ pipelines, schemasDir: 'schemas', log: { segmentBytes: 4 * 1024 * 1024 } }));
  return file;
}
