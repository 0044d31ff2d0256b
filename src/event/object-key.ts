/**
 * Values as segments of object keys: `percentEncodeSegment` maps any string to a path segment that no file system or
 * object store misreads, one to one up to a cut that SHA-256 keeps apart.
 */
import { createHash } from 'node:crypto';

/** Longer than this after encoding, a segment is cut; file systems stop at 255 bytes, and what stands before and after needs room. */
const maxEncodedBytes = 200;
const keptBytes = 180;

/** Values recur (types of events): the encoding of the last few hundred is remembered. */
const remembered = new Map<string, string>();
const maxRemembered = 500;
const maxRememberedLength = 1_000;

/**
 * Percent-encodes the UTF-8 bytes of all but `A-Z a-z 0-9 - _ .`, and the first dot of `.` and `..`. What is longer
 * than 200 bytes then is cut at 180 (also within a `%XX`) and ends in `~` and 16 hexadecimal digits of the value's SHA-256.
 */
export function percentEncodeSegment(value: string): string {
  const known = remembered.get(value);
  if (known !== undefined) return known;
  const encoded = encode(value);
  if (remembered.size >= maxRemembered) remembered.clear();
  if (value.length <= maxRememberedLength) remembered.set(value, encoded);
  return encoded;
}

function encode(value: string): string {
  const encoded = value === '.' || value === '..' ? `%2E${value.slice(1)}` : value.replace(/[^A-Za-z0-9\-_.]+/g, hex);
  if (encoded.length <= maxEncodedBytes) return encoded;
  const digest = createHash('sha256').update(value, 'utf8').digest('hex');
  return `${encoded.slice(0, keptBytes)}~${digest.slice(0, 16)}`;
}

function hex(run: string): string {
  return Buffer.from(run, 'utf8').toString('hex').toUpperCase().replace(/../g, '%$&');
}
