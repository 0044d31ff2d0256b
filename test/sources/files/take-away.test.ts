/** Files are taken away in steps, and whatever step was the last of an earlier life, the next one ends it: nothing is lost or overwritten. */
import assert from 'node:assert/strict';
import { link, lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { candidateAt, inboxAt } from '../../../src/sources/files/candidate.ts';
import { versionOf } from '../../../src/sources/files/file-version.ts';
import { endTakenAway, takeAway } from '../../../src/sources/files/take-away.ts';
import { scratch } from '../../support/program.ts';

const prepare = async (t: { after(fn: () => Promise<void>): void }) => {
  const dir = await scratch(t);
  const inbox = inboxAt('inbox', dir, { logId: 'log', pipeline: 'notes' });
  const at = (...path: string[]) => join(dir, 'inbox', ...path);
  await mkdir(at('x'), { recursive: true });
  await writeFile(at('x', '1.json'), 'first');
  const candidate = candidateAt(inbox, 'x/1.json');
  const version = versionOf(await lstat(at('x', '1.json'), { bigint: true })).id;
  const claim = at('.tributary', `${candidate.id}-${version}`, 'x');
  return { inbox, at, candidate, version, claim };
};

suite('taking a file away', () => {
  for (const away of ['move', 'delete'] as const) {
    test(`${away}: another version stays`, async (t) => {
      const { at, candidate, version } = await prepare(t);
      await writeFile(at('x', '1.json'), 'second, longer');
      assert.equal(takeAway(candidate, version, away), false);
      assert.equal(await readFile(at('x', '1.json'), 'utf8'), 'second, longer');
      assert.deepEqual(await readdir(at('.tributary')), []);
    });

    for (const isTaken of [true, false])
      test(`${away}: after a crash when it was renamed, and ${isTaken ? 'is' : 'is not'} in the log`, async (t) => {
        const { inbox, at, candidate, version, claim } = await prepare(t);
        await mkdir(claim, { recursive: true });
        await rename(at('x', '1.json'), join(claim, '1.json'));
        await writeFile(at('x', '1.json'), 'another, meanwhile');
        await mkdir(at('.tributary', 'empty'));
        await endTakenAway(inbox, away, {
          wasTaken: async ({ id }, of) => {
            assert.deepEqual([id, of], [candidate.id, version]);
            return isTaken;
          },
          onFailed: (_, error) => assert.fail(String(error)),
        });
        assert.equal(await readFile(at('x', '1.json'), 'utf8'), 'another, meanwhile');
        const kept = isTaken ? at('loaded', 'x', '1.json') : at('x', '1.json.1');
        const found = await readFile(kept, 'utf8').catch(() => 'none');
        assert.equal(found, isTaken && away === 'delete' ? 'none' : 'first');
        assert.deepEqual(await readdir(at('.tributary')), []);
      });
  }

  test('move: after a crash when it was in both places, it is moved once', async (t) => {
    const { inbox, at, claim } = await prepare(t);
    await mkdir(claim, { recursive: true });
    await mkdir(at('loaded', 'x'), { recursive: true });
    await rename(at('x', '1.json'), join(claim, '1.json'));
    await link(join(claim, '1.json'), at('loaded', 'x', '1.json'));
    await endTakenAway(inbox, 'move', {
      wasTaken: async () => true,
      onFailed: (_, error) => assert.fail(String(error)),
    });
    assert.deepEqual(await readdir(at('loaded', 'x')), ['1.json']);
    assert.deepEqual(await readdir(at('x')), []);
  });

  for (const length of [6, 221, 222, 255])
    for (const isTaken of [true, false])
      test(`delete: after a crash, of a name of ${length} bytes, which ${isTaken ? 'is' : 'is not'} in the log`, async (t) => {
        const { inbox, at } = await prepare(t);
        const name = `-${'x'.repeat(length - 6)}.json`;
        await writeFile(at(name), 'first');
        const one = candidateAt(inbox, name);
        const { id: version } = versionOf(await lstat(at(name), { bigint: true }));
        await mkdir(at('.tributary'));
        const isShort = length <= 221;
        if (isShort) await rename(at(name), at('.tributary', `${one.id}-${version}-${name}`));
        else {
          await mkdir(at('.tributary', `${one.id}-${version}`));
          await rename(at(name), at('.tributary', `${one.id}-${version}`, name));
        }
        const gone = await endTakenAway(inbox, 'delete', {
          wasTaken: async ({ id }, of) => {
            assert.deepEqual([id, of], [one.id, version]);
            return isTaken;
          },
          onFailed: (_, error) => assert.fail(String(error)),
        });
        assert.deepEqual(gone, isTaken ? [one.id] : []);
        assert.deepEqual((await readdir(at())).toSorted(), ['.tributary', 'x', ...(isTaken ? [] : [name])].toSorted());
        assert.deepEqual(await readdir(at('.tributary')), []);
        if (!isTaken) assert.equal(takeAway(one, version, 'delete'), true);
        assert.deepEqual((await readdir(at())).toSorted(), ['.tributary', 'x']);
        assert.deepEqual(await readdir(at('.tributary')), []);
      });

  test('D5: a file that stands where it was has not been taken away by somebody else', async (t) => {
    const { inbox, version, at } = await prepare(t);
    await rename(at('x', '1.json'), at('1.json'));
    await symlink('/nowhere', at('.tributary'));
    for (const away of ['move', 'delete'] as const)
      assert.throws(() => takeAway(candidateAt(inbox, '1.json'), version, away), { code: 'ENOENT' });
    assert.equal(await readFile(at('1.json'), 'utf8'), 'first');
  });

  test('a file that is gone by itself is no matter', async (t) => {
    const { candidate, version, at } = await prepare(t);
    await mkdir(at('.tributary')); // others were taken away before: it is the directory that it was
    await rename(at('x', '1.json'), at('elsewhere'));
    assert.equal(takeAway(candidate, version, 'delete'), true);
    assert.deepEqual(await readdir(at('.tributary')), []);
  });
});
