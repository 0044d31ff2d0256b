import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileWatch } from '../../src/access/file-watch.ts';
import { scratch } from '../support/program.ts';

const noError = (error: unknown): never => assert.fail(String(error));
const cannot = () => Promise.reject(new Error('no'));

suite('a watch of files', { timeout: 30_000 }, () => {
  test('sees what is written, replaced, removed, made anew and linked elsewhere', async (t) => {
    const dir = await scratch(t);
    const file = join(dir, 'file');
    const found = { content: '' };
    let next = Promise.withResolvers<void>();
    const load = async (): Promise<void> => {
      try {
        found.content = readFileSync(file, 'utf8');
      } catch {
        found.content = 'none';
      }
      next.resolve();
      next = Promise.withResolvers();
    };
    const become = async (wanted: string): Promise<void> => {
      for (;;) {
        if (found.content === wanted) return;
        await next.promise;
      }
    };
    const watch = await FileWatch.start({ paths: [file], load, onError: noError, everyMs: 10 });
    t.after(() => watch.stop());
    assert.equal(found.content, 'none');
    await writeFile(file, 'one');
    await become('one');
    await writeFile(file, 'two'); // of the same size, and perhaps with the same stamp
    await become('two');
    await writeFile(join(dir, 'aside'), 'new');
    await rename(join(dir, 'aside'), file);
    await become('new');
    await rm(file);
    await become('none');
    for (const name of ['a', 'b']) {
      await mkdir(join(dir, name));
      await writeFile(join(dir, name, 'file'), name);
    }
    await symlink(join(dir, 'a', 'file'), file);
    await become('a');
    await symlink(join(dir, 'b', 'file'), join(dir, 'link'));
    await rename(join(dir, 'link'), file);
    await become('b');
  });

  test('tells a failure once, goes on, and loads nothing while nothing changes', async (t) => {
    const file = join(await scratch(t), 'file');
    await writeFile(file, 'x');
    const errors: unknown[] = [];
    const count = { loads: 0 };
    const load = async (): Promise<void> => {
      count.loads += 1;
      if (count.loads > 1) throw new Error(`load ${count.loads}`);
    };
    const watch = await FileWatch.start({ paths: [file], load, onError: (error) => errors.push(error), everyMs: 10 });
    t.after(() => watch.stop());
    while (count.loads < 5) await sleep(10); // young: loaded again and again
    assert.equal(errors.length, 1);
    while (errors.length < 2) {
      await utimes(file, new Date(), new Date());
      await sleep(10);
    }
    await sleep(2_200); // older than what may have the same stamp
    const before = count.loads;
    await sleep(100);
    assert.equal(count.loads, before);
  });

  test('rejects with what the first load throws', async () => {
    await assert.rejects(FileWatch.start({ paths: ['/nowhere'], load: cannot, onError: noError }), /^Error: no$/);
  });
});
