/**
 * An event as JSON has it, made into a message that protobufjs writes, by Protobuf's JSON mapping, or the first place where it does
 * not fit. As in Avro, members that the schema does not have are let be; unlike protobufjs's own mapping, names that an enum
 * does not have are not.
 */
import protobuf, { type Field, type Type } from 'protobufjs';
import protojson from 'protobufjs/ext/protojson.js';
import { Reject } from '../event/reject.ts';
import { describeValue } from './describe-value.ts';
import { enumScalar, isMapKey, type Scalar, scalars } from './protobuf-scalars.ts';
import { isObject } from '../event/json-object.ts';

/** Answers the message's field. `path` is where the value stands. @throws Reject */
type Read = (value: unknown, path: readonly string[]) => unknown;

/** What protobufjs reads back, in levels. */
const maxLevels = protobuf.util.recursionLimit;

/** Reads events for messages of the type. @throws Reject */
export function messageReader(type: Type): (event: unknown) => Record<string, unknown> {
  const readers = new Map<Type, Read>();
  const read = readerOf(type, readers);
  return (event) => read(event, []) as Record<string, unknown>;
}

function readerOf(type: Type, readers: Map<Type, Read>): Read {
  const known = readers.get(type);
  if (known !== undefined) return known;
  const read = type.fullName.startsWith('.google.protobuf.') ? wellKnownReader(type) : objectReader(type, readers);
  readers.set(type, read);
  return read;
}

interface Member {
  readonly field: Field;
  readonly read: Read;
}

function objectReader(type: Type, readers: Map<Type, Read>): Read {
  let members: ReadonlyMap<string, Member> | undefined; // made when it is needed: types may hold themselves
  const required = type.fieldsArray.filter(({ required: isRequired }) => isRequired);
  return (value, path) => {
    if (!isObject(value)) throw misfit(path, 'object', value);
    if (path.length >= maxLevels) throw new Reject(path.join('.'), `expected at most ${maxLevels} levels of nesting`);
    members ??= membersOf(type, readers);
    const message: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const member = members.get(name);
      const part = value[name];
      if (member === undefined || part === undefined || (part === null && !takesNull(member.field))) continue;
      const at = [...path, name];
      refuseSecond(member.field, message, at);
      message[member.field.name] = member.read(part, at);
    }
    for (const { name, jsonName } of required)
      if (!Object.hasOwn(message, name))
        throw new Reject([...path, jsonName].join('.'), 'expected a value, got nothing');
    return message;
  };
}

/** A field goes by its name in JSON and by that in the file. */
function membersOf(type: Type, readers: Map<Type, Read>): ReadonlyMap<string, Member> {
  const members = new Map<string, Member>();
  for (const field of type.fieldsArray) {
    const member = { field, read: fieldReader(field.resolve(), readers) };
    for (const name of [field.protoName, field.jsonName]) members.set(name, member);
  }
  return members;
}

function fieldReader(field: Field, readers: Map<Type, Read>): Read {
  const read = valueReader(field, readers);
  if (field instanceof protobuf.MapField) return mapReader(field.keyType, read);
  if (!field.repeated) return read;
  return (value, path) => {
    if (!Array.isArray(value)) throw misfit(path, 'array', value);
    return value.map((one, i) => read(one, [...path, String(i)]));
  };
}

function mapReader(keyType: string, read: Read): Read {
  return (value, path) => {
    if (!isObject(value)) throw misfit(path, 'object', value);
    const map = Object.create(null) as Record<string, unknown>;
    for (const [key, one] of Object.entries(value)) {
      const at = [...path, key];
      if (!isMapKey(keyType, key)) throw new Reject(at.join('.'), `expected a key of type ${keyType}`);
      map[key] = read(one, at);
    }
    return map;
  };
}

function valueReader(field: Field, readers: Map<Type, Read>): Read {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return (value, path) => readerOf(resolvedType, readers)(value, path);
  if (resolvedType instanceof protobuf.Enum) return scalarReader(enumScalar(resolvedType, isClosed(resolvedType)));
  return scalarReader(scalars[field.type] as Scalar);
}

function scalarReader({ read, expected }: Scalar): Read {
  return (value, path) => {
    const scalar = read(value);
    if (scalar === undefined) throw misfit(path, expected, value);
    return scalar;
  };
}

function wellKnownReader(type: Type): Read {
  return (value, path) => {
    try {
      return protojson.fromJson(type, value);
    } catch (error) {
      const reject = misfit(path, wellKnownText(type), value);
      reject.cause = error;
      throw reject;
    }
  };
}

function wellKnownText({ name }: Type): string {
  if (name === 'Timestamp') return 'a time as in RFC 3339 with a zone';
  return name === 'Duration' ? 'a duration such as 1.5s' : `google.protobuf.${name}`;
}

/** null is the same as none, but for the types that hold it. */
function takesNull({ resolvedType, repeated }: Field): boolean {
  return !repeated && ['.google.protobuf.Value', '.google.protobuf.NullValue'].includes(resolvedType?.fullName ?? '');
}

function refuseSecond({ name, partOf }: Field, message: object, path: readonly string[]): void {
  if (Object.hasOwn(message, name)) throw new Reject(path.join('.'), `expected ${name} once, under one name`);
  const other = partOf?.oneof.find((one) => Object.hasOwn(message, one));
  if (other !== undefined) throw new Reject(path.join('.'), `expected nothing beside ${other}, of the same oneof`);
}

function isClosed(type: protobuf.Enum): boolean {
  // oxlint-disable-next-line no-underscore-dangle -- protobufjs's own name
  return (type as unknown as { readonly _features: { readonly enum_type?: string } })._features.enum_type === 'CLOSED';
}

function misfit(path: readonly string[], expected: string, value: unknown): Reject {
  return new Reject(path.join('.'), `expected ${expected}, got ${describeValue(value)}`);
}
