/** What a table of a schema's events has as columns, for each kind of schema. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member, MemberType } from '../../src/schemas/members/member.ts';
import { membersOf } from '../../src/schemas/members/members.ts';
import { schemaOf } from '../support/parquet-events.ts';

type Shown = string | { readonly [name: string]: Shown };

function shown(members: readonly Member[]): { readonly [name: string]: Shown } {
  const one = (type: MemberType): Shown => (typeof type === 'string' ? type : shown(type));
  return Object.fromEntries(members.map(({ name, type }) => [name, one(type)]));
}

test('of a JSON Schema: properties by their types, also behind references and beside null', () => {
  const schema = {
    $ref: '#/$defs/event',
    $defs: {
      event: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          kind: { enum: ['a', 'b', null] },
          mixed: { enum: ['a', 1] },
          one: { const: 'x' },
          count: { type: ['integer', 'null'] },
          real: { type: ['integer', 'number'] },
          is: { type: 'boolean' },
          either: { type: ['string', 'integer'] },
          maybe: { oneOf: [{ type: 'null' }, { $ref: '#/$defs/place' }] },
          union: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
          free: { type: 'object' },
          list: { type: 'array', items: { type: 'string' } },
          anything: true,
          elsewhere: { $ref: 'other.json#/$defs/text' },
          nowhere: { $ref: 'unknown.json' },
          circle: { $ref: '#/$defs/circle' },
          self: { $ref: '#/$defs/event' },
        },
      },
      place: { type: 'object', properties: { at: { type: 'string' }, in: { $ref: '#/$defs/place' } } },
      circle: { $ref: '#/$defs/circle' },
    },
  };
  const other = { name: 'other.json', schema: '{ "$defs": { "text": { "type": "string" } } }' };
  assert.deepEqual(shown(membersOf({ ...schemaOf('JSON', schema), references: [other] })), {
    id: 'text',
    kind: 'text',
    mixed: 'json',
    one: 'text',
    count: 'integer',
    real: 'number',
    is: 'boolean',
    either: 'json',
    maybe: { at: 'text', in: 'json' },
    union: 'json',
    free: 'json',
    list: 'json',
    anything: 'json',
    elsewhere: 'text',
    nowhere: 'json',
    circle: 'json',
    self: 'json',
  });
  assert.deepEqual(membersOf(schemaOf('JSON', 'true')), []);
});

test('of an Avro record: its fields, with null as nothing', () => {
  const schema = {
    type: 'record',
    name: 'E',
    fields: [
      { name: 'text', type: 'string' },
      { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A'] } },
      { name: 'small', type: 'int' },
      { name: 'time', type: { type: 'long', logicalType: 'timestamp-micros' } },
      { name: 'real', type: ['null', 'float'] },
      { name: 'is', type: 'boolean' },
      { name: 'raw', type: { type: 'fixed', name: 'F', size: 2 } },
      { name: 'either', type: ['int', 'string'] },
      { name: 'map', type: { type: 'map', values: 'int' } },
      { name: 'list', type: { type: 'array', items: 'int' } },
      { name: 'place', type: { type: 'record', name: 'P', fields: [{ name: 'at', type: ['null', 'string'] }] } },
      { name: 'again', type: 'P' },
      { name: 'self', type: ['null', 'E'] },
      { name: 'empty', type: { type: 'record', name: 'N', fields: [] } },
    ],
  };
  assert.deepEqual(shown(membersOf(schemaOf('AVRO', schema))), {
    text: 'text',
    kind: 'name',
    small: 'integer',
    time: 'integer',
    real: 'double',
    is: 'boolean',
    raw: 'bytes',
    either: 'json',
    map: 'json',
    list: 'json',
    place: { at: 'text' },
    again: { at: 'text' },
    self: 'json',
    empty: 'json',
  });
});

test('of the first message of a .proto file: its fields by their names in JSON', () => {
  const schema = `syntax = "proto3";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";
    enum Kind { NONE = 0; }
    message Event {
      string some_text = 1; bytes raw = 2; int32 small = 3; sint64 large = 4; fixed64 larger = 5; float real = 6; bool is = 7; Kind kind = 8;
      google.protobuf.Timestamp at = 9; google.protobuf.StringValue wrapped = 10; repeated int32 list = 11; map<string, int32> map = 12;
      Place place = 13; Event self = 14; oneof either { string left = 15; int32 right = 16; }
    }
    message Place { optional string at = 1; }`;
  assert.deepEqual(shown(membersOf(schemaOf('PROTOBUF', schema))), {
    someText: 'text',
    raw: 'text',
    small: 'integer',
    large: 'integer',
    larger: 'unsigned',
    real: 'double',
    is: 'boolean',
    kind: 'name',
    at: 'text',
    wrapped: 'json',
    list: 'json',
    map: 'json',
    place: { at: 'text' },
    self: 'json',
    left: 'text',
    right: 'integer',
  });
});
