/**
 * The members of a schema's events, each with one type: what a table of them has as columns, whatever the events of a file are. What has no
 * one form in the schema (free objects, arrays, maps, unions, what holds itself) is `json`.
 */
import type { RegisteredSchema, SchemaType } from '../registry.ts';
import { avroMembers } from './avro-members.ts';
import { jsonMembers } from './json-members.ts';
import type { Member } from './member.ts';
import { protobufMembers } from './protobuf-members.ts';

const readers: Record<SchemaType, (schema: RegisteredSchema) => readonly Member[]> = {
  AVRO: avroMembers,
  JSON: jsonMembers,
  PROTOBUF: protobufMembers,
};

/** None where the schema names none. @throws Error where it is no schema */
export function membersOf(schema: RegisteredSchema): readonly Member[] {
  return readers[schema.type](schema);
}
