/** `tributary models sample`: replaces the files that the models of the lake read by made-up ones. */
import { randomInt } from 'node:crypto';
import { openObjects } from '../../engine/engine.ts';
import { sampleLake } from '../../models/sample-lake.ts';
import { type ConfigOptions, configOf } from '../options.ts';
import { tell } from '../output.ts';

export interface SampleOptions extends ConfigOptions {
  readonly users: number;
  readonly content: number;
  readonly sessions: number;
  readonly seed?: string;
}

export async function sample(options: SampleOptions): Promise<void> {
  const objects = await openObjects(configOf(options));
  const seed = options.seed ?? String(randomInt(2 ** 32));
  for (const [key, lines] of sampleLake({ ...options, seed })) {
    const pieces: Buffer[] = [];
    let piece = '';
    for (const line of lines) {
      piece += line;
      if (piece.length < 1 << 20) continue;
      pieces.push(Buffer.from(piece));
      piece = '';
    }
    await objects.put(key, Buffer.concat([...pieces, Buffer.from(piece)]));
    tell(`${key} is in the object store`);
  }
  tell(`the seed was ${seed}`);
}
