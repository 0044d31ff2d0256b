/** In which object an event is, by its offset. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectsOfPrefix } from '../../src/trail/objects.ts';

test('the object of an event is found by its offset, also where several were merged into one', async () => {
  const names = ['t-0-0_30.json', 't-0-100.json', 't-0-40.json', 't-0-40.csv', 't-1-35.json'];
  const list = async function* (start: string) {
    yield* names.map((name) => `p/${name}`).filter((key) => key.startsWith(start));
  };
  const keyAt = await objectsOfPrefix({ list, get: async () => undefined }, 'p', { topic: 't', partition: 0 });
  const found = [0, 29, 39, 40, 99, 100, 5_000].map(keyAt);
  const [merged, second, third] = ['p/t-0-0_30.json', 'p/t-0-40.json', 'p/t-0-100.json'];
  assert.deepEqual(found, [merged, merged, merged, second, second, third, third]);
});
