/** The registry's wire format: a zero byte, the schema id in four bytes, big-endian, then the payload. */
import { Reject } from '../event/reject.ts';

export const headerBytes = 5;

const firstBufferBytes = 4_096;
/** A buffer that one large event needed is not kept for the small ones after it. */
const maxKeptBytes = 1_048_576;

/** @throws Reject where the bytes are those of another schema, or of none */
export function checkHeader(bytes: Uint8Array, schemaId: number): Buffer {
  const wire = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (wire.length < headerBytes || wire[0] !== 0)
    throw new Reject('', 'expected a zero byte and the schema id, got other bytes');
  const actual = wire.readUInt32BE(1);
  if (actual !== schemaId) throw new Reject('', `expected schema ${schemaId}, got schema ${actual}`);
  return wire;
}

/** A buffer, reused, that begins with the header. */
export class WireBuffer {
  readonly #schemaId: number;
  #kept: Buffer;
  #current: Buffer;

  constructor(schemaId: number) {
    this.#schemaId = schemaId;
    this.#kept = this.#withHeader(firstBufferBytes);
    this.#current = this.#kept;
  }

  get buffer(): Buffer {
    return this.#current;
  }

  /** Makes a buffer of at least that many bytes; what was in the last one is gone. */
  grow(bytes: number): void {
    this.#current = this.#withHeader(2 ** Math.ceil(Math.log2(bytes)));
    if (this.#current.length <= maxKeptBytes) this.#kept = this.#current;
  }

  upTo(end: number): Buffer {
    const filled = this.#current.subarray(0, end);
    this.#current = this.#kept;
    return filled;
  }

  #withHeader(bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUInt32BE(this.#schemaId, 1);
    return buffer;
  }
}
