import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { parseExact, stringifyExact } from '../../src/event/exact-json.ts';

const number = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,4})?$/);
const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a', '1', '0'));

/** JSON on one line, as JSON.stringify would write it but for the numbers. */
const { text } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4 },
    number,
    fc.string().map((value) => JSON.stringify(value)),
    fc.constantFrom('true', 'false', 'null'),
    fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(name, tie('text')), { maxLength: 4, selector: ([key]) => key })
      // names that look like indexes come first in any object of JavaScript's, in the order of their numbers
      .filter((members) => members.every(([key]) => !/^\d+$/.test(key)))
      .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
  ),
}));

suite('JSON without loss', () => {
  test('what is parsed is written again, digit by digit and member by member', () => {
    fc.assert(fc.property(text, (json) => assert.equal(stringifyExact(parseExact(json)), json)));
  });

  test('of duplicate members the last counts, and whitespace goes', () => {
    assert.equal(stringifyExact(parseExact('{ "a" : 1.0, "b": [ ],\n "a": 1.50 }')), '{"a":1.50,"b":[]}');
    assert.equal(stringifyExact(parseExact('[1e400]'), 2), '[\n  1e400\n]');
  });

  test('a member named __proto__ is one, also when it is set', () => {
    const value = parseExact('{}') as Record<string, unknown>;
    value['__proto__'] = 1;
    assert.equal(stringifyExact(value), '{"__proto__":1}');
  });

  test('what is no JSON is refused', () => {
    for (const bad of ['', '{', '01', '[1,]', 'NaN']) assert.throws(() => parseExact(bad), SyntaxError);
  });
});
