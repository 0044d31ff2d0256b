import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reject } from '../../src/event/reject.ts';
import { attachVerbatim } from '../../src/event/verbatim.ts';
import type { Codec } from '../../src/schemas/codec.ts';
import { compileCodec } from '../../src/schemas/compile.ts';

const jsonCodec = (schema: unknown): Codec =>
  compileCodec({ id: 258, subject: 'test-value', version: 1, type: 'JSON', schema: JSON.stringify(schema) });

const wireOf = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 1, 2]), Buffer.from(text)]);

const rejected =
  (path: string, words: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Reject, String(error));
    assert.deepEqual([error.path, error.message.includes(words)], [path, true], error.message);
    return true;
  };

const schema = {
  type: 'object',
  required: ['data'],
  additionalProperties: false,
  properties: {
    data: {
      type: 'object',
      required: ['id'],
      properties: {
        id: { type: 'string', minLength: 1 },
        amount: { type: 'number' },
        at: { type: 'string', format: 'date-time' },
        kind: { enum: ['a', 'b'] },
        list: { type: 'array', items: { type: 'integer' } },
      },
    },
  },
};

describe('json codec', () => {
  const codec = jsonCodec(schema);

  it('writes the header and the event as JSON, and gives it back', () => {
    const event = { data: { id: 'ü', list: [1, 2] } };
    assert.deepEqual(Buffer.from(codec.encode(event)), wireOf('{"data":{"id":"ü","list":[1,2]}}'));
    assert.deepEqual(codec.decode(codec.encode(event)), event);
    const large = { data: { id: 'ü'.repeat(500_000) } };
    assert.deepEqual(codec.decode(codec.encode(large)), large);
    assert.deepEqual(codec.decode(codec.encode(event)), event);
  });

  it('keeps the digits of what was sent verbatim', () => {
    const text = '{"id":"x","amount":1e400,"more":12345678901234567890.10}';
    const data = attachVerbatim(JSON.parse(text) as object, text);
    assert.deepEqual(Buffer.from(codec.encode({ data })), wireOf(`{"data":${text}}`));
    assert.deepEqual(codec.decode(wireOf(`{"data":${text}}`)), { data: JSON.parse(text) as object });
  });

  it('says where an event does not fit, what was expected, and what was found (D2)', () => {
    const wrong: readonly (readonly [event: unknown, path: string, words: string])[] = [
      [{ data: {} }, 'data.id', 'got nothing'],
      [{ data: { id: 5 } }, 'data.id', 'expected string, got number 5'],
      [{ data: { id: '' } }, 'data.id', 'fewer than 1'],
      [{ data: { id: 'x', at: 'yesterday' } }, 'data.at', 'date-time'],
      [{ data: { id: 'x', kind: 'c' } }, 'data.kind', 'expected one of ["a","b"], got string "c"'],
      [{ data: { id: 'x', list: [1, 2.5] } }, 'data.list.1', 'expected integer'],
      [{ data: { id: 'x' }, 'a/b~c': 1 }, 'a/b~c', 'nothing of that name'],
      [[], '', 'expected object, got array'],
      [undefined, '', 'expected object, got nothing'],
    ];
    for (const [event, path, words] of wrong) assert.throws(() => codec.encode(event), rejected(path, words));
    assert.throws(() => codec.decode(wireOf('{"data":{}}')), rejected('data.id', 'got nothing'));
  });

  it('refuses bytes that are of another schema, or no JSON', () => {
    assert.throws(() => codec.decode(Buffer.from([0, 0, 0, 1, 3, 123, 125])), rejected('', 'expected schema 258'));
    assert.throws(() => codec.decode(wireOf('{"data":')), rejected('', 'expected JSON'));
    assert.throws(() => codec.decode(Buffer.concat([wireOf('"'), Buffer.from([0xff, 0x22])])), rejected('', 'UTF-8'));
    assert.throws(() => codec.decode(Buffer.alloc(3)), Reject);
  });

  it('takes events of any kind that the schema takes', () => {
    const any = jsonCodec(true);
    for (const event of [[1, [2]], 'text', 5, null, true, {}]) assert.deepEqual(any.decode(any.encode(event)), event);
    assert.throws(() => any.encode(undefined), Reject);
  });

  it('compiles the dialects in use, each by its own rules, and keywords of others', () => {
    const tuple = (dialect: string, keyword: string): Codec =>
      jsonCodec({ $schema: dialect, $id: 'urn:example:same', [keyword]: [{ type: 'string' }] });
    for (const draft of ['draft-06', 'draft-07'])
      assert.throws(
        () => tuple(`http://json-schema.org/${draft}/schema#`, 'items').encode([1]),
        rejected('0', 'string'),
      );
    assert.throws(() => tuple('https://json-schema.org/draft/2019-09/schema', 'items').encode([1]), Reject);
    assert.throws(() => tuple('https://json-schema.org/draft/2020-12/schema', 'prefixItems').encode([1]), Reject);
    jsonCodec({ 'x-owner': 'team', type: 'string', format: 'of-their-own', javaType: 'x.Y', minimum: 5 }).encode(
      'text',
    );
    assert.throws(() => jsonCodec({ $schema: 'http://json-schema.org/draft-04/schema#' }), /draft-04/);
  });

  it('refuses an event, not the process, where nesting is too deep', () => {
    const list = jsonCodec({ properties: { next: { $ref: '#' } } });
    let deep: object = {};
    for (let i = 0; i < 100_000; i++) deep = { next: deep };
    assert.throws(() => list.encode(deep), rejected('', 'less nesting'));
    assert.throws(() => list.decode(wireOf(`${'{"next":'.repeat(100_000)}0${'}'.repeat(100_000)}`)), Reject);
  });
});
