/**
 * A child process for lmdb-kill.test.ts: opens the store to read, and closes it, again and again; prints the counter that it
 * reads each time, which must never go back.
 */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';

const [dir = ''] = process.argv.slice(2);

for (let seen = 0; ;) {
  const store = await openLmdbStore({ dir, readOnly: true });
  const counter = Number(await store.get('counter'));
  await store.close();
  assert.ok(counter >= seen, `${counter} after ${seen}`);
  seen = counter;
  writeSync(1, `${counter}\n`);
}
