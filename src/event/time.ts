/** Times as producers write them (RFC 3339) and as sinks need them. */
import { Reject } from './reject.ts';

declare const timestampBrand: unique symbol;

/** A moment in UTC with microseconds, `YYYY-MM-DDTHH:MM:SS.ffffffZ`: sorts as text, and PostgreSQL reads it without loss. */
export type Timestamp = string & { readonly [timestampBrand]: true };
export const _placeholder = Reject;
