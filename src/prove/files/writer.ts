/**
 * A process that writes files in place, in pieces, as it is told by the proof, which kills it in the middle: `Order` in, `done` out, one at a
 * time. It ends when the channel does.
 */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Order {
  readonly path: string;
  /** All that the file is to hold. */
  readonly text: string;
  /** Whether what is in it already is kept, and what is missing put behind it. */
  readonly goesOn: boolean;
  readonly pieces: number;
  /** Between two pieces. */
  readonly pauseMs: number;
}

process.on('message', (order: Order) => void write(order).then(() => process.send?.('done')));

async function write({ path, text, goesOn, pieces, pauseMs }: Order): Promise<void> {
  const file = await open(path, goesOn ? 'a' : 'w');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.from(text).subarray(size);
    const step = Math.max(1, Math.ceil(bytes.length / pieces));
    for (let at = 0; at < bytes.length; at += step) {
      await file.write(bytes.subarray(at, at + step));
      await sleep(pauseMs);
    }
  } finally {
    await file.close();
  }
}
