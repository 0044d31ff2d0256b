/** A symbol as it stands in a request or a path. */
import { Reject } from 'tributary';

/** In their order. */
export const symbols: readonly string[] = Array.from('abcdefghijklmnopqrstuvwxyz');

/** @throws Reject for what is no lower-case letter from a to z */
export function readSymbol(text = ''): string {
  if (/^[a-z]$/.test(text)) return text;
  throw new Reject('symbol', 'expected one lower-case letter from a to z');
}
