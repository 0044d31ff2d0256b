import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Reject } from '../../src/event/reject.ts';
import { isFault } from '../../src/errors.ts';
import type { Codec } from '../../src/schemas/codec.ts';
import { compileCodec } from '../../src/schemas/compile.ts';
import type { ReferencedSchema } from '../../src/schemas/registry.ts';

const codecOf = (schema: string, references: readonly ReferencedSchema[] = []): Codec =>
  compileCodec({ id: 258, subject: 'test-value', version: 1, type: 'PROTOBUF', schema, references });

const header = [0, 0, 0, 1, 2];

/** As JSON: without prototypes and signs of zero. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const rejected =
  (path: string, words: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Reject, String(error));
    assert.deepEqual([error.path, error.message.includes(words)], [path, true], `${error.path}: ${error.message}`);
    return true;
  };

const schema = `
syntax = "proto3";
package test;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";

message Event {
  Data data = 1;
  Attributes attributes = 2;
  message Nested { string name = 1; Nested inner = 2; }
}
message Data { string id = 1; double amount = 2; }
message Attributes {
  string user_id = 1;
  optional string platform = 2;
  int32 small = 3;
  uint64 large = 4;
  sint64 signed = 5;
  bool flag = 6;
  bytes raw = 7;
  Kind kind = 8;
  repeated int32 list = 9;
  map<string, Data> by_name = 10;
  map<int64, string> by_number = 11;
  google.protobuf.Timestamp at = 12;
  google.protobuf.StringValue note = 13;
  google.protobuf.Value any = 14;
  oneof choice { string text = 15; int32 number = 16; }
  float ratio = 17;
  string named = 18 [json_name = "renamed"];
  Event.Nested nested = 19;
  map<bool, string> by_flag = 20;
  map<sint32, string> by_small = 21;
}
enum Kind { NONE = 0; SOME = 1; }
message Second { message Inner { string name = 1; } }
`;

const whole = {
  userId: 'ü',
  platform: '',
  small: -5,
  large: 7,
  signed: -8,
  flag: true,
  raw: 'AAEC',
  kind: 'SOME',
  list: [1, 2],
  byName: { a: { id: 'x', amount: 1.5 }, __proto__x: { id: '', amount: 0 } },
  byNumber: { '-5': 'minus', '12345678': 'eight', '-9223372036854775808': 'least' },
  bySmall: { '-7': 'seven' },
  at: '2026-11-21T10:00:00.250Z',
  note: 'n',
  any: { deep: [1, null, 'x'] },
  text: 'chosen',
  ratio: 0.5,
  renamed: 'r',
  nested: { name: 'a', inner: { name: 'b' } },
  byFlag: { true: 'yes' },
};

const empty = {
  userId: '',
  small: 0,
  large: 0,
  signed: 0,
  flag: false,
  raw: '',
  kind: 'NONE',
  list: [],
  byName: {},
  byNumber: {},
  ratio: 0,
  renamed: '',
  byFlag: {},
  bySmall: {},
};

describe('protobuf codec', () => {
  const codec = codecOf(schema);

  it('writes the header, the index of the first message, and the message', () => {
    const wire = codec.encode({ data: { id: 'a', amount: 1 } });
    const message = [0x0a, 12, 0x0a, 1, 0x61, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
    assert.deepEqual([...wire], [...header, 0, ...message]);
  });

  it('gives events back; what has no presence is there with its default, what has it only where it was sent', () => {
    assert.deepEqual(codec.decode(codec.encode({ attributes: whole })), { attributes: whole });
    assert.deepEqual(codec.decode(codec.encode({ attributes: {} })), { attributes: empty });
    assert.deepEqual(codec.decode(codec.encode({})), {});
    assert.deepEqual(codec.decode(codec.encode({ data: null, attributes: { platform: null } })), { attributes: empty });
    const large = { data: { id: 'ü'.repeat(500_000), amount: 0 } };
    assert.deepEqual(codec.decode(codec.encode(large)), large);
  });

  it('takes fields by both their names, and lets be what the schema does not have', () => {
    const event = { attributes: { user_id: 'u', named: 'n', unknown: { deep: [1] } }, more: undefined };
    assert.deepEqual(codec.decode(codec.encode(event)), { attributes: { ...empty, userId: 'u', renamed: 'n' } });
  });

  it('takes numbers as JSON has them, in strings where a number cannot hold them, and infinity (1e400)', () => {
    const attributes = { large: '18446744073709551615', signed: '-9223372036854775808', small: '7', ratio: '1e3' };
    const expected = { ...empty, ...attributes, small: 7, ratio: 1000 };
    assert.deepEqual(codec.decode(codec.encode({ attributes })), { attributes: expected });
    const safe = { large: Number.MAX_SAFE_INTEGER, signed: Number.MIN_SAFE_INTEGER };
    assert.deepEqual(codec.decode(codec.encode({ attributes: safe })), { attributes: { ...empty, ...safe } });
    for (const amount of [JSON.parse('1e400') as number, -Infinity, 'Infinity'])
      assert.deepEqual(codec.decode(codec.encode({ data: { id: '', amount } })), {
        data: { id: '', amount: Number(amount) },
      });
  });

  it('says where an event does not fit, what was expected, and what was found (D2)', () => {
    const wrong: readonly (readonly [event: unknown, path: string, words: string])[] = [
      [5, '', 'expected object, got number 5'],
      [{ data: [] }, 'data', 'expected object, got array'],
      [{ data: { id: 3 } }, 'data.id', 'expected string, got number 3'],
      [{ data: { id: '\ud800' } }, 'data.id', 'lone surrogate'],
      [{ data: { amount: '1.5x' } }, 'data.amount', 'expected number, got string "1.5x"'],
      [{ attributes: { user_id: false } }, 'attributes.user_id', 'expected string, got boolean'],
      [{ attributes: { small: 1.5 } }, 'attributes.small', 'whole number from -2147483648'],
      [{ attributes: { small: 2 ** 31 } }, 'attributes.small', 'whole number'],
      [{ attributes: { large: -1 } }, 'attributes.large', 'whole number of 64 bits'],
      [{ attributes: { large: 2 ** 53 } }, 'attributes.large', 'as a string'],
      [{ attributes: { large: '18446744073709551616' } }, 'attributes.large', '64 bits'],
      [{ attributes: { flag: 'true' } }, 'attributes.flag', 'expected boolean'],
      [{ attributes: { raw: 'no base64!' } }, 'attributes.raw', 'base64'],
      [{ attributes: { kind: 'OTHER' } }, 'attributes.kind', 'expected one of NONE, SOME, got string "OTHER"'],
      [{ attributes: { list: 5 } }, 'attributes.list', 'expected array'],
      [{ attributes: { list: [1, 2, 'x'] } }, 'attributes.list.2', 'whole number'],
      [{ attributes: { list: [null] } }, 'attributes.list.0', 'got null'],
      [{ attributes: { byName: [] } }, 'attributes.byName', 'expected object'],
      [{ attributes: { byName: { a: { amount: {} } } } }, 'attributes.byName.a.amount', 'expected number, got object'],
      [{ attributes: { byNumber: { x: '' } } }, 'attributes.byNumber.x', 'key of type int64'],
      [{ attributes: { byFlag: { yes: '' } } }, 'attributes.byFlag.yes', 'key of type bool'],
      [{ attributes: { at: 'yesterday' } }, 'attributes.at', 'RFC 3339'],
      [{ attributes: { note: 5 } }, 'attributes.note', 'StringValue'],
      [{ attributes: { ratio: 1e39 } }, 'attributes.ratio', 'expected number'],
      [{ attributes: { text: 'a', number: 1 } }, 'attributes.number', 'nothing beside text'],
      [{ attributes: { userId: 'a', user_id: 'b' } }, 'attributes.user_id', 'once'],
      [{ attributes: { nested: { inner: { name: 1 } } } }, 'attributes.nested.inner.name', 'expected string'],
    ];
    for (const [event, path, words] of wrong) assert.throws(() => codec.encode(event), rejected(path, words));
  });

  it('asks for what proto2 requires, and knows its closed enums', () => {
    const proto2 = codecOf(
      'message M { required string id = 1; optional E e = 2 [default = B]; } enum E { A = 1; B = 2; }',
    );
    assert.deepEqual(proto2.decode(proto2.encode({ id: 'x', e: 1 })), { id: 'x', e: 'A' });
    assert.throws(() => proto2.encode({}), rejected('id', 'got nothing'));
    assert.throws(() => proto2.encode({ id: 'x', e: 3 }), rejected('e', 'expected one of A, B'));
  });

  it('reads every message of the file by its indexes, nested ones too', () => {
    const inner = [0x0a, 1, 0x61];
    assert.deepEqual(codec.decode(Uint8Array.from([...header, 2, 2, ...inner])), { id: 'a', amount: 0 }); // [1]
    assert.deepEqual(codec.decode(Uint8Array.from([...header, 4, 6, 0, ...inner])), { name: 'a' }); // [3, 0]
    assert.deepEqual(codec.decode(Uint8Array.from([...header, 2, 0])), {}); // [0], written out
    for (const indexes of [[2, 20], [4, 6, 2], [1], [255, 255, 255, 255, 15], []])
      assert.throws(() => codec.decode(Uint8Array.from([...header, ...indexes])), rejected('', 'expected'));
  });

  it('counts messages in the order of the file, whatever the file imports', () => {
    const other = 'syntax = "proto3"; package test; message Aaa { string a = 1; } message Other { string o = 1; }';
    const main = 'syntax = "proto3"; package test; import "other.proto"; message Main { Other other = 1; }';
    const mixed = codecOf(main, [{ name: 'other.proto', schema: other }]);
    const event = { other: { o: 'x' } };
    assert.deepEqual(mixed.decode(mixed.encode(event)), event);
    assert.equal(mixed.encode(event)[header.length], 0);
    assert.throws(
      () => codecOf(main),
      (error) => isFault(error, 'SCHEMA_INVALID') && /other\.proto/.test(error.message),
    );
  });

  it('refuses bytes that are of another schema, cut off, or none of the message', () => {
    const wire = [...codec.encode({ data: { id: 'abc', amount: 1 } })];
    assert.throws(() => codec.decode(Uint8Array.from([0, 0, 0, 1, 3, 0])), rejected('', 'schema 259'));
    assert.throws(() => codec.decode(Uint8Array.from(wire.slice(0, -1))), rejected('', 'expected bytes of the schema'));
    assert.throws(() => codec.decode(Uint8Array.from([...header, 0, 0xff, 0xff])), rejected('', 'expected bytes'));
  });

  it('refuses an event, not the process, where nesting is deeper than it can be read (D2)', () => {
    const nested = (levels: number): object => (levels === 0 ? { name: 'x' } : { inner: nested(levels - 1) });
    const deep = (levels: number): object => ({ attributes: { nested: nested(levels) } });
    assert.doesNotThrow(() => codec.decode(codec.encode(deep(90))));
    assert.throws(
      () => codec.encode(deep(500)),
      (error) => error instanceof Reject && /levels/.test(error.message),
    );
  });

  it('keeps every string, number, key and list (D2)', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((one) => one.isWellFormed());
    const data = fc.record({ id: text, amount: fc.double({ noNaN: true }).map((one) => one + 0) });
    const attributes = fc.record({
      userId: text,
      platform: text,
      small: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      signed: fc.maxSafeInteger(),
      large: fc.maxSafeNat(),
      list: fc.array(fc.integer({ min: -9, max: 9 })),
      byName: fc.dictionary(text, data),
      flag: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.record({ data, attributes }), (event) => {
        const decoded = codec.decode(codec.encode(event)) as { attributes: object };
        assert.deepEqual(plain(decoded), plain({ ...event, attributes: { ...empty, ...event.attributes } }));
      }),
    );
  });
});
