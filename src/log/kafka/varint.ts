/** Kafka's signed numbers of variable length (zigzag, as in Protocol Buffers): up to 53 bits here, which takes every length, offset and time. */

export function varintBytes(value: number): number {
  let rest = zigzag(value);
  let bytes = 1;
  for (; rest >= 0x80; bytes += 1) rest = Math.floor(rest / 0x80);
  return bytes;
}

/** Answers where it ends. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  let next = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[next++] = (rest % 0x80) | 0x80;
  bytes[next++] = rest;
  return next;
}

/** @throws RangeError where the bytes end before it does */
export function readVarint(bytes: Buffer, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let next = at;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = bytes[next++];
    if (byte === undefined) throw new RangeError(`a number that begins at ${at} does not end`);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return { value: value % 2 === 0 ? value / 2 : -(value + 1) / 2, next };
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
