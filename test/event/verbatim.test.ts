import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { attachVerbatim, stringifyEvent } from '../../src/event/verbatim.ts';

test('an event is one line, also where it was sent on several, with every digit', () => {
  const text = '{\r\n  "amount": 1.10,\n  "note": "a\\nb"\n}';
  const line = stringifyEvent({ data: attachVerbatim(JSON.parse(text) as object, text), n: undefined });
  assert.equal(line, '{"data":{    "amount": 1.10,   "note": "a\\nb" }}');
});

test('a line says what the event said, whatever white space it was sent with', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('', ' ', '\n', '\t', '\r\n '), (value, indent) => {
      const data = { value };
      const text = JSON.stringify(data, undefined, indent).replaceAll('\n', indent.includes('\r') ? '\r\n' : '\n');
      const line = stringifyEvent({ data: attachVerbatim(data, text) });
      assert.doesNotMatch(line, /[\r\n]/);
      assert.deepEqual(JSON.parse(line), { data: JSON.parse(text) as unknown });
    }),
  );
});
