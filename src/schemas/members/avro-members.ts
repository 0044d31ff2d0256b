/** The fields of an Avro record. */
import type avsc from 'avsc';
import { parseAvro } from '../avro-schema.ts';
import type { RegisteredSchema } from '../registry.ts';
import type { Member, MemberType } from './member.ts';

/** By avsc's names of types. */
const types: Readonly<Record<string, MemberType>> = {
  string: 'text',
  enum: 'name',
  int: 'integer',
  long: 'integer',
  float: 'double',
  double: 'double',
  boolean: 'boolean',
  bytes: 'bytes',
  fixed: 'bytes',
};

export function avroMembers({ schema, references }: RegisteredSchema): readonly Member[] {
  return fieldsOf(parseAvro(schema, references), []);
}

/** @param within the records that it is in */
function fieldsOf(type: avsc.Type, within: readonly avsc.Type[]): readonly Member[] {
  if (!type.typeName.startsWith('record')) return [];
  const { fields } = type as avsc.types.RecordType;
  return fields.map((field) => ({ name: field.name, type: typeOf(field.type, [...within, type]) }));
}

function typeOf(type: avsc.Type, within: readonly avsc.Type[]): MemberType {
  if (type.typeName === 'record') {
    const members = within.includes(type) ? [] : fieldsOf(type, within);
    return members.length > 0 ? members : 'json';
  }
  if (type.typeName !== 'union:unwrapped') return types[type.typeName] ?? 'json';
  const [one, ...more] = (type as avsc.types.UnwrappedUnionType).types.filter(({ typeName }) => typeName !== 'null');
  return one === undefined || more.length > 0 ? 'json' : typeOf(one, within);
}
