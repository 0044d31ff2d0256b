/**
 * Protobuf after the wire format's header: which of the file's messages it is (indexes of nested messages, from the
 * outermost, as zigzag varints with their count before them; a single zero for the first message), then the message.
 * Events are written as the file's first message; all are read.
 */
import protobuf, { type Reader, type Type } from 'protobufjs';
import { reasonOf } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import type { Codec } from './codec.ts';
import { eventWriter } from './protobuf-event.ts';
import { parseProtobuf } from './protobuf-file.ts';
import { messageReader } from './protobuf-message.ts';
import type { RegisteredSchema } from './registry.ts';
import { checkHeader, headerBytes, WireBuffer } from './wire.ts';

const firstMessage = 0;

/** @throws Error whose message says what is wrong, and where */
export function compileProtobuf({ id, schema, references }: RegisteredSchema): Codec {
  const { messages } = parseProtobuf(schema, references);
  const [type] = messages;
  if (type === undefined) throw new Error('it defines no message');
  const wire = new WireBuffer(id);
  const read = messageReader(type);
  const writers = new Map<Type, (message: object) => unknown>();
  return {
    schemaId: id,
    writesJson: false,
    encode: (event) => write(wire, type.encode(read(event)).finish()),
    decode: (bytes) => {
      const { reader, message } = open(checkHeader(bytes, id), messages);
      const toEvent = writers.get(message) ?? eventWriter(message);
      writers.set(message, toEvent);
      return toEvent(decode(message, reader));
    },
  };
}

function write(wire: WireBuffer, payload: Uint8Array): Uint8Array {
  const end = headerBytes + 1 + payload.length;
  if (end > wire.buffer.length) wire.grow(end);
  wire.buffer[headerBytes] = firstMessage;
  wire.buffer.set(payload, headerBytes + 1);
  return wire.upTo(end);
}

interface Opened {
  readonly message: Type;
  /** At the message's first byte. */
  readonly reader: Reader;
}

function open(wire: Buffer, messages: readonly Type[]): Opened {
  const reader = protobuf.Reader.create(wire);
  reader.pos = headerBytes;
  const indexes = readIndexes(reader);
  let message: Type | undefined;
  let among = messages;
  for (const index of indexes) {
    message = among[index];
    if (message === undefined) throw new Reject('', `expected a message of the schema, got [${indexes.join(', ')}]`);
    among = message.nestedArray.filter((one) => one instanceof protobuf.Type);
  }
  return { message: message as Type, reader };
}

function readIndexes(reader: Reader): readonly number[] {
  try {
    const count = reader.sint32();
    if (count === 0) return [firstMessage];
    if (count < 0 || count > reader.len - reader.pos) throw new RangeError('no such count');
    return Array.from({ length: count }, () => reader.sint32());
  } catch (error) {
    const reject = new Reject('', 'expected the indexes of a message, got other bytes');
    reject.cause = error;
    throw reject;
  }
}

function decode(type: Type, reader: Reader): object {
  try {
    return type.decode(reader);
  } catch (error) {
    throw new Reject('', `expected bytes of the schema, got others: ${reasonOf(error)}`);
  }
}
