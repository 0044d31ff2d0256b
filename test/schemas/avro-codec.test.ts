import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Reject } from '../../src/event/reject.ts';
import type { Codec } from '../../src/schemas/codec.ts';
import { compileCodec } from '../../src/schemas/compile.ts';

const collectSchema = readFileSync(join(import.meta.dirname, '../../schemas/events.raw-value.avsc'), 'utf8');

function avro(schema: unknown, id = 7): Codec {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  return compileCodec({ id, subject: 'test-value', version: 1, type: 'AVRO', schema: text });
}

const ofField = (type: unknown, more: object = {}): Codec =>
  avro({ type: 'record', name: 'R', fields: [{ name: 'f', type, ...more }] });

const roundTrip = (codec: Codec, event: unknown): unknown => codec.decode(Buffer.from(codec.encode(event)));

const rejected =
  (path: string, ...words: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Reject, String(error));
    assert.equal(error.path, path);
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
    return true;
  };

const context = { accountId: 'a', userId: 'u' };
const attributes = {
  timestampStamp: '2026-11-20T10:11:12Z',
  messageIdStamp: 'm',
  type: 'App\\Paid',
  targetSubscription: 's',
  newContextStamp: context,
};
const collected = { data: { id: 'd', amount: 1.5 }, attributes };

const field = (name: string, type: unknown): unknown => ({ name, type });

describe('avro codec', () => {
  const codec = avro(collectSchema, 0x01020304);

  it('writes the header, then what the schema says', () => {
    const wire = Buffer.from(ofField('string').encode({ f: 'abc' }));
    assert.deepEqual(wire, Buffer.from([0, 0, 0, 0, 7, 6, 97, 98, 99]));
    assert.deepEqual(Buffer.from(codec.encode(collected)).subarray(0, 5), Buffer.from([0, 1, 2, 3, 4]));
  });

  it('gives events back as plain objects, without what they do not have', () => {
    const track = { id: 2 ** 53 - 2, trackedDevice: 'phone' };
    const full = {
      ...collected,
      attributes: {
        ...attributes,
        newContextStamp: { ...context, requestPlatform: 'web' },
        amplitudeTrackStamp: track,
      },
    };
    assert.deepEqual(roundTrip(codec, full), full);
    const sent = { ...collected, attributes: { ...attributes, amplitudeTrackStamp: null, other: 1 }, extra: { x: 1 } };
    const decoded = roundTrip(codec, sent) as typeof collected;
    assert.equal(JSON.stringify(decoded), JSON.stringify(collected));
    assert.equal(JSON.stringify({ ...decoded }), JSON.stringify(collected));
    assert.equal(Object.getPrototypeOf(decoded.attributes), Object.prototype);
    assert.deepEqual(roundTrip(codec, decoded), decoded);
  });

  it('keeps null where null is required, and defaults that are something', () => {
    assert.deepEqual(roundTrip(ofField(['null', 'string']), { f: null }), { f: null });
    assert.deepEqual(roundTrip(ofField('int', { default: 5 }), {}), { f: 5 });
    assert.throws(() => ofField(['null', 'string']).encode({}), rejected('f', 'expected null or string, got nothing'));
  });

  it('passes doubles of any size', () => {
    for (const amount of [Infinity, -Infinity, 5e-324, -0, 1.7976931348623157e308])
      assert.deepEqual(roundTrip(codec, { ...collected, data: { id: '', amount } }), {
        ...(roundTrip(codec, collected) as object),
        data: { id: '', amount },
      });
  });

  it('says where an event does not fit, what was expected, and what was found (D2)', () => {
    const at = (newContextStamp: unknown): unknown => ({
      ...collected,
      attributes: { ...attributes, newContextStamp },
    });
    const userId = 'attributes.newContextStamp.userId';
    const long = (id: unknown): unknown => ({
      ...collected,
      attributes: { ...attributes, amplitudeTrackStamp: { id } },
    });
    const longAt = 'attributes.amplitudeTrackStamp.id';
    const wrong: readonly (readonly [event: unknown, path: string, ...words: string[]])[] = [
      [at({ accountId: 'a' }), userId, 'expected string, got nothing'],
      [at({ ...context, userId: null }), userId, 'expected string, got null'],
      [at({ ...context, userId: 5 }), userId, 'expected string, got number 5'],
      [at({ ...context, userId: ['u'] }), userId, 'expected string, got array'],
      [at({ ...context, userId: 'a\ud800' }), userId, 'lone surrogate'],
      [at({ ...context, userId: `${'long'.repeat(30)}\ud800` }), userId, 'lone surrogate'],
      [
        at({ ...context, requestPlatform: 1 }),
        'attributes.newContextStamp.requestPlatform',
        'null or string',
        'number 1',
      ],
      [at(undefined), 'attributes.newContextStamp', 'expected object, got nothing'],
      [at('text'), 'attributes.newContextStamp', 'expected object, got string "text"'],
      [at([]), 'attributes.newContextStamp', 'expected object, got array'],
      [long(1.5), longAt, 'long', 'number 1.5'],
      [long(2 ** 53), longAt, '2^53', 'number 9007199254740992'],
      [long(Infinity), longAt, 'number Infinity'],
      [long('1'), longAt, 'long', 'string "1"'],
      [{ ...collected, data: { id: 'x' } }, 'data.amount', 'expected double, got nothing'],
      [{ ...collected, data: { id: 'x', amount: '1' } }, 'data.amount', 'expected double, got string "1"'],
      [{}, 'data', 'expected object, got nothing'],
      [null, '', 'expected object, got null'],
      [[], '', 'expected object, got array'],
      ['text', '', 'expected object, got string'],
      [undefined, '', 'expected object, got nothing'],
    ];
    for (const [event, path, ...words] of wrong) assert.throws(() => codec.encode(event), rejected(path, ...words));
    assert.throws(() => ofField({ type: 'array', items: 'int' }).encode({ f: [1, 2, 3e9] }), rejected('f.2', 'int'));
    assert.throws(() => ofField({ type: 'map', values: 'int' }).encode({ f: { k: true } }), rejected('f.k', 'boolean'));
    const choice = ofField({ type: 'enum', name: 'E', symbols: ['A', 'B'] });
    assert.throws(() => choice.encode({ f: 'C' }), rejected('f', 'one of A, B'));
    const twice = ofField([{ type: 'enum', name: 'E', symbols: ['A'] }, 'string', 'null']);
    assert.throws(() => twice.encode({ f: 5 }), rejected('f', 'named after its type'));
  });

  it('takes no text, number or array for an object, also where all its fields are optional', () => {
    const inner = { type: 'record', name: 'I', fields: [{ name: 'x', type: ['null', 'string'], default: null }] };
    for (const wrong of ['text', 5, true, [], Buffer.from('x')])
      assert.throws(() => ofField(inner).encode({ f: wrong }), rejected('f', 'expected object'));
    assert.equal(JSON.stringify(roundTrip(ofField(inner), { f: {} })), '{"f":{}}');
  });

  it('refuses bytes that are of another schema, cut off, or too many', () => {
    const wire = Buffer.from(codec.encode(collected));
    for (let end = 0; end < wire.length; end++) assert.throws(() => codec.decode(wire.subarray(0, end)), Reject);
    assert.throws(() => codec.decode(Buffer.concat([wire, Buffer.alloc(1)])), rejected('', '1 more'));
    assert.throws(() => avro(collectSchema, 8).decode(wire), rejected('', 'expected schema 8, got schema 16909060'));
    assert.throws(() => codec.decode(Buffer.concat([Buffer.from([1]), wire.subarray(1)])), rejected('', 'zero byte'));
    assert.deepEqual(codec.decode(new Uint8Array(wire)), codec.decode(wire));
  });

  it('refuses garbage, quickly, and without a memory of its size (D6)', () => {
    const tree = {
      type: 'record',
      name: 'T',
      fields: [
        field('l', { type: 'array', items: 'T' }),
        field('m', { type: 'map', values: 'string' }),
        field('u', ['int', 'T']),
        field('b', 'bytes'),
      ],
    };
    const garbled = avro(tree);
    const header = Buffer.from([0, 0, 0, 0, 7]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          garbled.decode(Buffer.concat([header, bytes]));
        } catch (error) {
          assert.ok(error instanceof Reject, String(error));
        }
      }),
      { numRuns: 3_000 },
    );
    const huge = Buffer.from([0, 0, 0, 0, 7, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x02]);
    for (const type of [{ type: 'array', items: 'int' }, { type: 'map', values: 'int' }, 'bytes', 'string', 'long'])
      assert.throws(() => ofField(type).decode(huge), Reject);
    assert.throws(() => ofField('string').decode(Buffer.from([0, 0, 0, 0, 7, 4, 0xc3, 0x28])), rejected('', 'UTF-8'));
    assert.deepEqual(roundTrip(ofField('string'), { f: 'sent: \ufffd' }), { f: 'sent: \ufffd' });
  });

  it('refuses an event, not the process, where nesting is too deep', () => {
    const list = avro({ type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'], default: null }] });
    let deep: object = {};
    for (let i = 0; i < 100_000; i++) deep = { next: deep };
    assert.throws(() => list.encode(deep), rejected('', 'less nesting'));
    assert.throws(() => list.decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.alloc(100_000, 2)])), Reject);
  });

  it('keeps every string, number and key of maps and arrays', () => {
    const all = ofField({ type: 'map', values: { type: 'array', items: ['null', 'string', 'double'] } });
    const text = fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed());
    const item = fc.oneof(text, fc.double({ noNaN: true }), fc.constant(null));
    const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', ''));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.array(item)), { maxLength: 8 }), (members) => {
        const map = Object.fromEntries(members);
        assert.deepEqual(roundTrip(all, { f: map }), { f: map });
      }),
    );
  });

  it('takes large events among small ones, each in the buffer until the next', () => {
    const one = ofField('string');
    for (const length of [10, 5_000, 10, 3_000_000, 100_000, 10]) {
      const event = { f: 'x'.repeat(length) };
      assert.deepEqual(one.decode(one.encode(event)), event);
    }
  });
});
