import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { visible, visibleJson } from '../../src/cli/visible.ts';

const anyText = fc.string({ unit: 'binary' });

suite('texts of others', () => {
  test('hold nothing that a terminal obeys', () => {
    assert.equal(visible('a\u001B[2J\u009B1m\n\t\u007F\u202Eb'), 'a\\x1b[2J\\x9b1m\\n\\t\\x7f\\u202eb');
    assert.equal(visible('żółw 猫 🚢'), 'żółw 猫 🚢');
    fc.assert(
      fc.property(anyText, (text) => {
        for (const shown of [visible(text), visibleJson(JSON.stringify(text))])
          assert.doesNotMatch(shown, /[\p{Control}\p{Bidi_Control}\u2028\u2029]/u);
      }),
    );
  });

  test('JSON stays the same JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (value, text) => {
        const whole = { value, text };
        assert.deepEqual(JSON.parse(visibleJson(JSON.stringify(whole))), JSON.parse(JSON.stringify(whole)));
      }),
    );
  });
});
