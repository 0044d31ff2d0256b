/** What every way into the log begins with: it waits for room (D6), and what comes again under a key is stored once (D5). */
import type { Log } from '../log/log.ts';
import type { Answer } from './answer.ts';
import type { Idempotency } from './idempotency.ts';
import type { Patience, Waits } from './patience.ts';

export interface AdmissionOptions {
  readonly log: Log;
  readonly patience: Patience;
  readonly idempotency: Idempotency;
}

/**
 * Nothing is read or stored before the log has room.
 * @param scopedKey where the request has an Idempotency-Key: scoped to whatever the same key may mean something else for
 * @throws Fault, also those of `store`
 */
export async function admit(
  { log, patience, idempotency }: AdmissionOptions,
  scopedKey: string | undefined,
  store: (waits: Waits) => Promise<Answer>,
): Promise<Answer> {
  const waits = patience.waits();
  await waits.during((signal) => log.room(signal));
  if (scopedKey === undefined) return store(waits);
  const startedMs = performance.now();
  return idempotency.once(scopedKey, waits.signal(), () => {
    waits.spend(performance.now() - startedMs);
    return store(waits);
  });
}

/** What stands behind the first space is the sender: whatever a name has in it, no two senders come to the same. */
export function scopedTo(sender: string | undefined, key: string): string {
  return sender === undefined ? key : `${key} ${sender}`;
}
