/** Any combination of places, repetitions and spellings of the parameters of a request: never a 5xx, and 200 exactly where each stands once. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import { ParameterReader } from '../../src/sources/http/parameters.ts';
import { openPolls } from '../support/poll-parts.ts';

type Place = 'query' | 'form' | 'json';
type Flaw = 'none' | 'array' | 'bad escape' | 'bad UTF-8' | 'NUL';

interface Occurrence {
  readonly name: string;
  readonly value: string;
  readonly inBody: boolean;
  readonly flaw: Flaw;
  /** How it is spelt: as it is where that can be, or all of it escaped. */
  readonly isEscaped: boolean;
}

const names = ['voter', 'choice'];
/** What neither the endpoint nor the schema refuses. */
const value = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((text) => !/\0|^(?:none|defect|mute)$/.test(text) && text.isWellFormed());

const occurrence: fc.Arbitrary<Occurrence> = fc.record({
  name: fc.constantFrom(...names, 'other', '', 'Voter'),
  value,
  inBody: fc.boolean(),
  flaw: fc.oneof(
    { weight: 12, arbitrary: fc.constant<Flaw>('none') },
    fc.constantFrom<Flaw>('array', 'bad escape', 'bad UTF-8', 'NUL'),
  ),
  isEscaped: fc.boolean(),
});

const complete = fc
  .tuple(value, value, fc.boolean(), fc.boolean(), fc.boolean())
  .map(([voter, choice, first, second, isEscaped]): readonly Occurrence[] => [
    { name: 'voter', value: voter, inBody: first, flaw: 'none', isEscaped },
    { name: 'choice', value: choice, inBody: second, flaw: 'none', isEscaped },
  ]);

const request = fc.record({
  occurrences: fc
    .tuple(fc.oneof(complete, fc.constant([])), fc.array(occurrence, { maxLength: 4 }), fc.integer())
    .map(([all, more, turn]) => rotated([...all, ...more], turn)),
  body: fc.constantFrom<Place>('form', 'json'),
});

function rotated<T>(items: readonly T[], turn: number): readonly T[] {
  const at = items.length === 0 ? 0 : Math.abs(turn) % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

const flaws: Readonly<Record<Flaw, string>> = {
  none: '',
  array: '',
  'bad escape': '%4',
  'bad UTF-8': '%C3%28',
  NUL: '%00',
};

function asPair({ name, value: given, flaw, isEscaped }: Occurrence): string {
  const spell = (text: string): string =>
    isEscaped ? escapeAll(text) : encodeURIComponent(text).replaceAll('%20', '+');
  return `${spell(flaw === 'array' ? `${name}[]` : name)}=${spell(given)}${flaws[flaw]}`;
}

function escapeAll(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

function asMember({ name, value: given, flaw, isEscaped }: Occurrence): string {
  const spell = (text: string): string => (isEscaped ? unicodeEscapes(text) : JSON.stringify(text));
  const values: Readonly<Record<Flaw, string>> = {
    none: spell(given),
    array: spell(given),
    'bad escape': '"\\x"',
    'bad UTF-8': '"\\ud800"',
    NUL: '"\\u0000"',
  };
  return `${spell(flaw === 'array' ? `${name}[]` : name)}: ${values[flaw]}`;
}

function unicodeEscapes(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

/** Of those that are passed over, forms must be percent-encoded UTF-8 all the same, and members of JSON must be JSON. */
function isReadable(one: Occurrence, body: Place): boolean {
  if (one.flaw === 'none') return true;
  if (names.includes(one.name)) return false;
  if (one.flaw === 'array' || one.flaw === 'NUL') return true;
  return one.inBody && body === 'json' && one.flaw === 'bad UTF-8';
}

function readOrRefused(work: (reader: ParameterReader) => void): void {
  const reader = new ParameterReader(names);
  try {
    work(reader);
    reader.all();
  } catch (error) {
    assert.ok(isFault(error, 'REQUEST_INVALID'), String(error));
  }
}

suite('parameters', { timeout: 60_000 }, () => {
  test('200 exactly where each stands once, readable, in all places together; its values as they were meant', async (t) => {
    const { app, records } = await openPolls(t);
    let [taken, expected] = [0, 0];
    const property = fc.asyncProperty(request, async ({ occurrences, body }) => {
      const inQuery = occurrences.filter(({ inBody }) => !inBody);
      const inBody = occurrences.filter((one) => one.inBody);
      const text = body === 'form' ? inBody.map(asPair).join('&') : `{${inBody.map(asMember).join(',')}}`;
      const type = body === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
      const sent = inBody.length > 0 ? { payload: text, headers: { 'content-type': type } } : {};
      const reply = await app.inject({ method: 'POST', url: `/vote?${inQuery.map(asPair).join('&')}`, ...sent });
      const once = names.every((name) => occurrences.filter((one) => one.name === name).length === 1);
      const isGood = once && occurrences.every((one) => isReadable(one, body));
      assert.equal(reply.statusCode, isGood ? 200 : 400, reply.body);
      if (!isGood) return;
      expected += 1;
      const all = await records();
      taken = all.length;
      const event = JSON.parse(all.at(-1)!.value.subarray(5).toString()) as Record<string, string>;
      for (const name of names) assert.equal(event[name], occurrences.find((one) => one.name === name)?.value);
    });
    await fc.assert(property, { numRuns: 400 });
    assert.equal(taken, expected);
    assert.ok(expected > 40, `only ${expected} were good`);
  });

  test('whatever stands in a query string or a body, it is read or refused', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from('voterchoice[]%=&+?#"{}:,\\u0061 \0\u00ff')) }),
      fc.json(),
    );
    fc.assert(
      fc.property(text, fc.uint8Array(), (some, bytes) => {
        readOrRefused((reader) => reader.query(`/vote?${Buffer.from(some).toString('latin1')}`));
        for (const body of [Buffer.from(some), Buffer.from(bytes)]) {
          readOrRefused((reader) => reader.form(body));
          readOrRefused((reader) => reader.json(body));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('a body full of separators takes no longer than its length', () => {
    const startedMs = performance.now();
    const reader = new ParameterReader(names);
    for (const text of ['a&', '&', '=&', 'a=', 'voter[&'].map((part) => part.repeat(64 * 1024).slice(0, 64 * 1024)))
      try {
        reader.form(Buffer.from(text));
      } catch (error) {
        assert.ok(isFault(error, 'REQUEST_INVALID'));
      }
    reader.json(Buffer.from(`{${Array.from({ length: 8_000 }, (_, i) => `"${i}":1`).join(',')}}`));
    assert.ok(performance.now() - startedMs < 1_000);
  });
});
