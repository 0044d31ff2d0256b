/** A request as the contract of `signals` reads it, whatever the program makes of it. */

export type Kind = 'initial' | 'followup';

export interface SentRequest {
  readonly kind: Kind;
  /** In lower case. */
  readonly uuid: string;
  /** Null for a followup. */
  readonly symbol: string | null;
}

export const kinds: Readonly<Record<string, Kind>> = { '/initial': 'initial', '/followup': 'followup' };

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const oneSymbol = /^[a-z]$/;

/** @param target path and query string. Undefined where it must be refused (400) */
export function readRequest(target: string): SentRequest | undefined {
  const { pathname, searchParams } = new URL(target, 'http://localhost');
  const kind = kinds[pathname];
  const uuid = theOne(searchParams.getAll('uuid'), uuid4)?.toLowerCase();
  if (kind === undefined || uuid === undefined) return undefined;
  if (kind === 'followup') return { kind, uuid, symbol: null };
  const symbol = theOne(searchParams.getAll('symbol'), oneSymbol);
  return symbol === undefined ? undefined : { kind, uuid, symbol };
}

function theOne([value, ...more]: readonly string[], pattern: RegExp): string | undefined {
  return value !== undefined && more.length === 0 && pattern.test(value) ? value : undefined;
}
