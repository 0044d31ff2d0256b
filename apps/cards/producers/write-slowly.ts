/** Writes a file in place, in pieces with pauses between them, as a program does that does not care who reads along. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SlowWrite {
  readonly pieces: number;
  /** Between two pieces. */
  readonly pauseMs: number;
}

export async function writeSlowly(path: string, text: string, { pieces, pauseMs }: SlowWrite): Promise<void> {
  const bytes = Buffer.from(text);
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < bytes.length; at += size) {
      if (at > 0 && pauseMs > 0) await sleep(pauseMs);
      await file.write(bytes.subarray(at, at + size));
    }
  } finally {
    await file.close();
  }
}
