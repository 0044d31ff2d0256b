/**
 * The members of a schema's events, each with one type: what a table of them has as columns, whatever the events of a file are. What has no
 * one form in the schema (free objects, arrays, maps, unions, what holds itself) is `json`.
 */
import type { RegisteredSchema, SchemaType } from '../registry.ts';
import { avroMembers } from './avro-members.ts';
import { jsonMembers } from './json-members.ts';
import { protobufMembers } from './protobuf-members.ts';

/**
 * `name`: of an enum, or the number of one that has no name; `integer` and `unsigned`: of 64 bits; `number`: finite, as JSON has it; `double`: any;
 * `json`: anything.
 */
export type ScalarType = 'text' | 'name' | 'integer' | 'unsigned' | 'number' | 'double' | 'boolean' | 'bytes' | 'json';

/** A scalar, or a record with members of its own, one at least. Any may be null, or not there. */
export type MemberType = ScalarType | readonly Member[];

export interface Member {
  readonly name: string;
  readonly type: MemberType;
}

const readers: Record<SchemaType, (schema: RegisteredSchema) => readonly Member[]> = {
  AVRO: avroMembers,
  JSON: jsonMembers,
  PROTOBUF: protobufMembers,
};

/** None where the schema names none. @throws Error where it is no schema */
export function membersOf(schema: RegisteredSchema): readonly Member[] {
  return readers[schema.type](schema);
}
