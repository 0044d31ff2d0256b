/** Schemas made to exhaust whoever compares them: each ends soon, with a verdict or with TOO_COMPLEX. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readabilityProblems } from '../../../src/schemas/compatibility/compatibility.ts';
import type { ParsedSchemaText } from '../../../src/schemas/compatibility/parsed-schema.ts';
import { avro, json, proto } from './texts.ts';

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
const only = (reader: ParsedSchemaText, writer: ParsedSchemaText): string =>
  [...new Set(readabilityProblems(reader, writer).map(({ kind }) => kind))].join(' ');
const deep = (type: ParsedSchemaText['type'], levels: number, open: string, close: string): ParsedSchemaText => ({
  type,
  schema: open.repeat(levels) + (type === 'AVRO' ? '"int"' : '{}') + close.repeat(levels),
  references: [],
});
const nested = ['{"items":', '{"not":', '{"properties":{"a":', '{"dependencies":{"a":'] as const;
const closing = (open: string): string => open.replaceAll(/[^[{]/gu, '').replaceAll('{', '}').replaceAll('[', ']');

const chainOf = (leaf: string): ParsedSchemaText =>
  json({
    $ref: '#/definitions/0',
    definitions: range(600).map((i) => (i === 599 ? { type: leaf } : { items: { $ref: `#/definitions/${i + 1}` } })),
  });
const doubling = (leaf: string): ParsedSchemaText =>
  json({
    $ref: '#/definitions/0',
    definitions: range(60).map((i) => {
      const next = { $ref: `#/definitions/${i + 1}` };
      return i === 59 ? { type: leaf } : { properties: { a: next, b: next } };
    }),
  });
const mutual = (leaf: string): ParsedSchemaText =>
  json({
    $ref: '#/definitions/0',
    definitions: range(50).map((i) => ({
      properties: {
        id: { type: i === 49 ? leaf : 'string' },
        x: { oneOf: range(50).map((j) => ({ $ref: `#/definitions/${j}` })) },
      },
    })),
  });
const branches = (count: number, first: number): ParsedSchemaText =>
  json({ oneOf: range(count).map((i) => ({ type: 'object', properties: { t: { const: first + i } } })) });
const recordChain = (leaf: string): ParsedSchemaText =>
  avro(
    'R0',
    Object.fromEntries(
      range(600).map((i) => [
        `R${i}`,
        { type: 'record', name: `R${i}`, fields: [{ name: 'f', type: i === 599 ? leaf : `R${i + 1}` }] },
      ]),
    ),
  );
const recordsCalled = (name: string): ParsedSchemaText =>
  avro(range(1_000).map((i) => ({ type: 'record', name: name + i, fields: [] })));

describe('limits of comparing schemas', () => {
  it('nesting', () => {
    for (const open of nested)
      for (const levels of [1_000, 100_000]) {
        const schema = deep('JSON', levels, open, closing(open));
        assert.equal(only(schema, schema), 'TOO_COMPLEX', open);
      }
    for (const levels of [1_000, 100_000]) {
      const schema = deep('AVRO', levels, '{"type":"array","items":', '}');
      assert.equal(only(schema, schema), 'TOO_COMPLEX');
    }
  });

  it('nesting that is still compared', () => {
    for (const open of nested) {
      const schema = deep('JSON', 150, open, closing(open));
      assert.equal(only(schema, schema), '', open);
    }
  });

  it('chains of references, however long', () => {
    assert.equal(only(chainOf('integer'), chainOf('integer')), '');
    assert.equal(only(chainOf('integer'), chainOf('number')), 'TYPE_NARROWED');
    assert.equal(only(recordChain('long'), recordChain('int')), '');
    assert.equal(only(recordChain('int'), recordChain('long')), 'TYPE_MISMATCH');
  });

  it('paths that double at each step', () => {
    assert.equal(only(doubling('integer'), doubling('number')), 'TYPE_NARROWED');
  });

  it('unions of a thousand, with all or nothing in common', () => {
    assert.equal(only(recordsCalled('A'), recordsCalled('A')), '');
    assert.equal(only(recordsCalled('A'), recordsCalled('B')), 'MISSING_UNION_BRANCH');
    assert.equal(only(branches(1_000, 0), branches(1_000, 0)), '');
    assert.equal(only(branches(300, 0), branches(300, 300)), 'COMBINED_TYPE_SUBSCHEMAS_CHANGED');
    assert.equal(only(branches(1_000, 0), branches(1_000, 1_000)), 'TOO_COMPLEX');
  });

  it('definitions that all refer to one another', () => {
    assert.equal(only(mutual('null'), mutual('null')), '');
    assert.match(only(mutual('null'), mutual('string')), /SUBSCHEMAS_CHANGED|TOO_COMPLEX/u);
  });

  it('patterns that take exponential time', () => {
    const writer = json({ patternProperties: { '^(a+)+$': {} }, additionalProperties: false });
    const reader = json({ properties: { [`${'a'.repeat(60)}!`]: {} } });
    assert.equal(only(reader, writer), 'TOO_COMPLEX');
  });

  it('references that go round', () => {
    const round = json({
      $ref: '#/definitions/a',
      definitions: { a: { $ref: '#/definitions/b' }, b: { $ref: '#/definitions/a' } },
    });
    assert.equal(only(round, round), '');
    assert.equal(only(round, json({ type: 'null' })), 'TYPE_CHANGED');
  });

  it('fields beyond number', () => {
    const fields = range(20_000).map((i) => `int32 f${i} = ${i + 1};`);
    const schema = proto(`message M { ${fields.join(' ')} }`);
    assert.equal(only(schema, schema), 'TOO_COMPLEX');
  });
});
