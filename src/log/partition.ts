/** Which partition a record goes to: the same as Kafka's default partitioner, so that a key stays in its place on both engines. */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** Kafka's murmur2 of `bytes[0, length)`, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, length = bytes.length): number {
  let hash = SEED ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, M);
    k = Math.imul(k ^ (k >>> 24), M);
    hash = Math.imul(hash, M) ^ k;
  }
  const rest = length - whole;
  if (rest === 3) hash ^= bytes[whole + 2]! << 16;
  if (rest >= 2) hash ^= bytes[whole + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[whole]!, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition of a key given as its UTF-8 bytes `[0, length)`. */
export function partitionForBytes(bytes: Uint8Array, length: number, partitions: number): number {
  return (murmur2(bytes, length) & 0x7fffffff) % partitions;
}

/**
 * The partition of a key. Without a key: `turn` modulo the partitions, so that a caller who counts spreads evenly;
 * by default at random.
 */
export function partitionFor(
  key: string | null,
  partitions: number,
  turn: number = Math.floor(Math.random() * 2 ** 31),
): number {
  if (key === null) return turn % partitions;
  const bytes = Buffer.from(key);
  return partitionForBytes(bytes, bytes.length, partitions);
}
