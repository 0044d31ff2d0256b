/** Names a store of checkpoints, so that nodes find out whether they keep theirs in the same one. Made at the first use. */
import { randomUUID } from 'node:crypto';
import type { StateStore } from '../stores/state/state-store.ts';

const key = 'state/id';

export async function stateId(state: StateStore): Promise<string> {
  for (;;) {
    const known = await state.get(key);
    if (known) return known.toString();
    await state.commit({ expect: [{ key, value: undefined }], put: [{ key, value: Buffer.from(randomUUID()) }] });
  }
}
