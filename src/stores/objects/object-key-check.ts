/** Keys that never leave the store and that a file system and S3 can hold: all others are refused with OBJECT_KEY_INVALID. */
import { Fault } from '../../errors.ts';

/** Of Linux and macOS file systems (NAME_MAX). */
const maxSegmentBytes = 255;

/** Of S3. */
const maxKeyBytes = 1024;

/** Where files lie until they are whole, in the root of a directory store; no key begins with it. */
export const incoming = '.incoming';

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unprintable = /[\u0000-\u001f\u007f\\]/;

export function isKey(key: string): boolean {
  return problemOf(key) === undefined;
}

/** @throws Fault OBJECT_KEY_INVALID */
export function checkKey(key: string): void {
  const problem = problemOf(key);
  if (problem !== undefined) throw new Fault('OBJECT_KEY_INVALID', `object key ${JSON.stringify(key)}: ${problem}`);
}

function problemOf(key: string): string | undefined {
  if (unprintable.test(key)) return 'a control character or a backslash';
  if (Buffer.byteLength(key) > maxKeyBytes) return `more than ${maxKeyBytes} bytes`;
  if (!key.isWellFormed()) return 'half of a surrogate pair, which UTF-8 cannot hold';
  for (const segment of key.split('/')) {
    if (segment === '') return 'an empty segment';
    if (segment === '.' || segment === '..') return `a segment ${JSON.stringify(segment)}`;
    if (Buffer.byteLength(segment) > maxSegmentBytes) return `a segment of more than ${maxSegmentBytes} bytes`;
  }
  if (key === incoming || key.startsWith(`${incoming}/`)) return `the first segment ${incoming} belongs to the store`;
  return undefined;
}
