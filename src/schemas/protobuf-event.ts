/**
 * A message as an event: Protobuf's JSON mapping, but integers of 64 bits are numbers where a number holds them, and
 * fields without presence are there with their defaults, since nobody can tell that they were not sent.
 */
import protobuf, { type Field, type Type } from 'protobufjs';
import protojson from 'protobufjs/ext/protojson.js';

type Message = Readonly<Record<string, unknown>>;
type Write = (value: unknown) => unknown;

export function eventWriter(type: Type): (message: object) => unknown {
  return writerOf(type, new Map());
}

function writerOf(type: Type, writers: Map<Type, Write>): Write {
  const known = writers.get(type);
  if (known !== undefined) return known;
  const write: Write = type.fullName.startsWith('.google.protobuf.')
    ? (message) => protojson.toJson(type, message as object)
    : objectWriter(type, writers);
  writers.set(type, write);
  return write;
}

function objectWriter(type: Type, writers: Map<Type, Write>): Write {
  let members: readonly (readonly [field: Field, write: Write])[] | undefined;
  return (value) => {
    members ??= type.fieldsArray.map((field) => [field, fieldWriter(field.resolve(), writers)]);
    const message = value as Message;
    const event: Record<string, unknown> = {};
    for (const [field, write] of members) {
      if (!Object.hasOwn(message, field.name) && hasPresence(field)) continue;
      const part = message[field.name] ?? field.defaultValue;
      setOwn(event, field.jsonName, write(part));
    }
    return event;
  };
}

function hasPresence(field: Field): boolean {
  if (field.repeated || field instanceof protobuf.MapField) return false;
  return field.partOf !== null || field.resolvedType instanceof protobuf.Type || field.hasPresence;
}

function fieldWriter(field: Field, writers: Map<Type, Write>): Write {
  const write = valueWriter(field, writers);
  if (field instanceof protobuf.MapField) return (map) => mapOf(map as Message, field.keyType, write);
  return field.repeated ? (list) => (list as readonly unknown[]).map(write) : write;
}

function mapOf(map: Message, keyType: string, write: Write): object {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(map)) setOwn(copy, keyOf(key, keyType), write(value));
  return copy;
}

/** Keys of 64 bits come as their eight bytes. */
function keyOf(key: string, keyType: string): string {
  if (!keyType.endsWith('64')) return key;
  return String(writeScalar(protobuf.util.longFromKey(key, keyType === 'uint64' || keyType === 'fixed64')));
}

function valueWriter({ resolvedType }: Field, writers: Map<Type, Write>): Write {
  if (resolvedType instanceof protobuf.Type) return (value) => writerOf(resolvedType, writers)(value);
  if (resolvedType instanceof protobuf.Enum) return (value) => resolvedType.valuesById[value as number] ?? value;
  return writeScalar;
}

function writeScalar(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return ''; // the default of bytes
  if (!(value instanceof protobuf.util.Long)) return value;
  const { low, high, unsigned: isUnsigned } = value;
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
  const whole = isUnsigned ? BigInt.asUintN(64, bits) : bits;
  return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole.toString();
}

/** `__proto__` is an ordinary name. */
function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
