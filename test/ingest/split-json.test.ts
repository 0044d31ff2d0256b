import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import { splitJson } from '../../src/ingest/split-json.ts';
import { maxNestingLevels } from '../../src/event/json-nesting.ts';
import { type SplitEvent } from '../../src/ingest/splitter.ts';

function split(...pieces: (string | Uint8Array)[]): SplitEvent[] {
  const splitter = splitJson();
  const events: SplitEvent[] = [];
  for (const piece of pieces) {
    const chunk = Buffer.from(piece as Uint8Array);
    for (const { bytes, tooDeep } of splitter.push(chunk)) events.push({ bytes: Buffer.from(bytes), tooDeep });
    chunk.fill(0);
  }
  events.push(...splitter.end());
  assert.equal(splitter.heldBytes, 0);
  return events;
}

const texts = (...pieces: (string | Uint8Array)[]): string[] => split(...pieces).map(({ bytes }) => bytes.toString());

/** The same body in one chunk and in chunks of one byte. */
function inBothWays(body: string | Uint8Array, check: (pieces: Uint8Array[]) => void): void {
  const bytes = Buffer.from(body as Uint8Array);
  check([bytes]);
  check(Array.from(bytes, (byte) => Uint8Array.of(byte)));
}

const nested = (levels: number): string => `${'['.repeat(levels - 1)}{"a":"]["}${']'.repeat(levels - 1)}`;

describe('a JSON body', () => {
  const good: readonly (readonly [name: string, body: string, events: readonly string[]])[] = [
    ['an array', '[{"a":1},{"b":[2,{}]}]', ['{"a":1}', '{"b":[2,{}]}']],
    ['whitespace around events is not theirs', ' \t\r\n[ {"a": 1 }\n,\t{} \r] \n', ['{"a": 1 }', '{}']],
    ['a package of none', '[]', []],
    ['a package of none with whitespace', ' [ ] ', []],
    ['one object is a package of one', ' {"a":[1]} ', ['{"a":[1]}']],
    ['a byte order mark', '\uFEFF[{}]', ['{}']],
    ['a byte order mark before one object', '\uFEFF {}', ['{}']],
    [
      'what is no object is an event too',
      '[1,"x,]\\"",true,null,-1.5e+3,[[]]]',
      ['1', '"x,]\\""', 'true', 'null', '-1.5e+3', '[[]]'],
    ],
    ['brackets, commas and quotes in strings', '[{"]}":"[{\\"}],"},2]', ['{"]}":"[{\\"}],"}', '2']],
    [
      'escaped backslashes before quotes',
      '["\\\\","\\\\\\"",{"\\\\":"\\\\"}]',
      ['"\\\\"', '"\\\\\\""', '{"\\\\":"\\\\"}'],
    ],
    ['text beyond ASCII', '["é漢😀",{"é":"漢"}]', ['"é漢😀"', '{"é":"漢"}']],
    [
      'duplicate keys and __proto__ are left as they are',
      '[{"a":1,"a":2,"__proto__":3}]',
      ['{"a":1,"a":2,"__proto__":3}'],
    ],
  ];
  for (const [name, body, events] of good) {
    test(name, () => inBothWays(body, (pieces) => assert.deepEqual(texts(...pieces), events)));
  }

  const bad: readonly (readonly [body: string, message: string])[] = [
    ['', 'expected a JSON array or object, found the end of the body at byte 0'],
    [' \n', 'expected a JSON array or object, found the end of the body at byte 2'],
    ['\uFEFF', 'expected a JSON array or object, found the end of the body at byte 3'],
    ['\uFEFF\uFEFF[]', 'expected a JSON array or object, found byte 0xef at byte 3'],
    ['17', 'expected a JSON array or object, found "1" at byte 0'],
    [' "x"', `expected a JSON array or object, found '"' at byte 1`],
    ['true', 'expected a JSON array or object, found "t" at byte 0'],
    ['NaN', 'expected a JSON array or object, found "N" at byte 0'],
    ['<html>', 'expected a JSON array or object, found "<" at byte 0'],
    ['\u0000', 'expected a JSON array or object, found byte 0x00 at byte 0'],
    ['[,]', 'expected an event or "]", found "," at byte 1'],
    ['[{},]', 'expected an event, found "]" at byte 4'],
    ['[{},,{}]', 'expected an event, found "," at byte 4'],
    ['[{} {}]', 'expected "," or "]", found "{" at byte 4'],
    ['["a""b"]', `expected "," or "]", found '"' at byte 4`],
    ['[1 2]', 'expected "," or "]", found "2" at byte 3'],
    ['[1{}]', 'expected "," or "]", found "{" at byte 2'],
    ['[{}}', 'expected "," or "]", found "}" at byte 3'],
    ['[}', 'expected an event or "]", found "}" at byte 1'],
    ['[+1]', 'expected an event or "]", found "+" at byte 1'],
    ['[:]', 'expected an event or "]", found ":" at byte 1'],
    ['[]]', 'expected the end of the body, found "]" at byte 2'],
    ['[{}] x', 'expected the end of the body, found "x" at byte 5'],
    ['{}{}', 'expected the end of the body, found "{" at byte 2'],
    ['{},{}', 'expected the end of the body, found "," at byte 2'],
    [']', 'expected a JSON array or object, found "]" at byte 0'],
  ];
  for (const [body, message] of bad) {
    test(`refused: ${JSON.stringify(body)}`, () => {
      inBothWays(body, (pieces) =>
        assert.throws(
          () => split(...pieces),
          (error) => isFault(error, 'NOT_JSON') && error.message === message,
        ),
      );
    });
  }

  test('half a byte order mark is none', () => {
    for (const body of [
      [0xef, 0xbb, 0x5b],
      [0xef, 0x20, 0xbb, 0xbf],
      [0xbb, 0xbf],
    ])
      inBothWays(Uint8Array.from(body), (pieces) =>
        assert.throws(
          () => split(...pieces),
          (error) => isFault(error, 'NOT_JSON'),
        ),
      );
    assert.throws(
      () => split(Uint8Array.of(0xef, 0xbb)),
      (error) => isFault(error, 'NOT_JSON'),
    );
  });

  test('stops half-way: every true prefix is BODY_INCOMPLETE', () => {
    const body = '[{"a":"x\\"y"} ,[1, 2] , "z\\\\", 12 , true]';
    for (let length = 1; length < body.length; length += 1) {
      inBothWays(body.slice(0, length), (pieces) =>
        assert.throws(
          () => split(...pieces),
          (error) => isFault(error, 'BODY_INCOMPLETE'),
          body.slice(0, length),
        ),
      );
    }
  });

  test('nesting is counted for each event by itself, its own object being level 1', () => {
    const body = `[${nested(maxNestingLevels)},${nested(maxNestingLevels + 1)},{}]`;
    inBothWays(body, (pieces) =>
      assert.deepEqual(
        split(...pieces).map((event) => event.tooDeep),
        [false, true, false],
      ),
    );
    const single = `${'{"a":'.repeat(maxNestingLevels)}1${'}'.repeat(maxNestingLevels)}`;
    assert.deepEqual(
      split(single).map((event) => event.tooDeep),
      [false],
    );
    assert.deepEqual(
      split(`{"a":${single}}`).map((event) => event.tooDeep),
      [true],
    );
  });

  test('ten million brackets', () => {
    const levels = 10_000_000;
    const body = Buffer.alloc(2 * levels + 2, '[');
    body.fill(']', levels + 1);
    const events = split(body);
    assert.deepEqual(
      events.map(({ bytes, tooDeep }) => [bytes.length, tooDeep]),
      [[2 * levels, true]],
    );
  });

  test('D6: holds the incomplete event and no more, also of one-byte chunks', () => {
    const splitter = splitJson();
    splitter.push(Buffer.from('[{"a":1},  {"b'));
    assert.equal(splitter.heldBytes, 3);
    globalThis.gc?.();
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000_000; i += 1) splitter.push(Buffer.from('x'));
    const after = process.memoryUsage();
    assert.equal(splitter.heldBytes, 1_000_003);
    assert.ok(after.arrayBuffers - before.arrayBuffers < 64 << 20, 'memory grows with the bytes, not with the chunks');
    assert.equal(splitter.push(Buffer.from('":0}'))[0]?.bytes.length, 1_000_007);
    assert.equal(splitter.heldBytes, 0);
  });

  test('what was handed on does not change when the next event is put together', () => {
    const splitter = splitJson();
    splitter.push(Buffer.from('[{"first":'));
    const [first] = splitter.push(Buffer.from('1},{"second":'));
    const [second] = splitter.push(Buffer.from('2}]'));
    assert.deepEqual([first?.bytes.toString(), second?.bytes.toString()], ['{"first":1}', '{"second":2}']);
  });

  test('any array, cut anywhere, gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.json({ stringUnit: 'binary' }), { maxLength: 6 }),
        fc.array(fc.constantFrom(' ', '\n', '\t', '\r', ''), { minLength: 15, maxLength: 15 }),
        fc.array(fc.nat(200), { maxLength: 20 }),
        (events, gaps, cuts) => {
          const space = (i: number): string => gaps[i] ?? '';
          const inner = events.map((text, i) => `${space(2 * i)}${text}${space(2 * i + 1)}`).join(',');
          const body = Buffer.from(`${space(12)}[${inner}${space(13)}]${space(14)}`);
          const edges = [0, ...cuts.map((cut) => cut % (body.length + 1)).toSorted((a, b) => a - b), body.length];
          const pieces = edges.slice(1).map((edge, i) => body.subarray(edges[i], edge));
          const found = texts(...pieces);
          assert.deepEqual(
            found.map((text) => JSON.parse(text)),
            JSON.parse(body.toString()),
          );
          assert.deepEqual(
            found,
            events.map((text) => Buffer.from(text).toString().trim()),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a body is JSON exactly if the splitter takes it and each event is JSON', () => {
    const symbols = fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', '"a":', '1', '-', 'true', ' ', 'x');
    fc.assert(
      fc.property(fc.array(symbols, { maxLength: 12 }), (parts) => {
        const body = parts.join('');
        assert.equal(acceptsWhole(body), acceptsParts(body), body);
      }),
      { numRuns: 20_000 },
    );
  });
});

function acceptsWhole(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function acceptsParts(body: string): boolean {
  try {
    for (const text of texts(body)) JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
