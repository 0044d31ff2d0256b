import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionFor } from '../../src/log/partition.ts';

/** From Kafka's own UtilsTest. */
const vectors: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test("murmur2 is Kafka's", () => {
  for (const [key, hash] of vectors) {
    assert.equal(murmur2(Buffer.from(key)), hash, key);
    assert.equal(partitionFor(key, 12), (hash & 0x7fffffff) % 12);
  }
});

test('without a key, turns go round', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((turn) => partitionFor(null, 3, turn)),
    [0, 1, 2, 0, 1],
  );
  for (let i = 0; i < 100; i += 1) assert.ok([0, 1, 2].includes(partitionFor(null, 3)));
});
