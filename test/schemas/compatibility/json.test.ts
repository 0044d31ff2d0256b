import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readabilityProblems } from '../../../src/schemas/compatibility/compatibility.ts';
import { json, kinds } from './texts.ts';

const between = (reader: unknown, writer: unknown): readonly string[] => kinds(json(reader), json(writer));
const closed = (properties: object, more: object = {}): object => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
const open = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more });
const text = { type: 'string' };
const whole = { type: 'integer' };

interface Case {
  readonly what: string;
  readonly reader: unknown;
  readonly writer: unknown;
  /** What the reader has against the writer. */
  readonly forth: readonly string[];
  /** The other way round. */
  readonly back: readonly string[];
}

const cases: readonly Case[] = [
  { what: 'types', reader: text, writer: whole, forth: ['TYPE_CHANGED #/'], back: ['TYPE_CHANGED #/'] },
  { what: 'integers are numbers', reader: { type: 'number' }, writer: whole, forth: [], back: ['TYPE_NARROWED #/'] },
  { what: 'anything', reader: {}, writer: text, forth: [], back: ['TYPE_CHANGED #/'] },
  { what: 'nothing', reader: text, writer: false, forth: [], back: ['TYPE_CHANGED #/'] },
  {
    what: 'a property of an open model',
    reader: open({ a: text }),
    writer: open({}),
    forth: ['OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
    back: [],
  },
  {
    what: 'a required property of an open model',
    reader: open({ a: text, b: { ...text, default: '' } }, { required: ['a', 'b'] }),
    writer: open({}),
    forth: [
      'REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a',
      'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b',
    ],
    back: [],
  },
  { what: 'a property that can be anything', reader: open({ a: {} }), writer: open({}), forth: [], back: [] },
  {
    what: 'PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL is compatible, also where the property is required',
    reader: open({ a: {}, b: true }, { required: ['a', 'b'] }),
    writer: open({}),
    forth: [],
    back: [],
  },
  {
    what: 'REQUIRED_ATTRIBUTE_ADDED is said of what both describe: required and not described is not compared',
    reader: open({ a: text }, { required: ['a', 'b'] }),
    writer: open({ a: text }, { required: ['a'] }),
    forth: [],
    back: [],
  },
  {
    what: 'a property of a closed model',
    reader: closed({ a: text }),
    writer: closed({}),
    forth: [],
    back: ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a'],
  },
  {
    what: 'a required property of a closed model',
    reader: closed({ a: text, b: { ...text, default: '' } }, { required: ['a', 'b'] }),
    writer: closed({}),
    forth: ['REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
    back: [
      'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a',
      'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/b',
    ],
  },
  {
    what: 'a property that fits the rest of a partially open model',
    reader: open({ a: { type: 'number' } }, { additionalProperties: whole }),
    writer: open({}, { additionalProperties: whole }),
    forth: [],
    back: [
      'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
      'TYPE_NARROWED #/properties/a',
    ],
  },
  {
    what: 'a property that a pattern does not cover',
    reader: open({ n_1: text }, { patternProperties: { '^n_': whole } }),
    writer: open({}, { patternProperties: { '^n_': whole } }),
    forth: [
      'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/n_1',
      'TYPE_CHANGED #/properties/n_1',
    ],
    back: [
      'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/n_1',
      'TYPE_CHANGED #/properties/n_1',
    ],
  },
  {
    what: 'required',
    reader: open({ a: text, b: { ...text, default: '' } }, { required: ['a', 'b'] }),
    writer: open({ a: text, b: { ...text, default: '' } }),
    forth: ['REQUIRED_ATTRIBUTE_ADDED #/required/a'],
    back: [],
  },
  {
    what: 'additionalProperties',
    reader: closed({}),
    writer: open({}),
    forth: ['ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties'],
    back: [],
  },
  {
    what: 'the type of additionalProperties',
    reader: open({}, { additionalProperties: text }),
    writer: open({}),
    forth: ['ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties'],
    back: [],
  },
  {
    what: 'dependencies',
    reader: open({}, { dependencies: { a: ['b', 'c'], d: ['e'], f: text } }),
    writer: open({}, { dependencies: { a: ['b'] } }),
    forth: [
      'DEPENDENCY_ARRAY_ADDED #/dependencies/d',
      'DEPENDENCY_ARRAY_EXTENDED #/dependencies/a',
      'DEPENDENCY_SCHEMA_ADDED #/dependencies/f',
    ],
    back: [],
  },
  {
    what: 'limits',
    reader: open({
      s: { ...text, minLength: 2, maxLength: 4 },
      n: { ...whole, minimum: 2, maximum: 4, exclusiveMinimum: 1, exclusiveMaximum: 5 },
      a: { type: 'array', minItems: 2, maxItems: 4, uniqueItems: true },
      o: { type: 'object', minProperties: 2, maxProperties: 4 },
    }),
    writer: open({
      s: { ...text, minLength: 1, maxLength: 5 },
      n: { ...whole, minimum: 1, maximum: 5, exclusiveMinimum: 0, exclusiveMaximum: 6 },
      a: { type: 'array', minItems: 1, maxItems: 5 },
      o: { type: 'object', minProperties: 1, maxProperties: 5 },
    }),
    forth: [
      'EXCLUSIVE_MAXIMUM_DECREASED #/properties/n/exclusiveMaximum',
      'EXCLUSIVE_MINIMUM_INCREASED #/properties/n/exclusiveMinimum',
      'MAXIMUM_DECREASED #/properties/n/maximum',
      'MAX_ITEMS_DECREASED #/properties/a/maxItems',
      'MAX_LENGTH_DECREASED #/properties/s/maxLength',
      'MAX_PROPERTIES_DECREASED #/properties/o/maxProperties',
      'MINIMUM_INCREASED #/properties/n/minimum',
      'MIN_ITEMS_INCREASED #/properties/a/minItems',
      'MIN_LENGTH_INCREASED #/properties/s/minLength',
      'MIN_PROPERTIES_INCREASED #/properties/o/minProperties',
      'UNIQUE_ITEMS_ADDED #/properties/a/uniqueItems',
    ],
    back: [],
  },
  {
    what: 'limits where there were none',
    reader: { type: ['string', 'number'], maxLength: 1, maximum: 1 },
    writer: { type: ['string', 'number'] },
    forth: ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
    back: [],
  },
  {
    what: 'patterns',
    reader: { ...text, pattern: '^a' },
    writer: { ...text, pattern: '^b' },
    forth: ['PATTERN_CHANGED #/pattern'],
    back: ['PATTERN_CHANGED #/pattern'],
  },
  {
    what: 'multiples',
    reader: { type: 'number', multipleOf: 0.3 },
    writer: { type: 'number', multipleOf: 0.1 },
    forth: ['MULTIPLE_OF_EXPANDED #/multipleOf'],
    back: [],
  },
  {
    what: 'enums',
    reader: { enum: [1, { a: 1, b: 2 }] },
    writer: { enum: [{ b: 2, a: 1 }, 1, 'x'] },
    forth: ['ENUM_ARRAY_NARROWED #/enum'],
    back: [],
  },
  {
    what: 'constants',
    reader: { const: [1] },
    writer: { const: [2] },
    forth: ['ENUM_ARRAY_CHANGED #/const'],
    back: ['ENUM_ARRAY_CHANGED #/const'],
  },
  {
    what: 'items',
    reader: { type: 'array', items: { type: 'number' } },
    writer: { type: 'array', items: whole },
    forth: [],
    back: ['TYPE_NARROWED #/items'],
  },
  {
    what: 'items by position',
    reader: { type: 'array', items: [text, whole] },
    writer: { type: 'array', items: [text] },
    forth: ['ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1'],
    back: [],
  },
  {
    what: 'items by position of a closed list',
    reader: { type: 'array', items: [text, whole], additionalItems: false },
    writer: { type: 'array', items: [text], additionalItems: false },
    forth: [],
    back: ['ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1'],
  },
  {
    what: 'branches',
    reader: { oneOf: [whole, text, { type: 'null' }] },
    writer: { oneOf: [text, whole] },
    forth: [],
    back: ['SUM_TYPE_NARROWED #/'],
  },
  {
    what: 'constraints',
    reader: { allOf: [text, { minLength: 1 }] },
    writer: { allOf: [text] },
    forth: ['PRODUCT_TYPE_EXTENDED #/'],
    back: [],
  },
  {
    what: 'criteria',
    reader: { anyOf: [text, whole] },
    writer: { oneOf: [text, whole] },
    forth: [],
    back: ['COMBINED_TYPE_CHANGED #/'],
  },
  {
    what: 'one becomes one of several',
    reader: { type: ['null', 'string'] },
    writer: text,
    forth: [],
    back: ['TYPE_CHANGED #/'],
  },
  {
    what: 'what is excluded',
    reader: { not: { type: 'number' } },
    writer: { not: whole },
    forth: ['NOT_TYPE_EXTENDED #/not'],
    back: [],
  },
];

const besideReference = ($schema: string): object => ({
  $schema,
  properties: { a: { $ref: '#/definitions/A', maxLength: 1 } },
  definitions: { A: text },
});
const referenceAlone = ($schema: string): object => ({
  $schema,
  properties: { a: { $ref: '#/definitions/A' } },
  definitions: { A: text },
});
const referring = (type: string): readonly (readonly [object, object])[] => [
  [{ items: { $ref: '#/definitions/a~1b%20c' }, definitions: { 'a/b c': { type } } }, {}],
  [{ items: { $ref: '#/$defs/a' }, definitions: { a: { type } } }, {}],
  [{ items: { $ref: 'a.json' }, $id: 'http://x.test/root.json', definitions: { a: { $id: 'a.json', type } } }, {}],
  [{ items: { $ref: '#a' }, definitions: { a: { $id: '#a', type } } }, {}],
  [{ items: { $ref: 'other.json' } }, { 'other.json': { type } }],
  [{ items: { $ref: './other.json#/definitions/a' } }, { 'other.json': { definitions: { a: { type } } } }],
  [{ items: { $ref: 'http://x.test/o.json' } }, { other: { $id: 'http://x.test/o.json', type } }],
  [{ items: { $ref: 'b.json' } }, { 'b.json': { $ref: 'c.json' }, 'c.json': { type } }],
];
const treeOf = (leaf: string): object => ({
  ...open({ id: { type: leaf }, children: { type: 'array', items: { $ref: '#' } } }),
});
const member = (id: string, ref: string): object =>
  open({ ref: { oneOf: [{ $ref: `#/definitions/${ref}` }] }, id: { type: id } });
const oddlyNamed = (type: string): object => {
  const odd = JSON.parse(`{"__proto__": {"type": "${type}"}}`) as object;
  return { type: 'object', properties: Object.assign(odd, { 'a/b\n~c': { type } }) };
};
const ordersAt = (price: object): object => open({ items: { type: 'array', items: open({ price }) } });

const masked = (id: string): object => ({
  oneOf: [{ $ref: '#/definitions/T0' }, { $ref: '#/definitions/T1' }],
  definitions: { T0: member(id, 'T2'), T1: member('null', 'T2'), T2: member('string', 'T0') },
});

describe('compatibility of JSON Schemas', () => {
  for (const { what, reader, writer, forth, back } of cases)
    it(what, () => {
      assert.deepEqual(between(reader, writer), forth);
      assert.deepEqual(between(writer, reader), back);
      assert.deepEqual(between(reader, reader), []);
    });

  it('draft-04 makes limits themselves exclusive', () => {
    const $schema = 'http://json-schema.org/draft-04/schema#';
    const was = { $schema, type: 'number', minimum: 1, maximum: 5 };
    const exclusive = { ...was, exclusiveMinimum: true, exclusiveMaximum: true };
    assert.deepEqual(between(exclusive, was), [
      'EXCLUSIVE_MAXIMUM_ADDED #/exclusiveMaximum',
      'EXCLUSIVE_MINIMUM_ADDED #/exclusiveMinimum',
    ]);
    assert.deepEqual(between(was, exclusive), []);
  });

  it('2020-12 has prefixItems, dependentRequired, unevaluatedProperties and counts of contains', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    const list = (...prefixItems: readonly unknown[]): object => ({ $schema, prefixItems, items: false });
    assert.deepEqual(between(list(text), list(text, whole)), ['ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1']);
    assert.deepEqual(between(list(text, whole), list(text)), []);
    const needs = { $schema, ...open({}), dependentRequired: { a: ['b'] } };
    assert.deepEqual(between(needs, { $schema, ...open({}) }), ['DEPENDENCY_ARRAY_ADDED #/dependencies/a']);
    const sealed = { $schema, ...open({ a: text }), unevaluatedProperties: false };
    assert.deepEqual(between(sealed, { $schema, ...open({}) }), [
      'OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a',
      'UNEVALUATED_PROPERTIES_REMOVED #/unevaluatedProperties',
    ]);
    const holds = (minContains: number): object => ({ $schema, contains: {}, minContains });
    assert.deepEqual(between(holds(2), holds(1)), ['MIN_CONTAINS_INCREASED #/minContains']);
  });

  it('keywords beside $ref count since 2019-09 only', () => {
    const old = 'http://json-schema.org/draft-07/schema#';
    const newer = 'https://json-schema.org/draft/2019-09/schema';
    assert.deepEqual(between(besideReference(old), referenceAlone(old)), []);
    assert.deepEqual(between(besideReference(newer), referenceAlone(newer)), ['TYPE_CHANGED #/properties/a']);
  });

  it('follows references in the document, by $id, by anchor and into other texts', () => {
    const wider = referring('number');
    for (const [i, [schema, references]] of referring('integer').entries()) {
      const [other = {}, otherReferences = {}] = wider[i] ?? [];
      const narrow = json(schema, { ...references });
      const wide = json(other, { ...otherReferences });
      assert.deepEqual(kinds(wide, narrow), [], JSON.stringify(schema));
      assert.deepEqual(kinds(narrow, wide), ['TYPE_NARROWED #/items'], JSON.stringify(schema));
    }
  });

  it('a reference that leads nowhere is the same only as itself', () => {
    assert.deepEqual(between({ $ref: 'http://x.test/a' }, { $ref: 'http://x.test/a' }), []);
    assert.deepEqual(between({ $ref: 'http://x.test/a' }, { $ref: 'http://x.test/b' }), ['TYPE_CHANGED #/']);
    assert.deepEqual(between({ $ref: '#' }, { $ref: '#' }), []);
  });

  it('recursive schemas end, and a wrong assumption on the way does not stand', () => {
    assert.deepEqual(between(treeOf('number'), treeOf('integer')), []);
    assert.deepEqual(between(treeOf('integer'), treeOf('number')), [
      'TYPE_NARROWED #/properties/children/items/properties/id',
      'TYPE_NARROWED #/properties/id',
    ]);
    // T0 holds T2 and T2 holds T0: while T0 is compared, T2 seems readable, and oneOf must not keep that.
    assert.deepEqual(between(masked('boolean'), masked('integer')), ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/']);
  });

  it('names from outside stay names, and messages stay one line', () => {
    const found = readabilityProblems(json(oddlyNamed('string')), json(oddlyNamed('integer')));
    assert.ok(found.some(({ path }) => path === '#/properties/a~1b\n~0c'));
    for (const { message } of found) assert.doesNotMatch(message, /\n/u);
  });

  it('names the place in depth', () => {
    const [found] = readabilityProblems(json(ordersAt(whole)), json(ordersAt({ type: 'number' })));
    assert.equal(found?.path, '#/properties/items/items/properties/price');
    assert.match(found.message, /^`items\[\]\.price` is integer in the reader's schema and can be any number in /u);
  });
});
