/** The Idempotency-Key header. */
import { Fault } from '../../errors.ts';

/** @throws Fault IDEMPOTENCY_KEY_INVALID */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new Fault('IDEMPOTENCY_KEY_INVALID', 'the Idempotency-Key header is not 1 to 255 visible ASCII characters');
}
