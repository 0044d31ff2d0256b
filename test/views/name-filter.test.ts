import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NameFilter } from '../../src/views/name-filter.ts';

test('a name that was added is never said not to be there', () => {
  const filter = new NameFilter();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      filter.add(name);
      assert.ok(filter.mayHave(name));
    }),
  );
});

test('of names that were not added few seem to be there, though they differ in a letter only', () => {
  const filter = new NameFilter();
  const count = 200_000;
  for (let i = 0; i < count; i++) filter.add(`v/1f2e3d4c5b6a/0/j/3/${i}`);
  let seeming = 0;
  for (let i = count; i < 2 * count; i++) if (filter.mayHave(`v/1f2e3d4c5b6a/0/j/3/${i}`)) seeming += 1;
  assert.ok(seeming < count / 1000, `${seeming} of ${count}`);
});
