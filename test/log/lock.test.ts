/** One process writes a data directory; a lock that has ended has ended, however often that is said. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFile } from '../../src/log/segments/lock.ts';
import { scratch } from '../support/program.ts';

test('a lock keeps others out until it ends, and may be ended twice', async (t) => {
  const path = join(await scratch(t), 'lock');
  const release = await lockFile(path);
  assert.ok(release);
  assert.equal(await lockFile(path), undefined);
  release();
  const next = await lockFile(path);
  assert.ok(next);
  release();
  assert.equal(await lockFile(path), undefined, 'the next one lost it');
  next();
});
