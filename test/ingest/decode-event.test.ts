import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Reject } from '../../src/event/reject.ts';
import { json } from '../../src/event/verbatim.ts';
import { decodeEvent, NotJson } from '../../src/ingest/decode-event.ts';
import { splitJson } from '../../src/ingest/split-json.ts';
import type { JsonObject } from '../../src/pipeline/pipeline.ts';

/** As from a body: one event in an array. */
function decode(event: string | Uint8Array, verbatim: readonly string[] = []): JsonObject {
  const body = Buffer.concat([Buffer.from('['), Buffer.from(event as Uint8Array), Buffer.from(']')]);
  const [split] = splitJson().push(body);
  assert.ok(split !== undefined);
  return decodeEvent(split, verbatim).event;
}

const rejects = (event: string | Uint8Array, path: string, message: string): void =>
  assert.throws(
    () => decode(event),
    (error) => {
      assert.ok(error instanceof Reject);
      assert.deepEqual([error.path, error.message], [path, message]);
      return true;
    },
  );

const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

const lone = (unit: string): string => `expected well-formed Unicode, got the lone surrogate \\${unit}`;

describe('decodeEvent', () => {
  test('an object, in ASCII and beyond', () => {
    assert.deepEqual(decode('{"a":[1,{"b":null}],"c":"x"}'), { a: [1, { b: null }], c: 'x' });
    assert.deepEqual(decode('{"é":"漢😀","x":"\\u00e9\\ud83d\\ude00"}'), { é: '漢😀', x: 'é😀' });
  });

  test('of duplicate keys the last counts', () => assert.deepEqual(decode('{"a":1,"b":2,"a":3}'), { b: 2, a: 3 }));

  test('__proto__ and the like are ordinary keys', () => {
    const event = decode('{"__proto__":{"polluted":1},"constructor":2,"toString":3}');
    assert.deepEqual(Object.keys(event), ['__proto__', 'constructor', 'toString']);
    assert.equal(Object.getPrototypeOf(event), Object.prototype);
    assert.equal(event['polluted'], undefined);
    assert.equal(json(decode('{"__proto__":{"n":1e400}}', ['__proto__'])['__proto__'] as object), '{"n":1e400}');
  });

  for (const [event, got] of Object.entries({
    '17': 'a number',
    '"x"': 'a string',
    null: 'null',
    true: 'a boolean',
    '[{}]': 'an array',
  })) {
    test(`${event} is JSON and no event`, () => rejects(event, '', `expected an object, got ${got}`));
  }

  for (const [event, position, found] of [
    ['{"a":NaN}', 5, '"N"'],
    ['{"a":[1}}', 7, '"}"'],
    ['{"é":tru}', 9, '"}"'],
    ['nothing', 1, '"o"'],
    ['{"a":"\n"}', 6, 'byte 0x0a'],
    ['{"a":01}', 6, '"1"'],
    ['{"a":"\\x"}', 7, '"x"'],
    ["{'a':1}", 1, `"'"`],
  ] as const) {
    test(`${JSON.stringify(event)} is no JSON`, () => {
      assert.throws(
        () => decode(event),
        (error) => {
          assert.ok(error instanceof NotJson);
          assert.deepEqual(
            [error.position, error.message],
            [position, `found ${found} at byte ${position} of the event`],
          );
          return true;
        },
      );
    });
  }

  test('invalid UTF-8 makes an invalid event of JSON, and nothing of what is none', () => {
    const event = Buffer.from('{"a":"xx","b":1}');
    for (const bad of [
      [0xff, 0xfe],
      [0xc0, 0x80],
      [0xed, 0xa0],
    ]) {
      event.set(bad, 6);
      rejects(event, '', 'expected UTF-8, got bytes that are none');
    }
    event.write('?', 14);
    assert.throws(
      () => decode(event),
      (error) => error instanceof NotJson && error.position === 14,
    );
  });

  test('nesting over 1,000 levels, the event itself being the first', () => {
    assert.ok(decode(nested(1000)));
    rejects(nested(1001), '', 'expected at most 1000 levels of nesting, got more');
    assert.throws(() => decode(nested(1001).replace('[]', '[}')), Error);
    assert.throws(() => decode(nested(1001).replace('[]', '[?]')), NotJson);
    const hidden = nested(1001).replace(/\}$/, ',"a":1}');
    rejects(hidden, '', 'expected at most 1000 levels of nesting, got more');
  });

  test('ten million brackets: rejected, in memory of a fraction of their size', () => {
    const levels = 10_000_000;
    const event = Buffer.alloc(2 * levels, '[');
    event.fill(']', levels);
    const before = process.memoryUsage();
    assert.throws(() => decodeEvent({ bytes: event, tooDeep: true }, []), Reject);
    const after = process.memoryUsage();
    assert.ok(after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers < event.length);
  });

  const nul = 'expected text without \\u0000';
  for (const [event, path, message] of [
    ['{"a":{"b":["x",{"c":"y\\u0000"}]}}', 'a.b[1].c', nul],
    ['{"a":[[],{"x":[1,2]},"\\u0000"]}', 'a[2]', nul],
    ['{"a":{"k\\u0000":1}}', 'a', nul],
    ['{"\\u0000":1}', '', nul],
    ['{"a":"\\ud800"}', 'a', lone('ud800')],
    ['{"a":"\\uDC00\\uD800"}', 'a', lone('uDC00')],
    ['{"x":"\\ud83d\\ude00","é":{"b":"\\ud83dx"}}', 'é.b', lone('ud83d')],
    ['{"x":"\\ud83d\\ud83d\\ude00"}', 'x', lone('ud83d')],
    ['{"x":"\\ud83d\\\\ude00"}', 'x', lone('ud83d')],
    ['{"a":"\\u0000","a":"a later duplicate hides it, but not from PostgreSQL"}', 'a', nul],
    ['{"a b":{"d\\u0061ta":"\\u0000"}}', 'a b.data', nul],
  ] as const) {
    test(`what PostgreSQL cannot hold: ${event}`, () => rejects(event, path, message));
  }

  test('names without end make no path without end', () => {
    for (const name of ['é'.repeat(1e5), '😀'.repeat(1e5), 'x.'.repeat(1e5)])
      assert.throws(
        () => decode(`{"${name}":"\\u0000"}`),
        ({ path }: Reject) => path.isWellFormed() && path.length < 2_000 && path.startsWith(name.slice(0, 900)),
      );
  });

  test('what only looks like it', () => {
    assert.deepEqual(decode('{"a":"\\\\u0000","b":"\\\\\\\\ud800","c":"\\ud83d\\ude00","d":"\\u0001"}'), {
      a: '\\u0000',
      b: '\\\\ud800',
      c: '😀',
      d: '\u0001',
    });
  });

  test('numbers that JSON.parse rounds are kept digit by digit', () => {
    const data = '{ "amount": 1e400, "n":12345678901234567890.1234567890123456789012345 }';
    for (const event of [
      `{"data":${data},"a":1}`,
      `{"a":"data", "data" : ${data} }`,
      `{"é":1,"data":${data}}`,
      `{"a":"\\ud83d\\ude00","data":{"old":1},"d\\u0061ta":${data}}`,
      `{"data":1,"data":${data}}`,
    ]) {
      const decoded = decode(event, ['data', 'other']);
      assert.equal((decoded['data'] as JsonObject)['amount'], Infinity);
      assert.equal(json(decoded['data'] as object), data);
    }
  });

  test('nothing is attached where the member is no object, or absent', () => {
    assert.deepEqual(decode('{"data":[1.0],"b":"x","c":null}', ['data', 'b', 'c', 'd']), {
      data: [1],
      b: 'x',
      c: null,
    });
    assert.equal(json(decode('{"data":[1.0]}', ['data'])['data'] as object), '[1]');
  });

  test('decodes any object as JSON.parse does, or rejects it for its text', () => {
    const member = fc.tuple(
      fc.oneof(fc.constant('data'), fc.string({ unit: 'binary' })),
      fc.jsonValue({ stringUnit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(member), fc.constantFrom('', ' '), (members, indent) => {
        const text = JSON.stringify(Object.fromEntries(members), undefined, indent);
        const expected = JSON.parse(text) as JsonObject;
        const isHolding = !/\0|\p{Surrogate}/u.test(deepText(expected));
        if (!isHolding) return assert.throws(() => decode(text), Reject);
        const event = decode(text, ['data']);
        assert.deepEqual(withoutSymbols(event), expected);
        if (typeof event['data'] === 'object' && event['data'] !== null) {
          assert.deepEqual(JSON.parse(json(event['data'])), expected['data']);
        }
        return undefined;
      }),
      { numRuns: 1000 },
    );
  });
});

function deepText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, member]) => `${key},${deepText(member)}`)
    .join();
}

function withoutSymbols(event: JsonObject): unknown {
  return JSON.parse(JSON.stringify(event));
}
