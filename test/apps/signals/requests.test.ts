/** What a request must be, and what is kept and answered of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { assert as assertProperty, boolean, constantFrom, property, string, uuid } from 'fast-check';
import { Reject, type Timestamp } from 'tributary';
import { guessVowel } from '../../../apps/signals/guess-vowel.ts';
import { symbols } from '../../../apps/signals/read-symbol.ts';
import { answer, followup, initial } from '../../../apps/signals/requests.ts';
import { compileCodec } from '../../../src/schemas/compile.ts';
import { root } from '../../docs/markdown.ts';
import { uuidOf } from './read-signals.ts';

const received = { time: '2017-06-28T19:34:14.486693Z' as Timestamp };
const id = uuidOf(1);

function rejects(path: string, act: () => unknown, what: string): void {
  assert.throws(act, (error) => error instanceof Reject && error.path === path, what);
}

suite('a request to signals', () => {
  test('is kept with the time it came and the guess it was answered', () => {
    const asked = initial({ uuid: id, symbol: 'e' }, received);
    assert.deepEqual(asked, { uuid: id, symbol: 'e', is_vowel: asked.is_vowel, kind: 'initial', time: received.time });
    assert.equal(answer({ ...asked, is_vowel: true }), 'True');
    assert.equal(answer({ ...asked, is_vowel: false }), 'False');
    const back = followup({ uuid: id }, received);
    assert.deepEqual(back, { uuid: id, symbol: null, is_vowel: null, kind: 'followup', time: received.time });
    assert.equal(answer(back), 'hooray');
  });

  test('has a uuid of version 4 with hyphens, in either case, which means the same', () => {
    assertProperty(
      property(uuid({ version: 4 }), boolean(), (one, isUpper) => {
        assert.equal(followup({ uuid: isUpper ? one.toUpperCase() : one }, received).uuid, one);
      }),
    );
    const wrong = [
      '',
      id.slice(1),
      id.replaceAll('-', ''),
      `{${id}}`,
      `${id}\n`,
      id.replace('-4', '-5'),
      id.replace('-8', '-7'),
    ];
    for (const one of wrong) rejects('uuid', () => followup({ uuid: one }, received), one);
    assertProperty(
      property(uuid({ version: [1, 2, 3, 5, 6, 7, 8] }), (one) =>
        rejects('uuid', () => followup({ uuid: one }, received), one),
      ),
    );
  });

  test('asks for one lower-case letter', () => {
    for (const symbol of symbols) assert.equal(initial({ uuid: id, symbol }, received).symbol, symbol);
    assertProperty(
      property(string({ unit: 'binary', maxLength: 3 }), (symbol) => {
        if (!symbols.includes(symbol)) rejects('symbol', () => initial({ uuid: id, symbol }, received), symbol);
      }),
    );
    for (const symbol of ['E', 'é', '1', '', 'a\n'])
      rejects('symbol', () => initial({ uuid: id, symbol }, received), symbol);
  });

  test('its schema takes it, and nothing that only looks like it', () => {
    const schema = readFileSync(join(root, 'schemas/signals.raw-value.schema.json'), 'utf8');
    const codec = compileCodec({ id: 1, subject: 'signals.raw-value', version: 1, type: 'JSON', schema });
    const asked = initial({ uuid: id, symbol: 'y' }, received);
    const back = followup({ uuid: id }, received);
    for (const signal of [asked, back]) assert.deepEqual(codec.decode(Buffer.from(codec.encode(signal))), signal);
    const wrong: readonly object[] = [
      { ...asked, symbol: null },
      { ...asked, is_vowel: null },
      { ...back, symbol: 'e' },
      { ...back, is_vowel: true },
      { ...asked, kind: 'other' },
      { ...asked, symbol: 'E' },
      { ...asked, more: 1 },
      ...['2017-06-31', '2017-13-01', '0000-01-01'].map((day) => ({ ...asked, time: `${day}T19:34:14.486693Z` })),
      ...['2017-06-28T19:34:14Z', '2017-06-28T23:59:60.000000Z', '2017-06-28 19:34:14.486693Z'].map((time) => ({
        ...asked,
        time,
      })),
      { ...asked, uuid: id.toUpperCase().replaceAll('0', 'A') },
    ];
    for (const signal of wrong) assert.throws(() => codec.encode(signal), Reject, JSON.stringify(signal));
  });
});

const draws = (...values: readonly number[]) => {
  const left = [...values];
  return () => left.shift() ?? assert.fail('drawn too often');
};

suite('the guess', () => {
  test('is right nine times in ten', () => {
    for (const symbol of symbols) {
      if (symbol === 'y') continue;
      const isVowel = ['a', 'e', 'i', 'o', 'u'].includes(symbol);
      assert.equal(guessVowel(symbol, draws(0.1)), isVowel, symbol);
      assert.equal(guessVowel(symbol, draws(0.0999)), !isVowel, symbol);
    }
  });

  test('takes y for a vowel half of the time', () => {
    assertProperty(
      property(constantFrom(0, 0.25, 0.4999), constantFrom(0.5, 0.75, 0.999), (low, high) => {
        assert.equal(guessVowel('y', draws(low, 0.5)), true);
        assert.equal(guessVowel('y', draws(high, 0.5)), false);
        assert.equal(guessVowel('y', draws(low, 0)), false);
        assert.equal(guessVowel('y', draws(high, 0)), true);
      }),
    );
    const guesses = Array.from({ length: 10_000 }, () => guessVowel('y'));
    const share = guesses.filter(Boolean).length / guesses.length;
    assert.ok(share > 0.45 && share < 0.55, String(share));
  });
});
