/**
 * Avro's binary encoding after the wire format's header. Encoding checks as it writes; only an event that does not fit
 * is walked again, to say where.
 */
import type avsc from 'avsc';
import { reasonOf } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import { explainMisfit } from './avro-misfit.ts';
import { parseAvro } from './avro-schema.ts';
import type { Codec } from './codec.ts';
import type { RegisteredSchema } from './registry.ts';
import { checkHeader, headerBytes, WireBuffer } from './wire.ts';

/** @throws Error whose message says where in the schema what is wrong */
export function compileAvro({ id, schema, references }: RegisteredSchema): Codec {
  const type = parseAvro(schema, references);
  const wire = new WireBuffer(id);
  return {
    schemaId: id,
    writesJson: false,
    encode: (event) => encode(type, wire, event),
    decode: (bytes) => decode(type, checkHeader(bytes, id)),
  };
}

function encode(type: avsc.Type, wire: WireBuffer, event: unknown): Uint8Array {
  for (;;) {
    const buffer = wire.buffer;
    const end = encodeInto(type, event, buffer);
    if (end >= 0) return wire.upTo(end);
    // avsc answers the bytes that are missing, negative
    wire.grow(buffer.length - end);
  }
}

function encodeInto(type: avsc.Type, event: unknown, buffer: Buffer): number {
  try {
    return type.encode(event, buffer, headerBytes);
  } catch (error) {
    throw explainMisfit(type, event, error);
  }
}

function decode(type: avsc.Type, wire: Buffer): unknown {
  const { value, offset } = decodeFrom(type, wire);
  if (offset < 0) throw new Reject('', 'expected a whole record, got one that is cut off');
  if (offset < wire.length)
    throw new Reject('', `expected a record of ${offset} bytes, got ${wire.length - offset} more`);
  return value;
}

function decodeFrom(type: avsc.Type, wire: Buffer): { value: unknown; offset: number } {
  try {
    return type.decode(wire, headerBytes);
  } catch (error) {
    throw new Reject('', `expected bytes of the schema, got others: ${reasonOf(error)}`);
  }
}
