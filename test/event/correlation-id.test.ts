import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  correlationId,
  correlationIdParts,
  createPackageIds,
  indexOf,
  isCorrelationId,
  maxPackageEvents,
  packageOf,
  replayCorrelationId,
} from '../../src/event/correlation-id.ts';
import { toUuid } from '../../src/event/ids.ts';

const anyMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const anyBits = fc.integer({ min: 0, max: 2 ** 50 - 1 });
const anyIndex = fc.integer({ min: 0, max: maxPackageEvents - 1 });

test('a correlation id is a UUID of RFC 9562, version 8, and holds what it was made of', () => {
  fc.assert(
    fc.property(anyMs, anyBits, anyIndex, (timeMs, bits, index) => {
      const id = correlationId(createPackageIds({ now: () => timeMs, random: () => bits })(), index);
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.equal(toUuid(id), id);
      const digits = id.replaceAll('-', '');
      assert.equal(Number.parseInt(digits.slice(0, 12), 16), timeMs);
      // the random bits went one step on: 12 after the version, 38 after the variant
      const step = Math.floor(bits / 2) * 2 + 1;
      const high = BigInt(`0x${digits.slice(13, 16)}`);
      const low = BigInt(`0x${digits.slice(16, 26)}`) & (2n ** 38n - 1n);
      assert.equal((high << 38n) | low, BigInt((bits + step) % 2 ** 50));
      assert.equal(Number.parseInt(digits.slice(26), 16), index);
      const packageId = packageOf(id);
      assert.deepEqual(correlationIdParts(id), { packageId, index: indexOf(id), timeMs });
      assert.equal(indexOf(id), index);
    }),
  );
});

test('a package is one range of ids: its events and no others lie in <package>000000 to <package>ffffff', () => {
  fc.assert(
    fc.property(anyMs, fc.array(anyIndex, { minLength: 1, maxLength: 20 }), (timeMs, indexes) => {
      const nextPackage = createPackageIds({ now: () => timeMs });
      const [one, other] = [nextPackage(), nextPackage()];
      const packageId = correlationId(one, 0);
      const last = `${packageId.slice(0, 30)}ffffff`;
      for (const index of indexes) {
        const id = correlationId(one, index);
        assert.ok(packageId <= id && id <= last);
        assert.equal(packageOf(id), packageId);
        const stranger = correlationId(other, index);
        assert.ok(stranger < packageId || stranger > last);
      }
      const sorted = indexes.toSorted((a, b) => a - b).map((index) => correlationId(one, index));
      assert.deepEqual(sorted, sorted.toSorted());
    }),
  );
});

test('a million packages of one millisecond have a million ids, also when the clock stands still or goes back', () => {
  const times = [1_800_000_000_000, 1_799_999_999_999];
  let calls = 0;
  const nextPackage = createPackageIds({ now: () => times[++calls & 1] as number });
  const seen = new Set<string>();
  // without the time: the random bits alone have to tell them apart
  for (let count = 0; count < 1_000_000; count++) seen.add(nextPackage().slice(13));
  assert.equal(seen.size, 1_000_000);
});

test('two processes that start in the same millisecond do not share random bits', () => {
  const starts = Array.from({ length: 1000 }, () => createPackageIds({ now: () => 0 })());
  assert.equal(new Set(starts).size, starts.length);
  // each of the 50 bits is 0 in some and 1 in others; 38 and 39 are the variant
  const bits = starts.map((start) => BigInt(`0x${start.replaceAll('-', '').slice(13)}`));
  for (let bit = 0n; bit < 52n; bit++) {
    const ones = bits.filter((value) => (value >> bit) & 1n).length;
    if (bit !== 38n && bit !== 39n) assert.ok(ones > 300 && ones < 700, `bit ${bit} is 1 in ${ones} of 1000`);
  }
});

test('an index that 24 bits do not hold is refused', () => {
  const prefix = createPackageIds({ now: () => 0 })();
  assert.ok(correlationId(prefix, maxPackageEvents - 1).endsWith('ffffff'));
  assert.throws(() => correlationId(prefix, maxPackageEvents), RangeError);
  assert.throws(() => correlationId(prefix, -1), RangeError);
});

test('D9: the event of a replay has an id that follows from its letter: time and index kept, packages one package again', () => {
  const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const indexes = fc.integer({ min: 0, max: maxPackageEvents - 1 });
  fc.assert(
    fc.property(times, indexes, indexes, fc.integer({ min: 1, max: 1000 }), (timeMs, index, other, replay) => {
      const prefix = createPackageIds({ now: () => timeMs })();
      const letter = correlationId(prefix, index);
      const id = replayCorrelationId(letter, replay);
      assert.ok(isCorrelationId(id));
      assert.equal(id, replayCorrelationId(letter, replay));
      const { packageId, ...kept } = correlationIdParts(id);
      assert.deepEqual(kept, { index, timeMs });
      assert.equal(packageOf(replayCorrelationId(correlationId(prefix, other), replay)), packageId);
      assert.notEqual(packageId, packageOf(letter));
      assert.notEqual(packageId, packageOf(replayCorrelationId(letter, replay + 1)));
    }),
  );
});
