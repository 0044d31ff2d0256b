import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { elementSpans, memberText, plainMemberSpan } from '../../src/event/json-member.ts';

describe('memberText', () => {
  const cases: readonly (readonly [text: string, name: string, member: string | undefined])[] = [
    ['{"data":{"amount":1e400}}', 'data', '{"amount":1e400}'],
    [' { "a" : 1 , "data" :\t[1, 2] \n} ', 'data', '[1, 2]'],
    ['{"data":1,"data":2.50}', 'data', '2.50'],
    ['{"d\\u0061ta":{}}', 'data', '{}'],
    ['{"data":1,"\\u0064ata":2}', 'data', '2'],
    ['{"\\u0064ata":1,"data":2}', 'data', '2'],
    ['{"a":{"data":1},"b":"\\"data\\":2"}', 'data', undefined],
    ['{"a":"data","data":3}', 'data', '3'],
    ['{"\\"data":1,"data\\"":2}', 'data', undefined],
    ['{"a\\\\":"}","data":"{\\"\\\\"}', 'data', '"{\\"\\\\"'],
    ['{"__proto__":{"x":1}}', '__proto__', '{"x":1}'],
    ['{"":7}', '', '7'],
    ['{"a/b":1}', 'a/b', '1'],
    ['{"a\\/b":1}', 'a/b', '1'],
    ['{"a\\\\n":1,"a\\n":2}', 'a\\n', '1'],
    ['{"é漢":-0.0,"x":null}', 'é漢', '-0.0'],
    ['{"\\u00e9":true}', 'é', 'true'],
    ['{}', 'data', undefined],
    [' { } ', 'data', undefined],
  ];
  for (const [text, name, member] of cases) {
    test(`${name} of ${text}`, () => assert.equal(memberText(text, name), member));
  }

  const key = fc.oneof(
    fc.constantFrom('data', 'd', '', '__proto__', '"data', 'data"', '\\data', 'met data'),
    fc.string({ unit: 'binary' }),
  );
  const value = fc.oneof(
    fc.json({ stringUnit: 'binary' }),
    fc.constantFrom('"data"', '{"data":1}', '1e400', '"\\"data\\":"'),
  );
  const gap = fc.constantFrom('', ' ', '\n', '\t \r');
  const spelledKey = fc
    .tuple(key, fc.boolean())
    .map(([name, escape]) => [name, escape ? escaped(name) : JSON.stringify(name)] as const);
  const members = fc.array(fc.tuple(spelledKey, value, gap, gap, gap, gap), { maxLength: 6 });

  test('finds what JSON.parse sees, for any object, key and whitespace', () => {
    fc.assert(
      fc.property(members, gap, key, (list, outer, other) => {
        const text = write(list, outer);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        for (const name of [other, ...list.map(([[spelled]]) => spelled)]) {
          const found = memberText(text, name);
          assert.equal(found !== undefined, Object.hasOwn(parsed, name));
          if (found === undefined) continue;
          assert.deepEqual(JSON.parse(found), parsed[name]);
          assert.equal(found, found.trim());
          assert.equal(plainIfPlain(text, name), found);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Where its conditions hold, the quick way gives the same. */
function plainIfPlain(text: string, name: string): string | undefined {
  const bytes = Buffer.from(text);
  const isPlain = /^[\0-\x7f]*$/.test(text) && !text.includes('\\u');
  if (!isPlain) return memberText(text, name);
  const span = plainMemberSpan(text, bytes, name);
  return span && text.slice(span.start, span.end);
}

type Written = readonly [key: readonly [string, string], value: string, ...gaps: string[]];

function write(list: readonly Written[], outer: string): string {
  const inner = list.map(([[, spelled], text, a, b, c, d]) => `${a}${spelled}${b}:${c}${text}${d}`).join(',');
  return Buffer.from(`${outer}{${inner || outer}}${outer}`).toString();
}

function escaped(name: string): string {
  const units = Array.from({ length: name.length }, (_, i) => name.charCodeAt(i).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

describe('elementSpans', () => {
  const element = fc.oneof(fc.json({ stringUnit: 'binary' }), fc.constantFrom('1e400', '"]"', '[[],{}]', '-0.0', '""'));
  const gap = fc.constantFrom('', ' ', '\n', '\t \r');

  test('finds what JSON.parse sees, for any array and whitespace', () => {
    const elements = fc.array(fc.tuple(gap, element, gap), { maxLength: 8 });
    fc.assert(
      fc.property(elements, gap, gap, (list, before, empty) => {
        const inside = list.map(([left, text, right]) => left + text + right).join(',') || empty;
        const bytes = Buffer.from(`${before}[${inside}], 7`);
        const spans = elementSpans(bytes, before.length);
        assert.deepEqual(
          spans.map(({ start, end }) => bytes.toString('utf8', start, end)),
          list.map(([, text]) => text),
        );
      }),
    );
  });
});
