import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { addKey, keyStatus, readKeys, revokeKey } from '../../src/access/key-store.ts';
import { isFault } from '../../src/errors.ts';
import { scratch } from '../support/program.ts';

const nowMs = Date.UTC(2026, 10, 20);

suite('stored keys', () => {
  test('are there without their secrets, for their owner alone', async (t) => {
    const dir = join(await scratch(t), 'data', 'keys');
    const { key, record } = await addKey(dir, { name: 'shop', source: '/collect', requestsPerSecond: 5 }, nowMs);
    const file = join(dir, `${record.id}.json`);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
    assert.ok(!(await readFile(file, 'utf8')).includes(key.slice(17)));
    assert.deepEqual(await readKeys(dir), { keys: [record], damaged: [] });
    assert.deepEqual(await readdir(dir), [`${record.id}.json`], 'nothing else is left');
  });

  test('none is lost when many are made and revoked at the same time', async (t) => {
    const dir = join(await scratch(t), 'keys');
    const made = await Promise.all(Array.from({ length: 40 }, (_, i) => addKey(dir, { name: `k${i}` }, nowMs)));
    const ended = made.slice(0, 20).map(({ record }) => record.id);
    await Promise.all([
      ...ended.flatMap((id) => [revokeKey(dir, id, nowMs), revokeKey(dir, id, nowMs)]),
      ...Array.from({ length: 10 }, () => addKey(dir, { name: 'late' }, nowMs)),
    ]);
    const { keys } = await readKeys(dir);
    assert.equal(keys.length, 50);
    assert.deepEqual(
      keys
        .filter((key) => keyStatus(key, nowMs) === 'revoked')
        .map(({ id }) => id)
        .toSorted(),
      ended.toSorted(),
    );
  });

  test('revoking twice changes nothing, and what is no key is told', async (t) => {
    const dir = join(await scratch(t), 'keys');
    const { record } = await addKey(dir, { name: 'a' }, nowMs);
    const revoked = await revokeKey(dir, record.id, nowMs + 1);
    assert.deepEqual(await revokeKey(dir, record.id, nowMs + 2), revoked);
    for (const id of ['000000000000', '', '../../etc/passwd', `${record.id}.json`, 'x'.repeat(5000)])
      await assert.rejects(revokeKey(dir, id, nowMs), (error) => isFault(error, 'KEY_UNKNOWN'));
  });

  test('a file that is damaged is named, and the others are read', async (t) => {
    const dir = join(await scratch(t), 'keys');
    const { record } = await addKey(dir, { name: 'a' }, nowMs);
    const contents = [
      '',
      '{',
      '[]',
      'null',
      '{"id":"000000000001"}',
      JSON.stringify({ ...record, extra: 1 }),
      JSON.stringify(record),
    ];
    for (const [i, content] of contents.entries()) await writeFile(join(dir, `00000000000${i + 1}.json`), content);
    await writeFile(join(dir, 'notes.txt'), 'no key, no business of ours');
    const { keys, damaged } = await readKeys(dir);
    assert.deepEqual(keys, [record]);
    assert.equal(damaged.length, contents.length);
    for (const fault of damaged) assert.match(fault.message, /00000000000\d\.json/);
  });

  test('expire at their time, and no sooner', async (t) => {
    const dir = join(await scratch(t), 'keys');
    const expiresAt = new Date(nowMs + 1000).toISOString();
    const { record } = await addKey(dir, { name: 'a', expiresAt }, nowMs);
    assert.deepEqual(
      [nowMs + 999, nowMs + 1000].map((at) => keyStatus(record, at)),
      ['active', 'expired'],
    );
  });
});
