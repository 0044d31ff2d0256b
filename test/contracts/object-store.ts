/** What every object store promises: `src/stores/objects/object-store.ts`. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { scratch } from '../support/program.ts';

const refused = (error: unknown): boolean => isFault(error, 'OBJECT_KEY_INVALID');

export interface OpenStore {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

export function objectStoreContract(driver: string, open: () => Promise<OpenStore>): void {
  describe(`object store: ${driver}`, () => {
    let opened: OpenStore;
    let store: ObjectStore;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(() => opened.close());

    it('gives back what was put, and nothing where nothing was', async () => {
      await store.put('a/b/c.json', Buffer.from('one'));
      assert.deepEqual(await store.get('a/b/c.json'), Buffer.from('one'));
      assert.equal(await store.get('a/b/d.json'), undefined);
      assert.equal(await store.get('a/b'), undefined);
      assert.equal(await store.get('a/b/c.json/d'), undefined);
    });

    it('replaces what is there', async () => {
      await store.put('replaced', Buffer.from('old and longer'));
      await store.put('replaced', Buffer.from('new'));
      assert.deepEqual(await store.get('replaced'), Buffer.from('new'));
    });

    it('holds empty objects', async () => {
      await store.put('empty', Buffer.alloc(0));
      assert.deepEqual(await store.get('empty'), Buffer.alloc(0));
    });

    it('takes a file as it takes bytes, small or large, and leaves it where it is', async (t) => {
      const dir = await scratch(t);
      const path = join(dir, 'body');
      for (const bytes of [0, 10, 17 * 1024 * 1024]) {
        const body = Buffer.alloc(bytes, 'a file\n');
        await writeFile(path, body);
        await store.putFile('files/of/any.size', path);
        assert.ok((await store.get('files/of/any.size'))?.equals(body), `${bytes} bytes`);
        assert.ok(body.equals(await readFile(path)));
      }
      await assert.rejects(store.putFile('../b', path), refused);
      await assert.rejects(store.putFile('files/none', join(dir, 'none')));
      assert.deepEqual(await Array.fromAsync(store.list('files/')), ['files/of/any.size']);
    });

    it('D3: puts a file where there is no object, one of several that do so at once, and changes none that is there', async (t) => {
      const dir = await scratch(t);
      for (const bytes of [0, 10, 17 * 1024 * 1024]) {
        const key = `new-files/${bytes}`;
        const bodies = Array.from({ length: 4 }, (_, i) => Buffer.alloc(bytes, `${i}\n`));
        const paths = bodies.map((_, i) => join(dir, `${i}`));
        for (const [i, path] of paths.entries()) await writeFile(path, bodies[i] as Buffer);
        const isPut = await Promise.all(paths.map((path) => store.putNewFile(key, path)));
        assert.equal(isPut.filter(Boolean).length, 1, `${bytes} bytes`);
        assert.ok((await store.get(key))?.equals(bodies[isPut.indexOf(true)] as Buffer));
        assert.equal(await store.putNewFile(key, paths[0] as string), false);
        await store.delete(key);
        assert.equal(await store.putNewFile(key, paths[0] as string), true);
      }
      await assert.rejects(store.putNewFile('../b', join(dir, '0')), refused);
      await assert.rejects(store.putNewFile('new-files/none', join(dir, 'none')));
      assert.equal((await Array.fromAsync(store.list('new-files/'))).length, 3);
    });

    it('stages many, shows none of them before the commit, and stages none where one key is invalid', async () => {
      const staged = await store.stage(
        Array.from({ length: 300 }, (_, i) => ({ key: `many/${i % 7}/${i}`, body: Buffer.from(`${i}`) })),
      );
      assert.deepEqual(await Array.fromAsync(store.list('many')), []);
      assert.equal(await store.get('many/3/10'), undefined);
      await staged.commit();
      await staged.abort();
      assert.equal((await Array.fromAsync(store.list('many/'))).length, 300);
      assert.deepEqual(await store.get('many/3/10'), Buffer.from('10'));
      const body = Buffer.from('x');
      await assert.rejects(
        store.stage([
          { key: 'none/a', body },
          { key: '../b', body },
        ]),
        refused,
      );
      assert.deepEqual(await Array.fromAsync(store.list('none/')), []);
      await (await store.stage([])).commit();
    });

    it('leaves nothing of objects that were aborted, and what was there as it was', async () => {
      await store.put('aborted/old', Buffer.from('old'));
      const staged = await store.stage(
        ['old', 'new'].map((name) => ({ key: `aborted/${name}`, body: Buffer.from('x') })),
      );
      await staged.abort();
      await staged.abort();
      assert.deepEqual(await Array.fromAsync(store.list('aborted')), ['aborted/old']);
      assert.deepEqual(await store.get('aborted/old'), Buffer.from('old'));
    });

    it('deletes, and again', async () => {
      await store.put('gone/a', Buffer.from('x'));
      await store.delete('gone/a');
      await store.delete('gone/a');
      await store.delete('never/there');
      assert.equal(await store.get('gone/a'), undefined);
      assert.deepEqual(await Array.fromAsync(store.list('gone')), []);
    });

    it('deletes many, also where some are gone, and what is beside them stays', async () => {
      const keys = Array.from({ length: 60 }, (_, i) => `many-gone/${i % 3}/${i}`);
      for (const key of [...keys, 'many-gone/0/stays']) await store.put(key, Buffer.from('x'));
      await store.delete(keys[5] as string);
      await store.deleteAll([...keys, 'never/there/either']);
      await store.deleteAll([]);
      await assert.rejects(async () => store.deleteAll(['many-gone/0/stays', '../b']), refused);
      assert.deepEqual(await Array.fromAsync(store.list('many-gone')), ['many-gone/0/stays']);
    });

    it('lists by any prefix, in the order of UTF-8 bytes', async () => {
      const segment = fc.stringMatching(/^[a-c.\-~0é😀]{1,3}$/u).filter((name) => name !== '.' && name !== '..');
      // A file and a directory cannot share a name: leaves end in a letter that no directory has.
      const key = fc
        .tuple(fc.array(segment, { maxLength: 2 }), segment)
        .map(([dirs, leaf]) => [...dirs, `${leaf}z`].join('/'));
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 12 }), fc.nat(8), async (keys, cut) => {
          const root = `listed/${round++}/`;
          await Promise.all(keys.map((name) => store.put(root + name, Buffer.from(name))));
          const prefix = root + (keys[0] as string).slice(0, cut);
          const expected = keys.map((name) => root + name).filter((name) => name.startsWith(prefix));
          const inBytes = expected.map((name) => Buffer.from(name)).toSorted((a, b) => Buffer.compare(a, b));
          assert.deepEqual(await Array.fromAsync(store.list(prefix)), inBytes.map(String));
        }),
        { numRuns: 40 },
      );
    });

    it('tells how large objects are, and since when they are there', async () => {
      const beforeMs = Date.now();
      const bodies = ['', 'x', 'é'.repeat(1_000)].map((text) => Buffer.from(text));
      for (const [i, body] of bodies.entries()) await store.put(`sized/${i}/a`, body);
      const found = await Array.fromAsync(store.entries('sized/'));
      assert.deepEqual(
        found.map(({ key, bytes }) => [key, bytes]),
        bodies.map((body, i) => [`sized/${i}/a`, body.length]),
      );
      // Servers tell whole seconds, by clocks of their own.
      for (const { putAtMs } of found) assert.ok(Math.abs(putAtMs - beforeMs) < 60_000, `${putAtMs} ${beforeMs}`);
    });

    it('refuses keys that could leave the store or that it could not hold', async () => {
      const invalid = [
        '',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        'a/../b',
        '../a',
        'a/.',
        'a\0b',
        'a\nb',
        'a\\b',
        'x'.repeat(256),
        'é'.repeat(128),
        '\ud800',
      ];
      for (const key of invalid) {
        await assert.rejects(async () => store.put(key, Buffer.from('x')), refused, JSON.stringify(key));
        await assert.rejects(async () => store.get(key), refused, JSON.stringify(key));
        await assert.rejects(async () => store.delete(key), refused, JSON.stringify(key));
      }
      await store.put('x'.repeat(255), Buffer.from('x'));
    });

    it('shows an object whole or not at all while it is replaced', async () => {
      const bodies = [Buffer.alloc(300_000, 'a'), Buffer.alloc(200_000, 'b')];
      const seen = new Set<string | undefined>();
      for (let i = 0; i < 40; i++) {
        const written = store.put('whole', bodies[i % 2] as Buffer);
        for (let reads = 0; reads < 3; reads++) {
          const found = await store.get('whole');
          seen.add(found && bodies.some((body) => body.equals(found)) ? 'whole' : found && 'torn');
        }
        await written;
      }
      assert.ok(seen.has('whole') && !seen.has('torn'));
    });
  });
}
