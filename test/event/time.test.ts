import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { dayOf, isTime, parseTime, timeFromEpochMs, timestampOf } from '../../src/event/time.ts';

const firstMs = Date.parse('0001-01-01T00:00:00.000Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');
const anyMs = fc.integer({ min: firstMs, max: lastMs });
const two = (value: number): string => String(value).padStart(2, '0');

test('a time in any zone is the same moment as for Date', () => {
  const offset = fc.integer({ min: -1439, max: 1439 });
  fc.assert(
    fc.property(anyMs, offset, fc.boolean(), (epochMs, offsetMinutes, lowerCase) => {
      const localMs = epochMs + offsetMinutes * 60_000;
      if (localMs < firstMs || localMs > lastMs) return;
      const size = Math.abs(offsetMinutes);
      const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
      const written = new Date(localMs).toISOString().slice(0, 23) + zone;
      const time = parseTime(lowerCase ? written.toLowerCase() : written);
      assert.equal(time?.epochMs, epochMs);
      assert.equal(time.timestamp, `${new Date(epochMs).toISOString().slice(0, 23)}000Z`);
      assert.equal(timestampOf(written), time.timestamp);
      assert.equal(dayOf(time.timestamp), new Date(epochMs).toISOString().slice(0, 10));
    }),
    { numRuns: 2000 },
  );
});

test('a day is valid where the calendar has it', () => {
  const days = fc.tuple(
    fc.integer({ min: 0, max: 9999 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
  );
  fc.assert(
    fc.property(days, ([year, month, day]) => {
      const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
      const parsed = new Date(`${date}T00:00:00Z`);
      const real = year > 0 && !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
      assert.equal(isTime(`${date}T12:00:00Z`), real, date);
    }),
    { numRuns: 5000 },
  );
  for (const leap of ['2024-02-29', '2000-02-29', '0004-02-29', '9996-02-29'])
    assert.ok(isTime(`${leap}T00:00:00Z`), leap);
  for (const none of ['2023-02-29', '1900-02-29', '2100-02-29', '2024-02-30', '2024-04-31', '2024-00-10', '2024-13-01'])
    assert.ok(!isTime(`${none}T00:00:00Z`), none);
});

test('digits after the microseconds are cut, never rounded up', () => {
  const fractions = fc.stringMatching(/^[0-9]{1,30}$/);
  fc.assert(
    fc.property(anyMs, fractions, (epochMs, fraction) => {
      const second = new Date(epochMs).toISOString().slice(0, 19);
      const time = parseTime(`${second}.${fraction}Z`);
      assert.equal(time?.timestamp, `${second}.${fraction.slice(0, 6).padEnd(6, '0')}Z`);
      assert.equal(time.epochMs, Date.parse(`${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`));
    }),
  );
  assert.equal(timestampOf('1969-12-31T23:59:59.9999999Z'), '1969-12-31T23:59:59.999999Z');
  assert.equal(parseTime('1969-12-31T23:59:59.9999999Z')?.epochMs, -1);
  assert.equal(timestampOf('2024-12-31T23:59:59.9999999-00:01'), '2025-01-01T00:00:59.999999Z');
});

test('years are 0001 to 9999 as written and in UTC', () => {
  assert.equal(timestampOf('0001-01-01T00:00:00Z'), '0001-01-01T00:00:00.000000Z');
  assert.equal(timestampOf('9999-12-31T23:59:59.999999Z'), '9999-12-31T23:59:59.999999Z');
  assert.equal(timestampOf('0001-01-01T23:59:00+23:59'), '0001-01-01T00:00:00.000000Z');
  assert.equal(timestampOf('9999-12-31T00:00:59-23:59'), '9999-12-31T23:59:59.000000Z');
  for (const outside of [
    '0000-12-31T23:59:59Z',
    '0000-12-31T23:59:59-00:01',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
  ])
    assert.equal(timestampOf(outside), undefined, outside);
});

test('what is not RFC 3339 with a zone is no time', () => {
  const good = '2024-05-06T07:08:09.123+02:00';
  const bad = [
    ['', 'x', '2024-05-06', '2024-05-06T07:08:09', '2024-05-06T07:08:09.5', '2024-05-06T07:08Z', '2024-05-06T07Z'],
    [
      '2024-05-06 07:08:09Z',
      '2024-05-06T24:00:00Z',
      '2024-05-06T07:60:09Z',
      '2016-12-31T23:59:60Z',
      '2016-12-31T23:59:61Z',
    ],
    ['2024-05-06T07:08:09.Z', '2024-05-06T07:08:09,5Z', '2024-05-06T07:08:09.5.5Z', '2024-05-06T07:08:09. 5Z'],
    ['2024-05-06T07:08:09+02', '2024-05-06T07:08:09+0200', '2024-05-06T07:08:09+24:00', '2024-05-06T07:08:09+23:60'],
    [
      '2024-05-06T07:08:09UTC',
      '2024-05-06T07:08:09ZZ',
      '2024-05-06T07:08:09Z ',
      ' 2024-05-06T07:08:09Z',
      '2024-05-06T07:08:09Z\n',
    ],
    [
      '+12024-05-06T07:08:09Z',
      '12024-05-06T07:08:09Z',
      '-2024-05-06T07:08:09Z',
      '24-05-06T07:08:09Z',
      '2024-5-6T07:08:09Z',
    ],
    [
      '2024-127T07:08:09Z',
      '2024-W19-1T07:08:09Z',
      '20240506T070809Z',
      '1715000000000',
      'Mon, 06 May 2024 07:08:09 GMT',
    ],
    [
      '2024-05-06T07:08:09\u2212 02:00',
      '２０２４-05-06T07:08:09Z',
      '2024-05-06T07:08:0９Z',
      '2024-05-06\u017407:08:09Z',
    ],
  ].flat();
  assert.ok(isTime(good));
  for (const text of bad) {
    assert.equal(parseTime(text), undefined, text);
    assert.ok(!isTime(text), text);
  }
});

test('-00:00 is UTC, and offsets go to 23:59', () => {
  assert.equal(timestampOf('2024-05-06T07:08:09-00:00'), '2024-05-06T07:08:09.000000Z');
  assert.equal(timestampOf('2024-05-06T07:08:09z'), '2024-05-06T07:08:09.000000Z');
  assert.equal(timestampOf('2024-05-06t07:08:09-23:59'), '2024-05-07T07:07:09.000000Z');
});

test('a time with one character changed is parsed as the grammar has it', () => {
  const grammar =
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$/;
  const character = fc.oneof(
    fc.constantFrom(...Array.from('0123456789-:.+TtZz ')),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  const text = '2024-05-06T07:08:09.123456+02:00';
  fc.assert(
    fc.property(fc.nat(text.length - 1), character, (at, other) => {
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      if (!grammar.test(changed)) assert.ok(!isTime(changed), changed);
    }),
    { numRuns: 5000 },
  );
});

test('timestamps sort as text in the order of their moments', () => {
  fc.assert(
    fc.property(anyMs, anyMs, (one, other) => {
      const [first, second] = [one, other].map((epochMs) => timestampOf(new Date(epochMs).toISOString()) as string);
      assert.equal(Math.sign(one - other), Math.sign(Number(first! > second!) - Number(first! < second!)));
    }),
  );
});

test('milliseconds become RFC 3339 in the years 0001 to 9999', () => {
  assert.equal(timeFromEpochMs(0), '1970-01-01T00:00:00.000Z');
  assert.equal(timeFromEpochMs(firstMs), '0001-01-01T00:00:00.000Z');
  assert.equal(timeFromEpochMs(lastMs), '9999-12-31T23:59:59.999Z');
  for (const none of [firstMs - 1, lastMs + 1, 0.5, Number.NaN, Infinity, -Infinity, 8.64e15, 1e300])
    assert.equal(timeFromEpochMs(none), undefined, String(none));
  fc.assert(fc.property(anyMs, (epochMs) => assert.equal(parseTime(timeFromEpochMs(epochMs) ?? '')?.epochMs, epochMs)));
});
