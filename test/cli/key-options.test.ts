import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { expiry, keyName, rate } from '../../src/cli/keys/key-options.ts';

const hourMs = 3_600_000;

suite('what keys add takes', () => {
  test('names of letters, digits, dots, hyphens and underscores', () => {
    for (const name of ['a', 'web-shop', 'A.b_c-9', 'x'.repeat(64)]) assert.equal(keyName(name), name);
    for (const name of ['', '-a', '.', '../x', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(65)])
      assert.throws(() => keyName(name), /Expected 1 to 64 letters/, name);
  });

  test('rates a second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (n) => {
        assert.equal(rate(`${n}`), n);
        assert.equal(rate(`${n}/s`), n);
      }),
    );
    assert.equal(rate('0.5/s'), 0.5);
    for (const text of ['', '0', '0/s', '0.0001', '-1', '5/m', '1e3', 'Infinity', 'x', '5 /s', '9'.repeat(20)])
      assert.throws(() => rate(text), /Expected requests a second/, text);
  });

  test('times to come, as durations or moments', () => {
    for (const [text, ms] of [
      ['12h', 12 * hourMs],
      ['90d', 90 * 24 * hourMs],
    ] as const) {
      const early = Date.now() + ms;
      assert.ok(expiry(text) >= early && expiry(text) <= Date.now() + ms);
    }
    assert.equal(expiry('2190-01-31T00:00:00Z'), Date.UTC(2190, 0, 31));
    for (const text of ['', 'soon', '9999999d', '5m', '-1d', '2030-13-01T00:00:00Z', '2030-01-01'])
      assert.throws(() => expiry(text), /Expected 90d, 12h/, text);
    for (const text of ['0d', '2020-01-01T00:00:00Z'])
      assert.throws(() => expiry(text), /Expected a time to come/, text);
  });
});
