/** What writers have done to each file, and so what may be found of it. */
import { readFile } from 'node:fs/promises';

export interface WrittenFile {
  readonly path: string;
  /** As the program names it. */
  readonly shown: string;
  /** What it holds when it is whole. */
  readonly text: string;
  isWhole: boolean;
  /** How often it may have become whole: more than once where a writer has died, or it was written again. */
  timesWhole: number;
  /** When the attempt began that has not ended, `performance.now`. */
  begunMs: number;
  /** For so long, at most, it stood there half-written. */
  longestHalfMs: number;
}

export function newFile(path: string, shown: string, text: string): WrittenFile {
  return { path, shown, text, isWhole: false, timesWhole: 0, begunMs: performance.now(), longestHalfMs: 0 };
}

/** A writer has been told to write it, from the start or where another one has died. */
export function noteBegun(file: WrittenFile): void {
  if (file.isWhole) file.begunMs = performance.now();
  file.isWhole = false;
}

export function noteEnded(file: WrittenFile, isWhole: boolean): void {
  file.timesWhole += 1; // one that has died may have written all of it
  file.isWhole = isWhole;
  if (isWhole) file.longestHalfMs = Math.max(file.longestHalfMs, performance.now() - file.begunMs);
}

/** A file as it is in the end. */
export interface FinalFile extends WrittenFile {
  readonly bytes: Buffer;
}

/** Nobody writes any more. What is gone was taken away, and so was whole. */
export async function asItIs(file: WrittenFile): Promise<FinalFile> {
  const whole = Buffer.from(file.text);
  if (file.isWhole) return { ...file, bytes: whole };
  const bytes = await readFile(file.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return whole;
    throw error;
  });
  const isWhole = bytes.equals(whole);
  const longestHalfMs = isWhole ? performance.now() - file.begunMs : Infinity;
  return { ...file, bytes, isWhole, longestHalfMs: Math.max(file.longestHalfMs, longestHalfMs) };
}
