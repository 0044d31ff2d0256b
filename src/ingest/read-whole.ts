/** A body that is needed as a whole, held within the budget (D6). */
import type { Share } from './budget.ts';
import type { Waits } from './patience.ts';
import { HeldBytes } from './splitter.ts';

const nothing = Buffer.alloc(0);

export async function readWhole(body: AsyncIterable<Buffer>, waits: Waits, share: Share): Promise<Buffer> {
  const held = new HeldBytes();
  for await (const chunk of body) {
    held.add(chunk, 0, chunk.length);
    await waits.during((signal) => share.resize(held.length, () => signal));
  }
  return held.join(nothing, 0, 0);
}
