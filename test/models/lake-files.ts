/** The files that the models of the lake read, small. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sampleLake } from '../../src/models/sample-lake.ts';

export async function writeLake(
  objects: string,
  { seed, sessions }: { readonly seed: string; readonly sessions: number },
): Promise<void> {
  for (const [key, lines] of sampleLake({ users: 200, content: 40, sessions, seed })) {
    await mkdir(dirname(join(objects, key)), { recursive: true });
    await writeFile(join(objects, key), [...lines].join(''));
  }
}
