/** The fields of a .proto file's first message, by their names in JSON. */
import protobuf, { type Field, type Type } from 'protobufjs';
import { parseProtobuf } from '../protobuf-file.ts';
import type { RegisteredSchema } from '../registry.ts';
import type { Member, MemberType } from './member.ts';

const scalars: Readonly<Record<string, MemberType>> = {
  uint64: 'unsigned',
  fixed64: 'unsigned',
  float: 'double',
  double: 'double',
  bool: 'boolean',
  string: 'text',
  // In base64.
  bytes: 'text',
};

/** Those that JSON has as a string. */
const texts = ['Timestamp', 'Duration', 'FieldMask'].map((name) => `.google.protobuf.${name}`);

export function protobufMembers({ schema, references }: RegisteredSchema): readonly Member[] {
  const [type] = parseProtobuf(schema, references).messages;
  return type === undefined ? [] : fieldsOf(type, []);
}

/** @param within the messages that it is in */
function fieldsOf(type: Type, within: readonly Type[]): readonly Member[] {
  return type.fieldsArray.map((field) => ({ name: field.jsonName, type: typeOf(field.resolve(), [...within, type]) }));
}

function typeOf(field: Field, within: readonly Type[]): MemberType {
  const { resolvedType, repeated, type } = field;
  if (repeated || field instanceof protobuf.MapField) return 'json';
  if (resolvedType === null) return scalars[type] ?? 'integer';
  if (!(resolvedType instanceof protobuf.Type)) return 'name';
  if (texts.includes(resolvedType.fullName)) return 'text';
  const isFree = resolvedType.fullName.startsWith('.google.protobuf.') || within.includes(resolvedType);
  const members = isFree ? [] : fieldsOf(resolvedType, within);
  return members.length > 0 ? members : 'json';
}
