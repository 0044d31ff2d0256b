import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isJson, jsonErrorAt } from '../../src/event/json-syntax.ts';

const takes = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('isJson', () => {
  const samples = [
    '',
    ' ',
    '0',
    '-0',
    '-',
    '01',
    '1.',
    '.1',
    '1.0',
    '1e5',
    '1E+05',
    '1e',
    '1e+',
    '1.e1',
    '-1.5e-3',
    '1e400',
    '+1',
    'NaN',
    'Infinity',
    'nul',
    'null',
    'nulll',
    'true',
    'True',
    'false',
    'undefined',
    '0x10',
    "'a'",
    '""',
    '"',
    '"\\"',
    '"\\x"',
    '"\\u12"',
    '"\\u12G4"',
    '"\\u0000"',
    '"\\ud800"',
    '"\n"',
    '"\u007f"',
    '"\\/"',
    '"é漢😀"',
    '[]',
    '[',
    ']',
    '[,]',
    '[1,]',
    '[1 2]',
    '[1,2]',
    ' [ ] ',
    '[]]',
    '[}',
    '[1}',
    '[[],[]]',
    '[1]x',
    '\uFEFF[]',
    '{}',
    '{',
    '{1:2}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1}',
    '{"a":1]',
    '{,}',
    '{"a":1 "b":2}',
    '{"a":{"b":[{}]}}',
    '{"a" : 1 , "b":[ ] }',
    '{"a":1,"a":2}',
    '[{"a":[{}]},2,[[{}],{}]]',
    '[{}[]]',
    '\u00a01',
    '\u20281',
    '1\v',
  ];
  for (const sample of samples) {
    test(JSON.stringify(sample), () => assert.equal(isJson(Buffer.from(sample)), takes(sample)));
  }

  test('any JSON is JSON', () => {
    const indent = fc.constantFrom('', ' ', '\t');
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), indent, (value, space) => {
        assert.equal(jsonErrorAt(Buffer.from(JSON.stringify(value, undefined, space))), undefined);
      }),
      { numRuns: 1000 },
    );
  });

  test('agrees with JSON.parse on texts with anything changed', () => {
    const piece = fc.constantFrom(
      ...Array.from('[]{},:"\\u0129-+.eEtfn \n'),
      'true',
      'null',
      '\\n',
      '\u0001',
      '\uFEFF',
      'é',
    );
    const change = fc.tuple(fc.nat(), fc.nat(2), piece);
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.array(change, { maxLength: 3 }), (json, changes) => {
        const text = Buffer.from(changes.reduce(splice, json)).toString();
        assert.equal(isJson(Buffer.from(text)), takes(text), text);
      }),
      { numRuns: 10_000 },
    );
  });

  test('agrees with JSON.parse on any short sequence of tokens', () => {
    const token = fc.constantFrom('[', ']', '{', '}', ',', ':', '"a"', '1', 'null', ' ');
    fc.assert(
      fc.property(fc.array(token, { maxLength: 10 }), (tokens) => {
        const text = tokens.join('');
        assert.equal(isJson(Buffer.from(text)), takes(text), text);
      }),
      { numRuns: 20_000 },
    );
  });

  test('every true prefix of an object is wrong at its end, and says where', () => {
    const text = '{"a\\n\\u00e9":[1.5e-3,true,null,{"b":"c"}],"d":{}}';
    for (let length = 0; length < text.length; length += 1)
      assert.equal(jsonErrorAt(Buffer.from(text.slice(0, length))), length);
    assert.equal(jsonErrorAt(Buffer.from('{"a":[1,2,}')), 10);
    assert.equal(jsonErrorAt(Buffer.from('{"a":tru3}')), 8);
    assert.equal(jsonErrorAt(Buffer.from('{} {}')), 3);
  });

  test('does not look at bytes over 0x7F within strings, and takes none outside', () => {
    assert.ok(isJson(Uint8Array.of(0x22, 0xff, 0xc0, 0x22)));
    assert.equal(jsonErrorAt(Uint8Array.of(0x5b, 0xff, 0x5d)), 1);
  });

  test('ten million brackets take no stack, and memory of an eighth of their bytes', () => {
    const levels = 10_000_000;
    const arrays = Buffer.alloc(2 * levels, '[');
    arrays.fill(']', levels);
    const before = process.memoryUsage();
    assert.ok(isJson(arrays));
    const after = process.memoryUsage();
    assert.ok(
      after.heapUsed - before.heapUsed < arrays.length && after.arrayBuffers - before.arrayBuffers < arrays.length,
    );
    assert.equal(jsonErrorAt(arrays.subarray(0, levels)), levels);
    arrays.write('}', levels);
    assert.equal(jsonErrorAt(arrays), levels);
    const objects = Buffer.from(`${'{"a":['.repeat(1_000_000)}${']}'.repeat(1_000_000)}`);
    assert.ok(isJson(objects));
  });
});

function splice(text: string, [at, removed, added]: readonly [number, number, string]): string {
  const from = at % (text.length + 1);
  return text.slice(0, from) + added + text.slice(from + removed);
}
