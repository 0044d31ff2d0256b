/** Envelopes: their events are found as JSON has them, and what is none is refused with its reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Reject } from '../../src/event/reject.ts';
import { envelopeEvents } from '../../src/ingest/envelope.ts';

function eventsOf(text: string): readonly unknown[] {
  return envelopeEvents(Buffer.from(text), 'events').map(({ bytes }) => JSON.parse(bytes.toString()) as unknown);
}

test('property: the events are those that JSON.parse finds, whatever stands beside them, with whatever whitespace', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const name = fc.constantFrom('events', 'event', 'a"b\\', '', '{', 'evénts');
  const members = fc.array(fc.tuple(name, value), { maxLength: 4 });
  const sent = fc.property(
    members,
    fc.array(value, { maxLength: 5 }),
    members,
    fc.nat(2),
    (before, events, after, indent) => {
      const others = after.filter(([key]) => key !== 'events');
      const pairs: (readonly [string, unknown])[] = [...before, ['events', events], ...others];
      const texts = pairs.map(([key, one]) => `${JSON.stringify(key)} :${JSON.stringify(one, undefined, indent)}`);
      const body = ` { ${texts.join(' ,')}}\n`;
      assert.deepEqual(eventsOf(body), (JSON.parse(body) as { events: unknown[] }).events);
    },
  );
  fc.assert(sent, { numRuns: 300 });
});

test('property: a body of which any byte is lost or another is refused, or is an envelope all the same', () => {
  const body = JSON.stringify({ sent: '[{"', events: [{ a: 'x"}' }, { b: [1, 2, { c: null }] }], more: { events: 7 } });
  const check = (at: number, byte: number | undefined): void => {
    const bytes = Buffer.from(body);
    const spoilt = Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(byte === undefined ? [] : [byte]),
      bytes.subarray(at + 1),
    ]);
    let found: readonly unknown[] | undefined;
    try {
      found = eventsOf(spoilt.toString());
    } catch (error) {
      if (!(error instanceof Reject) && !(error instanceof SyntaxError)) throw error;
    }
    if (found !== undefined) assert.deepEqual(found, (JSON.parse(spoilt.toString()) as { events: unknown[] }).events);
  };
  const any = fc.option(fc.integer({ min: 32, max: 126 }), { nil: undefined });
  fc.assert(fc.property(fc.nat(body.length - 1), any, check), { numRuns: 2_000 });
});

test('what is no envelope is refused with what was found in its place', () => {
  const deep = '['.repeat(2_000) + ']'.repeat(2_000);
  const cases: readonly (readonly [body: string, path: string, message: RegExp])[] = [
    ['', '', /expected JSON/],
    ['{"events":[{}]', '', /expected JSON, which ends at byte 14/],
    ['{"events":[{}]]', '', /expected JSON/],
    ['{"events":[{}}', '', /expected JSON/],
    ['{"events":[{} {}]}', '', /expected JSON/],
    ['{"events":[]} {}', '', /expected JSON/],
    ['{"events":[],}', '', /expected JSON/],
    ['{"\\u00zz":1,"events":[]}', '', /expected JSON/],
    ['[{"events":[]}]', '', /expected an object with the member events, got array/],
    ['"events"', '', /expected an object/],
    ['{}', 'events', /missing/],
    ['{"more":{"events":[]}}', 'events', /missing/],
    ['{"events":{}}', 'events', /expected an array of events, got object/],
    ['{"events":null}', 'events', /got null/],
    ['{"events":[],"events":3}', 'events', /got number 3/],
    [`{"events":[],"more":${deep}}`, '', /at most 1000 levels/],
  ];
  for (const [body, path, message] of cases) {
    const refusal = (error: unknown): boolean =>
      error instanceof Reject && error.path === path && message.test(error.message);
    assert.throws(() => eventsOf(body), refusal, body.slice(0, 60));
  }
  const latin1 = Buffer.from('{"more":"é","events":[]}', 'latin1');
  assert.throws(() => envelopeEvents(latin1, 'events'), /expected UTF-8/);
});
