/** Whether a package counts for nothing, because another one was first under its Idempotency-Key. */
import { packageOf } from '../event/correlation-id.ts';
import type { TrailOptions } from './trail.ts';

export const voidNote =
  'its package counts for nothing: another one was first under its Idempotency-Key, and the producer got the answer of that one';

/** @param id of the package, or of any of its events @throws Fault STATE_UNAVAILABLE; then it is not known */
export async function isVoid({ voids }: TrailOptions, id: string): Promise<boolean> {
  const packageId = packageOf(id);
  return (await voids?.voidAmong([packageId]))?.has(packageId) ?? false;
}
