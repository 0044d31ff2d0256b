/** Files as a source, on a real log, real state and real directories: what is taken, when, and what becomes of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, open, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test } from 'node:test';
import { isFault } from '../../../src/errors.ts';
import { type FileParts, openFileParts } from '../../support/file-source-parts.ts';
import { scratch } from '../../support/program.ts';
import { until } from '../../support/until.ts';

const note = (id: string, text = 'hello') => `${JSON.stringify({ id, text }, undefined, 2)}\n`;

const partsIn = async (t: { after(fn: () => Promise<void>): void }): Promise<FileParts> => {
  const parts = await openFileParts(await scratch(t));
  t.after(() => parts.close());
  return parts;
};

suite('files as a source', { timeout: 120_000 }, () => {
  test('D2: events of a file go on, those that are refused are dead letters, and all say which file', async (t) => {
    const parts = await partsIn(t);
    await writeFile(join(parts.dir, 'a', 'three.json'), `[${note('1')},${note('2', 'none')},7]`);
    await writeFile(join(parts.dir, 'b', 'one.json'), note('3'));
    await writeFile(join(parts.dir, 'b', '__id_counter'), '12');
    await writeFile(join(parts.dir, 'b', '.hidden.json'), note('4'));
    const source = await parts.start();
    await parts.arrived(4);
    await source.drain();
    assert.deepEqual((await parts.notes()).map(({ id, file }) => `${id} ${file}`).toSorted(), [
      '1 a/three.json',
      '3 b/one.json',
    ]);
    const letters = (await parts.letters()).map(({ index, path, file, event }) => [index, path, file, String(event)]);
    assert.deepEqual(letters, [
      [1, 'text', 'a/three.json', note('2', 'none').trim()],
      [2, '', 'a/three.json', '7'],
    ]);
    assert.equal(parts.budget.heldBytes, 0);
    assert.deepEqual(parts.told, []);
  });

  test('a file that is written in pieces is taken when it is whole, and one whose writer died becomes one dead letter with its bytes', async (t) => {
    const parts = await partsIn(t);
    const source = await parts.start({ settledAfterMs: 600 });
    const text = note('1');
    await writeFile(join(parts.dir, 'a', 'dead.json'), text.slice(0, 9));
    const slow = await open(join(parts.dir, 'a', 'slow.json'), 'w');
    for (const piece of [text.slice(0, 5), text.slice(5, 12), text.slice(12)]) {
      await slow.write(piece);
      await sleep(150);
    }
    await slow.close();
    await parts.arrived(2);
    assert.deepEqual(
      (await parts.notes()).map(({ id }) => id),
      ['1'],
    );
    const [letter, ...others] = await parts.letters();
    assert.deepEqual([letter?.event.toString(), letter?.file, others], [text.slice(0, 9), 'a/dead.json', []]);
    await appendFile(join(parts.dir, 'a', 'dead.json'), text.slice(9));
    await parts.arrived(3);
    assert.deepEqual(
      (await parts.notes()).map(({ id }) => id),
      ['1', '1'],
      'the writer went on: a new version',
    );
    await source.drain();
  });

  test('a file without a change is taken once, whoever touches it; with another content it is a new version', async (t) => {
    const parts = await partsIn(t);
    const path = join(parts.dir, 'a', 'note.json');
    await writeFile(path, note('1'));
    let source = await parts.start();
    await parts.arrived(1);
    await source.drain();
    source = await parts.start();
    await utimes(path, new Date(), new Date());
    await until(async () => (await parts.taken()).length === 2);
    await writeFile(path, note('2'));
    await parts.arrived(2);
    await source.drain();
    assert.deepEqual(
      (await parts.notes()).map(({ id }) => id),
      ['1', '2'],
    );
  });

  test('lines are taken when the file has not changed for a while, each bad one a dead letter', async (t) => {
    const parts = await partsIn(t);
    const source = await parts.start({ format: 'ndjson', match: '*.log', settledAfterMs: 500 });
    const path = join(parts.dir, 'a', 'notes.log');
    await writeFile(path, '{"id":"1","text":"a"}\n');
    await until(() => parts.waiting() === 1);
    await appendFile(path, '{"id":"2","text":"b"}\nnonsense\n');
    await parts.arrived(3);
    await source.drain();
    assert.deepEqual(
      (await parts.notes()).map(({ id }) => id),
      ['1', '2'],
    );
    assert.equal((await parts.taken()).length, 1, 'it was taken once');
  });

  test('names of any bytes; links, pipes and directories are passed over', async (t) => {
    const parts = await partsIn(t);
    const inA = (name: Buffer | string) => Buffer.concat([Buffer.from(`${parts.dir}/a/`), Buffer.from(name)]);
    await writeFile(inA(Buffer.from([0xff, 0xfe, ...Buffer.from('.json')])), note('1'));
    await writeFile(inA('new\nline.json'), note('2'));
    await writeFile(join(parts.dir, 'outside.json'), note('3'));
    await symlink(join(parts.dir, 'outside.json'), inA('link.json'));
    await mkdir(inA('directory.json'));
    execFileSync('mkfifo', [join(parts.dir, 'a', 'pipe.json')]);
    const source = await parts.start();
    await parts.arrived(2);
    await until(() => parts.told.length >= 2);
    await source.drain();
    assert.deepEqual((await parts.notes()).map(({ file }) => file).toSorted(), ['a/%FF%FE.json', 'a/new%0Aline.json']);
    assert.deepEqual([...new Set(parts.told)].toSorted(), [
      'a/link.json is no file, but a symbolic link',
      'a/pipe.json is no file, but a pipe, socket or device',
    ]);
  });

  test('directories may come late, go and come again; trees are walked where they are declared', async (t) => {
    const parts = await partsIn(t);
    await rm(join(parts.dir, 'a'), { recursive: true });
    const source = await parts.start({ subdirectories: true });
    await mkdir(join(parts.dir, 'a', 'x', 'y'), { recursive: true });
    await writeFile(join(parts.dir, 'a', 'x', 'y', '1.json'), note('1'));
    await parts.arrived(1);
    await rm(join(parts.dir, 'a'), { recursive: true });
    await mkdir(join(parts.dir, 'a'));
    await writeFile(join(parts.dir, 'a', '2.json'), note('2'));
    await parts.arrived(2);
    await source.drain();
    assert.deepEqual(
      (await parts.notes()).map(({ file }) => file),
      ['a/x/y/1.json', 'a/2.json'],
    );
  });

  test('a file that is too large is told and left; one that is large is taken', async (t) => {
    const parts = await partsIn(t);
    await writeFile(
      join(parts.dir, 'a', 'large.json'),
      `[${Array.from({ length: 9_000 }, (_, i) => note(`${i}`)).join()}]`,
    );
    await writeFile(join(parts.dir, 'a', 'too-large.json'), ' '.repeat(600_000));
    const source = await parts.start({ maxFileBytes: 500_000 });
    await parts.arrived(9_000);
    await until(() => parts.told.length > 0);
    await source.drain();
    assert.deepEqual([...new Set(parts.told)], ['a/too-large.json has more than 500000 bytes']);
    assert.equal(parts.budget.heldBytes, 0);
  });

  for (const afterwards of ['move', 'delete'] as const)
    test(`D1: ${afterwards}: only what is durable, and no other file is overwritten or lost`, async (t) => {
      const parts = await partsIn(t);
      const at = (...path: string[]) => join(parts.dir, 'a', ...path);
      await mkdir(at('loaded'));
      await writeFile(at('loaded', '1.json'), 'what was there before');
      await writeFile(at('1.json'), note('1'));
      await writeFile(at('half.json'), '{');
      const source = await parts.start({ afterwards });
      await parts.arrived(2);
      await until(() => !existsSync(at('1.json')));
      await writeFile(at('1.json'), note('1')); // the same again is another file, since the first one is gone
      await parts.arrived(3);
      await until(() => !existsSync(at('1.json')));
      await source.drain();
      assert.equal(await readFile(at('loaded', '1.json'), 'utf8'), 'what was there before');
      const moved = afterwards === 'move' ? ['1.json', '1.json.1', '1.json.2'] : ['1.json'];
      assert.deepEqual((await readdir(at('loaded'))).toSorted(), moved);
      assert.deepEqual((await readdir(at())).toSorted(), ['.tributary', 'half.json', 'loaded'], 'its writer may go on');
      assert.deepEqual(await readdir(at('.tributary')), []);
    });

  test('D5: a file that was taken, and touched before it could be moved, is moved and not taken again', async (t) => {
    const parts = await partsIn(t);
    const path = join(parts.dir, 'a', '1.json');
    await writeFile(path, note('1'));
    let source = await parts.start();
    await parts.arrived(1);
    await source.drain();
    await utimes(path, new Date(), new Date());
    source = await parts.start({ afterwards: 'move' });
    await until(() => existsSync(join(parts.dir, 'a', 'loaded', '1.json')) && !existsSync(path));
    await source.drain();
    assert.equal((await parts.notes()).length, 1);
  });

  test('D2: a file that was moved is known to no later life: the same again is another file', async (t) => {
    const parts = await partsIn(t);
    const path = join(parts.dir, 'a', '1.json');
    for (const lives of [1, 2, 3]) {
      await writeFile(path, note('1'));
      const source = await parts.start({ afterwards: 'move' });
      await parts.arrived(lives);
      await until(() => !existsSync(path));
      await source.drain();
    }
    assert.equal((await parts.notes()).length, 3);
  });

  test('what cannot work is said at the start', async (t) => {
    const parts = await partsIn(t);
    await symlink('/tmp', join(parts.dir, 'a', 'loaded'));
    await assert.rejects(parts.start({ afterwards: 'move' }), (error) => isFault(error, 'CONFIG_INVALID'));
    await assert.rejects(parts.start({ directories: ['a', './a'] }), /would be taken twice/);
  });

  test('D8: a drain ends what is in hand; files that come then are taken by the next life', async (t) => {
    const parts = await partsIn(t);
    for (let i = 0; i < 3_000; i++) await writeFile(join(parts.dir, 'a', `${i}.json`), note(`${i}`));
    let source = await parts.start();
    await until(async () => (await parts.notes()).length > 0);
    await source.drain();
    const before = (await parts.notes()).length;
    await rename(join(parts.dir, 'a', '0.json'), join(parts.dir, 'b', 'renamed.json'));
    source = await parts.start();
    await until(async () => new Set((await parts.notes()).map(({ file }) => file)).size >= 3_000);
    await sleep(50);
    await source.drain();
    const files = (await parts.notes()).map(({ file }) => file);
    assert.equal(new Set(files).size, files.length, 'each file once');
    t.diagnostic(`${before} before the drain`);
  });
});
