import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { objectStoreContract } from '../contracts/object-store.ts';
import { scratch } from '../support/program.ts';

objectStoreContract('directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-objects-'));
  const store = await openDirectoryStore({ dir: join(dir, 'not/yet/there') });
  return { store, close: () => rm(dir, { recursive: true }) };
});

describe('directory store', () => {
  it('sweeps what a killed process left, and leaves alone what a living one writes', async (t) => {
    const dir = await scratch(t);
    await mkdir(join(dir, '.incoming'));
    const left = [`${process.pid}-000000000000-1`, '4194305-abcdefabcdef-7', 'neither'];
    const living = `${process.ppid}-abcdefabcdef-1`;
    for (const name of [...left, living]) await writeFile(join(dir, '.incoming', name), 'half');
    const store = await openDirectoryStore({ dir });
    assert.deepEqual(await readdir(join(dir, '.incoming')), [living]);
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
    await assert.rejects(store.put('.incoming/a', Buffer.from('x')), (error) => isFault(error, 'OBJECT_KEY_INVALID'));
  });

  it('does not follow symbolic links', async (t) => {
    const dir = await scratch(t);
    const outside = await scratch(t);
    await writeFile(join(outside, 'secret'), 'secret');
    const store = await openDirectoryStore({ dir });
    await symlink(outside, join(dir, 'link'));
    await symlink(join(outside, 'secret'), join(dir, 'file'));
    assert.equal(await store.get('link/secret'), undefined);
    assert.equal(await store.get('file'), undefined);
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
    await assert.rejects(store.put('link/a', Buffer.from('x')), (error) => isFault(error, 'OBJECT_KEY_INVALID'));
    await store.delete('link/secret');
    await store.put('file', Buffer.from('mine'));
    assert.deepEqual(await readdir(outside), ['secret']);
    assert.deepEqual(await store.get('file'), Buffer.from('mine'));
  });

  it('goes on when somebody removed a directory that it had made', async (t) => {
    const dir = await scratch(t);
    const store = await openDirectoryStore({ dir });
    await store.put('a/b/1', Buffer.from('x'));
    await rm(join(dir, 'a'), { recursive: true });
    await assert.rejects(store.put('a/b/2', Buffer.from('x')), { code: 'ENOENT' });
    await store.put('a/b/2', Buffer.from('x'));
    assert.deepEqual(await Array.fromAsync(store.list('')), ['a/b/2']);
    assert.deepEqual(await readdir(join(dir, '.incoming')), []);
  });

  it('says where a key would lie under an object', async (t) => {
    const store = await openDirectoryStore({ dir: await scratch(t) });
    await store.put('a', Buffer.from('x'));
    await assert.rejects(store.put('a/b', Buffer.from('x')), /an object itself/);
  });

  it('D2: a full disk rejects, leaves nothing visible and nothing behind, and room makes it work again', async (t) => {
    const dir = await scratch(t);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' });
    } catch {
      t.skip('only root can make a small file system');
      return;
    }
    try {
      const store = await openDirectoryStore({ dir });
      await store.put('a/ballast', Buffer.alloc(500_000));
      const objects = [
        { key: 'b/1', body: Buffer.alloc(100_000) },
        { key: 'b/2', body: Buffer.alloc(900_000) },
      ];
      await assert.rejects(store.stage(objects), { code: 'ENOSPC' });
      assert.deepEqual(await Array.fromAsync(store.list('')), ['a/ballast']);
      assert.deepEqual(await readdir(join(dir, '.incoming')), []);
      await store.delete('a/ballast');
      await (await store.stage(objects)).commit();
      assert.deepEqual(await Array.fromAsync(store.list('')), ['b/1', 'b/2']);
    } finally {
      execFileSync('umount', [dir]);
    }
  });
});
