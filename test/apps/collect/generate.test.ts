import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type JsonObject, parseTime, Reject, toUuid } from 'tributary';
import { everySpoil } from './drafts.ts';
import { generateEvents } from '../../../apps/collect/generate.ts';
import { stampsToAttributes } from '../../../apps/collect/normalise.ts';
import { toRow } from '../../../apps/collect/row.ts';
import { addMetadata } from '../../../apps/collect/transform.ts';

const nowMs = Date.UTC(2026, 10, 20, 15, 30);
const now = (): number => nowMs;
const laterThatDay = (): number => nowMs + 8 * 3_600_000;
const dayMs = 86_400_000;
const metadata = {
  correlationId: '01990000-0000-8abc-9def-0123456789ab',
  publishTime: '2026-11-21T03:08:15.000Z',
  schemaId: 1,
};

const linesOf = (count: number, invalidShare: number, seed: number | string): string[] => [
  ...generateEvents({ count, invalidShare, seed, now }),
];
const normalised = (line: string) => stampsToAttributes(JSON.parse(line) as JsonObject);

function refusedBy(line: string): 'ingest' | 'processor' | 'none' {
  let event;
  try {
    event = normalised(line);
  } catch (error) {
    assert.ok(error instanceof Reject, line);
    return 'ingest';
  }
  try {
    toRow(addMetadata(event, metadata));
    return 'none';
  } catch (error) {
    assert.ok(error instanceof Reject, line);
    return 'processor';
  }
}

test('every valid event that is generated normalises and makes a row', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      for (const line of linesOf(300, 0, seed)) assert.equal(refusedBy(line), 'none', line);
    }),
    { numRuns: 50 },
  );
});

test('exactly the share that is asked for is invalid, spread over all of them', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (count, share, seed) => {
      const refused = linesOf(count, share, seed).filter((line) => refusedBy(line) !== 'none');
      assert.equal(refused.length, Math.round(count * share));
    }),
    { numRuns: 60 },
  );
  const fates = linesOf(20_000, 0.1, 1).map(refusedBy);
  for (let start = 0; start < 20_000; start += 2000) {
    const invalid = fates.slice(start, start + 2000).filter((fate) => fate !== 'none').length;
    assert.ok(invalid > 130 && invalid < 270, `${invalid} of 2000 from ${start}`);
  }
  const late = fates.filter((fate) => fate === 'processor').length;
  assert.ok(late > 400 && late < 800, `${late} of 2000 are left to the processor`);
});

test('each way to be invalid is refused where it says', () => {
  for (const { at, line } of everySpoil()) assert.equal(refusedBy(line), at, line);
});

test('the same seed gives the same events for a whole UTC day, another seed others', () => {
  const lines = linesOf(2000, 0.2, 42);
  assert.deepEqual([...generateEvents({ count: 2000, invalidShare: 0.2, seed: '42', now: laterThatDay })], lines);
  const others = new Set(linesOf(2000, 0.2, 43));
  assert.ok(lines.every((line) => !others.has(line)));
});

test('events are read anew each time they are iterated', () => {
  const events = generateEvents({ count: 50, invalidShare: 0.1, seed: 1, now });
  assert.deepEqual([...events], [...events]);
});

test('message ids are unique, also as UUIDs; accounts, types and times are as in the wild; 466 bytes on average', () => {
  const lines = linesOf(50_000, 0, 7);
  const events = lines.map(normalised);
  const ids = events.map(({ attributes }) => toUuid(attributes.messageIdStamp));
  assert.equal(new Set(ids).size, lines.length);
  const count = (value: (event: (typeof events)[number]) => string): number => new Set(events.map(value)).size;
  assert.equal(
    count(({ attributes }) => attributes.newContextStamp.accountId),
    1000,
  );
  assert.equal(
    count(({ attributes }) => attributes.type),
    6,
  );
  const ages = events.map(({ attributes }) => nowMs - (parseTime(attributes.timestampStamp)?.epochMs ?? Number.NaN));
  const recent = ages.filter((age) => age >= 0 && age <= 22 * dayMs).length;
  assert.ok(recent >= lines.length * 0.995, `${recent} of the last weeks`);
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / lines.length;
  assert.ok(Math.abs(bytes - 466) < 10, `${bytes} bytes on average`);
});

test('all the shapes of the contract occur', () => {
  const text = linesOf(5000, 0, 3);
  const shapes: Readonly<Record<string, RegExp>> = {
    'headers alone': /^\{"data":\{.*?\},"headers":(?!.*"attributes")/,
    'both, merged': /"headers":.*"attributes":/,
    'type in both': /"type":"lost".*"attributes":.*"type":/,
    'a bare time': /TimestampStamp":"2/,
    'a time in milliseconds': /TimestampStamp":1[0-9]{12}/,
    'milliseconds in an object': /"dispatchedAt":1[0-9]{12}/,
    'a time with an offset': /\+02:00/,
    'a time with microseconds': /\.[0-9]{6}\+00:00/,
    'a time in lower case': /t[0-9:.]+z"/,
    'a stamp as an object': /MessageIdStamp":\{"id"/,
    'an object in a string': /MessageIdStamp":"\{/,
    'an array in a string': /MessageIdStamp":"\[\{/,
    'an array of several': /MessageIdStamp":"\[\{\\"id\\":\\"older\\"\}, /,
    'null for an optional stamp': /AmplitudeTrackStamp":null/,
    'null for an optional field': /requestPlatform\\?":null/,
    'a tracked device': /trackedDevice/,
    'another content header': /"Content-Type"/,
    'another message id stamp': /TransportMessageIdStamp/,
    'another context stamp': /\\\\ContextStamp/,
    'a number that a double cannot hold': /1e400/,
    'many decimals': /0\.1234567890123456789012345/,
    'an integer over 2^53': /9007199254740993/,
    'a name that only looks dangerous': /"__proto__":\{/,
    'a key twice': /"amount":.*"amount":/,
    'a class name': /"type":"App\\\\Order\\\\Paid"/,
    'a ULID': /"[0-7][0-9A-HJKMNP-TV-Z]{25}\b/,
    'a UUID': /"[0-9a-f]{8}-[0-9a-f]{4}-/,
    'an object id': /"[0-9a-f]{24}\b/,
  };
  for (const [shape, pattern] of Object.entries(shapes))
    assert.ok(
      text.some((line) => pattern.test(line)),
      shape,
    );
});

test('a count or a share that is none is refused', () => {
  for (const count of [-1, 0.5, Number.NaN, Infinity]) assert.throws(() => linesOf(count, 0, 1), RangeError);
  for (const share of [-0.1, 1.1, Number.NaN]) assert.throws(() => linesOf(1, share, 1), RangeError);
  assert.deepEqual(linesOf(0, 1, 1), []);
});

test('events are made when they are asked for', () => {
  const endless = generateEvents({ count: Number.MAX_SAFE_INTEGER, invalidShare: 0.5, seed: 1, now });
  let count = 0;
  for (const line of endless) {
    assert.ok(line.startsWith('{'));
    if (++count === 10) break;
  }
  assert.equal(count, 10);
});
