import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { SchemaType } from '../../src/schemas/registry.ts';
import { schemaChanges } from '../../src/schemas/schema-changes.ts';

function changes(type: SchemaType, from: unknown, to: unknown): readonly string[] {
  const [a, b] = [from, to].map((schema) => ({
    type,
    schema: typeof schema === 'string' ? schema : JSON.stringify(schema),
    references: [],
  }));
  return schemaChanges(a!, b!).map(({ path, change }) => `${change} ${path}`);
}

const field = (name: string, type: unknown) => ({ name, type });
const record = (...fields: readonly object[]) => ({ type: 'record', name: 'R', fields });

describe('what changed between schemas', () => {
  it('names Avro fields, symbols and branches by their names', () => {
    const from = record(
      field('a', 'int'),
      field('b', ['null', 'string']),
      field('c', { type: 'enum', name: 'E', symbols: ['X'] }),
    );
    const to = record(
      field('c', { type: 'enum', name: 'E', symbols: ['X', 'Y'] }),
      field('b', ['null', 'string', 'long']),
      field('d', 'int'),
    );
    assert.deepEqual(changes('AVRO', from, to), [
      'removed fields.a',
      'added fields.b.type."long"',
      'added fields.c.type.symbols."Y"',
      'added fields.d',
    ]);
  });

  it('follows JSON Schema member by member, whatever the order', () => {
    const from = { type: 'object', required: ['a'], properties: { a: { type: 'string' }, b: { maximum: 5 } } };
    const to = { properties: { b: { maximum: 6 }, a: { type: 'string' } }, required: ['a', 'b'], type: 'object' };
    assert.deepEqual(changes('JSON', from, to), ['added required."b"', 'changed properties.b.maximum']);
  });

  it('names Protobuf fields by their messages, and comments are no change', () => {
    const from = 'syntax = "proto3"; package p; message M { int32 a = 1; message N { string s = 1; } }';
    const to =
      'syntax = "proto3"; package p; /* c */ message M { int64 a = 1; message N { string t = 2; } } enum E { Z = 0; }';
    assert.deepEqual(changes('PROTOBUF', from, to), [
      'changed M.fields.a.type',
      'removed M.N.fields.s',
      'added M.N.fields.t',
      'added E',
    ]);
    assert.deepEqual(changes('PROTOBUF', from, `// nothing\n${from}`), []);
  });

  it('finds none between a schema and itself, and one after a change anywhere', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (schema) => {
        assert.deepEqual(changes('JSON', JSON.stringify(schema), JSON.stringify(schema)), []);
        assert.deepEqual(changes('JSON', { x: { y: schema } }, { x: {} }), ['removed x.y']);
      }),
    );
  });

  it('says where the kind has changed', () => {
    const found = schemaChanges(
      { type: 'AVRO', schema: '{}', references: [] },
      { type: 'JSON', schema: '{}', references: [] },
    );
    assert.deepEqual(found, [{ path: '', change: 'changed', from: 'AVRO', to: 'JSON' }]);
  });
});
