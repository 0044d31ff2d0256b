/** Whether a package counts for nothing, because another one was first under its Idempotency-Key. */
import { isFault } from '../errors.ts';
import { packageOf } from '../event/correlation-id.ts';
import type { TrailOptions } from './trail.ts';

const voidNote =
  'its package counts for nothing: another one was first under its Idempotency-Key, and the producer got the answer of that one';

/**
 * @param id of the package, or of any of its events
 * @param notes takes why, and that it cannot be told now
 */
export async function isVoid({ voids }: TrailOptions, id: string, notes: string[]): Promise<boolean> {
  const packageId = packageOf(id);
  try {
    if (!(await voids?.voidAmong([packageId]))?.has(packageId)) return false;
  } catch (error) {
    if (!isFault(error, 'STATE_UNAVAILABLE')) throw error;
    notes.push(`whether another package was first under its Idempotency-Key cannot be told: ${error.message}`);
    return false;
  }
  notes.push(voidNote);
  return true;
}
