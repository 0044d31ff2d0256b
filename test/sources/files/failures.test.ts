/** What can go wrong with files and directories: nothing is lost or taken twice, nothing keeps the others from being taken, and it is told. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { Fault } from '../../../src/errors.ts';
import type { Batch, Log } from '../../../src/log/log.ts';
import { type FileParts, openFileParts } from '../../support/file-source-parts.ts';
import { scratch } from '../../support/program.ts';
import { smallDisk, whyNoSmallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

const note = (id: string, text = 'hello') => JSON.stringify({ id, text }, undefined, 2);

const nineNotes = (id: number) => `[${Array.from({ length: 9 }, (_, i) => note(`${id} ${i}`, 'x'.repeat(40))).join()}]`;

const nobody = 65_534;

/** A directory for who may not read and write everything, as root may; which this process is not until the end of the test. */
async function scratchOfNobody(t: TestContext): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  t.after(() => isRoot && process.seteuid?.(0)); // before the directory is removed
  const dir = await scratch(t);
  if (!isRoot) return dir;
  await chown(dir, nobody, nobody);
  process.seteuid?.(nobody);
  return dir;
}

async function partsIn(t: TestContext, dir?: string): Promise<FileParts> {
  const parts = await openFileParts(dir ?? (await scratch(t)));
  t.after(() => parts.close());
  return parts;
}

async function idsIn(parts: FileParts): Promise<readonly string[]> {
  return (await parts.notes()).map(({ id }) => id).toSorted();
}

const mounts = whyNoSmallDisk() ?? false;

/** Of another file system, or of the kernel. */
async function mount(t: TestContext, args: readonly string[], at: string): Promise<() => void> {
  let isMounted = true;
  const unmount = (): void => {
    if (isMounted) execFileSync('umount', ['--lazy', at]);
    isMounted = false;
  };
  execFileSync('mount', [...args, at]);
  t.after(unmount);
  return unmount;
}

suite('files that make trouble', { concurrency: false, timeout: 120_000 }, () => {
  test('D2: what may not be read is told and left, and taken when it may; the others go on', async (t) => {
    const parts = await partsIn(t, await scratchOfNobody(t));
    const at = (...path: string[]) => join(parts.dir, ...path);
    await mkdir(at('a', 'closed'));
    await writeFile(at('a', 'closed', '1.json'), note('1'));
    await writeFile(at('a', 'secret.json'), note('2'));
    await writeFile(at('a', '3.json'), note('3'));
    await writeFile(at('b', '4.json'), note('4'));
    await chmod(at('a', 'secret.json'), 0);
    await chmod(at('a', 'closed'), 0);
    const source = await parts.start({ subdirectories: true });
    await parts.arrived(2);
    await until(() => new Set(parts.told).size === 2);
    assert.deepEqual([...new Set(parts.told)].toSorted(), [
      'a/closed cannot be listed (EACCES)',
      'a/secret.json cannot be read (EACCES)',
    ]);
    await chmod(at('a', 'secret.json'), 0o600);
    await chmod(at('a', 'closed'), 0o700);
    await parts.arrived(4);
    await source.drain();
    assert.deepEqual(await idsIn(parts), ['1', '2', '3', '4']);
  });

  test('D2: an error of the disk in one file is told, and keeps no other one waiting', { skip: mounts }, async (t) => {
    const parts = await partsIn(t);
    const broken = join(parts.dir, 'a', 'broken.json');
    await writeFile(broken, '');
    const unmount = await mount(t, ['--bind', `/proc/${process.pid}/mem`], broken); // no process has anything at its beginning
    await writeFile(join(parts.dir, 'a', '1.json'), note('1'));
    const source = await parts.start();
    await parts.arrived(1);
    await until(() => parts.told.length > 0);
    assert.equal(parts.told[0], 'a/broken.json cannot be read (EIO)');
    unmount();
    await writeFile(broken, note('2'));
    await parts.arrived(2);
    await source.drain();
    assert.deepEqual(await idsIn(parts), ['1', '2']);
  });

  test('D2: what comes in the place of a file that waits is no file, and a file in the place of that is taken', async (t) => {
    const parts = await partsIn(t);
    const at = (...path: string[]) => join(parts.dir, 'a', ...path);
    await writeFile(join(parts.dir, 'outside.json'), note('outside'));
    const replace: Record<string, (path: string) => unknown> = {
      'directory.json': (path) => mkdir(path),
      'link.json': (path) => symlink(join(parts.dir, 'outside.json'), path),
      'dangling.json': (path) => symlink('/nowhere', path),
      'pipe.json': (path) => execFileSync('mkfifo', [path]),
      'gone.json': () => undefined,
    };
    const names = Object.keys(replace);
    for (const name of names) await writeFile(at(name), '{');
    const source = await parts.start({ settledAfterMs: 1e6 });
    await until(() => parts.waiting() === names.length);
    for (const name of names) {
      await rm(at(name));
      await replace[name]!(at(name));
    }
    await until(() => parts.waiting() === 0 && new Set(parts.told.map((line) => line.split(' ')[0])).size === 4);
    for (const name of names) {
      await rm(at(name), { recursive: true, force: true });
      await writeFile(at(name), note(name));
    }
    await parts.arrived(names.length);
    await source.drain();
    assert.deepEqual(await idsIn(parts), names.toSorted());
    for (const line of parts.told) assert.match(line, /is no file/);
  });

  for (const afterwards of ['move', 'delete'] as const)
    for (const inItsPlace of ['nothing', 'an empty directory'] as const)
      test(`D5: ${afterwards}: a directory is gone for a while, with ${inItsPlace} in its place: its files are taken once`, async (t) => {
        const parts = await partsIn(t);
        const [at, elsewhere] = [join(parts.dir, 'a'), join(parts.dir, 'elsewhere')];
        const names = ['1.json', '2.json', '3.json'];
        for (const name of names) await writeFile(join(at, name), note(name));
        let source = await parts.start({ afterwards }, undefined, () => {
          if (existsSync(elsewhere)) return;
          renameSync(at, elsewhere); // before any of them is taken away
          if (inItsPlace !== 'nothing') mkdirSync(at);
        });
        await parts.arrived(names.length);
        await source.drain();
        const isMade = existsSync(at) && inItsPlace === 'nothing';
        await rm(at, { recursive: true, force: true });
        await rename(elsewhere, at);
        source = await parts.start({ afterwards });
        await until(() => names.every((name) => !existsSync(join(at, name))));
        await source.drain();
        assert.deepEqual(await idsIn(parts), names);
        assert.equal(parts.told.filter((line) => /not taken away: .*ENOENT/.test(line)).length, names.length);
        assert.ok(!isMade);
      });

  for (const afterwards of ['move', 'delete'] as const)
    test(`D1, D5: ${afterwards}: what may not be taken away is taken once, told, and taken away when it may be`, async (t) => {
      const parts = await partsIn(t, await scratchOfNobody(t));
      const at = (...path: string[]) => join(parts.dir, 'a', ...path);
      await writeFile(at('1.json'), note('1'));
      await chmod(at(), 0o500);
      let source = await parts.start({ afterwards });
      await until(() => parts.told.some((line) => /1.json not taken away: .*EACCES/.test(line)));
      await writeFile(join(parts.dir, 'b', '2.json'), note('2'));
      await until(() => !existsSync(join(parts.dir, 'b', '2.json')));
      await source.drain();
      source = await parts.start({ afterwards });
      await chmod(at(), 0o700);
      await until(() => !existsSync(at('1.json')));
      await source.drain();
      assert.deepEqual(await idsIn(parts), ['1', '2']);
      assert.equal(existsSync(at('loaded', '1.json')), afterwards === 'move');
    });

  test('D1: a file that was taken out of its place and cannot be put into `loaded` is put there later', async (t) => {
    const parts = await partsIn(t, await scratchOfNobody(t));
    const at = (...path: string[]) => join(parts.dir, 'a', ...path);
    await mkdir(at('loaded'), { mode: 0o500 });
    await writeFile(at('1.json'), note('1'));
    const source = await parts.start({ afterwards: 'move' });
    await until(() => parts.told.filter((line) => /a\/1.json not taken away: .*EACCES/.test(line)).length >= 3);
    await writeFile(join(parts.dir, 'b', '2.json'), note('2'));
    await until(() => existsSync(join(parts.dir, 'b', 'loaded', '2.json')));
    await chmod(at('loaded'), 0o700);
    await until(() => existsSync(at('loaded', '1.json')));
    await source.drain();
    assert.deepEqual(await readdir(at('.tributary')), []);
    assert.deepEqual(await idsIn(parts), ['1', '2']);
  });

  test('a directory whose `loaded` cannot be used any more is told, and keeps no other one waiting', async (t) => {
    const parts = await partsIn(t);
    const at = (...path: string[]) => join(parts.dir, 'a', ...path);
    const source = await parts.start({ afterwards: 'move' });
    await writeFile(at('loaded'), '');
    await until(() => parts.told.some((line) => line.startsWith('a files of ') && line.endsWith('is no directory')));
    await writeFile(at('1.json'), note('1'));
    await writeFile(join(parts.dir, 'b', '2.json'), note('2'));
    await until(() => existsSync(join(parts.dir, 'b', 'loaded', '2.json')));
    await rm(at('loaded'));
    await until(() => existsSync(at('loaded', '1.json')));
    await source.drain();
    assert.deepEqual(await idsIn(parts), ['1', '2']);
  });

  test(
    '`loaded` on another file system is refused at the start, and told where it comes later',
    { skip: mounts },
    async (t) => {
      const parts = await partsIn(t);
      const loaded = join(parts.dir, 'a', 'loaded');
      await mkdir(loaded);
      const unmount = await mount(t, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], loaded);
      await assert.rejects(parts.start({ afterwards: 'move' }), /is on another file system/);
      unmount();
      const source = await parts.start({ afterwards: 'move' });
      const unmountAgain = await mount(t, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], loaded);
      await until(() => parts.told.some((line) => line.endsWith('is on another file system')));
      await writeFile(join(parts.dir, 'a', '1.json'), note('1'));
      unmountAgain();
      await until(() => existsSync(join(loaded, '1.json')));
      await source.drain();
      assert.deepEqual(await idsIn(parts), ['1']);
    },
  );

  test('names as long as they can be, shown alike, or that look like others are moved, each to a name of its own', async (t) => {
    const parts = await partsIn(t);
    const at = (...path: string[]) => join(parts.dir, 'a', ...path);
    const names = ['new\nline.json', 'new%0Aline.json', '..json', '...json', 'loaded.json', `${'x'.repeat(250)}.json`];
    await mkdir(at('loaded'));
    await writeFile(at('loaded', names.at(-1)!), 'before');
    for (const name of names) await writeFile(at(name), note(name));
    const source = await parts.start({ afterwards: 'move', match: (name) => name.endsWith('json') });
    const taken = names.filter((name) => !name.startsWith('.')); // hidden ones never are
    await until(async () => (await readdir(at('loaded'))).length === taken.length + 1);
    await source.drain();
    const found = await readdir(at('loaded'));
    assert.ok(found.includes(`${'x'.repeat(250)}.js.1`), found.join());
    assert.deepEqual((await parts.notes()).map(({ file }) => file).toSorted(), [
      'a/loaded.json',
      'a/new%0Aline.json',
      'a/new%250Aline.json',
      `a/${names.at(-1)}`,
    ]);
    assert.deepEqual(parts.told, []);
  });

  test('D2: an event that is larger than the log takes is told once and left; the files beside it are taken, and it, too, once it is smaller', async (t) => {
    const parts = await partsIn(t);
    for (let i = 0; i < 20; i++) await writeFile(join(parts.dir, 'a', `${i}.json`), note(`${i}`));
    const large = join(parts.dir, 'a', 'large.json');
    await writeFile(large, note('large', 'x'.repeat(10_000))); // a dead letter, as it is
    let tries = 0;
    const source = await parts.start({}, (log) => refusing(log, 8_000, () => (tries += 1)));
    await parts.arrived(20);
    await until(() => parts.told.length > 0);
    const triesBefore = tries;
    await writeFile(join(parts.dir, 'b', 'later.json'), note('later'));
    await parts.arrived(21);
    assert.deepEqual(parts.told, ['a/large.json has an event that is larger than the log takes']);
    assert.ok(existsSync(large));
    const look = await source.askForLook();
    await until(async () => ((await parts.looks.told())?.answer?.look ?? 0) >= look);
    const refused = { file: 'a/large.json', why: 'has an event that is larger than the log takes' };
    assert.deepEqual((await parts.looks.told())?.answer?.notTaken, { count: 1, some: [refused] });
    assert.equal(tries, triesBefore, 'it is not tried at each listing');
    await writeFile(large, note('large'));
    await parts.arrived(22);
    await source.drain();
    assert.equal(new Set(await idsIn(parts)).size, 22);
    assert.equal((await parts.notes()).length, 22);
    assert.equal(parts.budget.heldBytes, 0);
  });

  test(
    'D1, D2, D6: a full disk is told; when there is room again, each file is taken once',
    { skip: mounts },
    async (t) => {
      const disk = await smallDisk(24);
      t.after(() => disk.remove());
      const parts = await partsIn(t, disk.dir);
      const inboxes = await scratch(t); // on another disk
      for (const name of ['a', 'b']) {
        await rmdir(join(parts.dir, name));
        await mkdir(join(inboxes, name));
      }
      for (let i = 0; i < 400; i++) await writeFile(join(inboxes, i % 2 ? 'a' : 'b', `${i}.json`), nineNotes(i));
      const ballast = join(parts.dir, 'ballast');
      await writeFile(ballast, Buffer.alloc(30 << 20)).catch((error: NodeJS.ErrnoException) =>
        assert.equal(error.code, 'ENOSPC'),
      );
      const directories = ['a', 'b'].map((name) => join(inboxes, name));
      const source = await parts.start({ directories, afterwards: 'delete' });
      await until(() => parts.told.filter((line) => line.startsWith('failed: ')).length >= 2);
      assert.ok((await parts.notes()).length < 3_600);
      await rm(ballast);
      await until(async () => (await parts.notes()).length >= 3_600);
      await until(
        async () => (await readdir(directories[0]!)).length === 1 && (await readdir(directories[1]!)).length === 1,
      );
      await source.drain();
      assert.equal(new Set(await idsIn(parts)).size, 3_600);
      assert.equal((await parts.notes()).length, 3_600);
    },
  );

  test('D5: a directory that is renamed away, with another in its place, and back again: each file once', async (t) => {
    const parts = await partsIn(t);
    const at = (...path: string[]) => join(parts.dir, ...path);
    await writeFile(at('a', '1.json'), note('1'));
    const source = await parts.start();
    await parts.arrived(1);
    await rename(at('a'), at('elsewhere'));
    await mkdir(at('a'));
    await writeFile(at('a', '2.json'), note('2'));
    await parts.arrived(2);
    await rm(at('a'), { recursive: true });
    await rename(at('elsewhere'), at('a'));
    await writeFile(at('a', '3.json'), note('3'));
    await parts.arrived(3);
    await source.drain();
    assert.deepEqual(await idsIn(parts), ['1', '2', '3']);
    assert.equal(await readFile(at('a', '1.json'), 'utf8'), note('1'));
  });
});

/** A log that takes no record of more bytes, as Kafka (`max.message.bytes`): of a batch that has one it takes nothing. */
function refusing(of: Log, maxBytes: number, onRefused: () => void): Log {
  const large = new WeakSet<Batch>();
  return new Proxy(of, {
    get: (target, name) => {
      if (name === 'append')
        return async (...args: Parameters<Log['append']>) => {
          if (!large.has(args[0])) return target.append(...args);
          onRefused();
          throw new Fault('PACKAGE_TOO_LARGE', 'A record is larger than its topic takes.');
        };
      if (name === 'batch')
        return (): Batch => {
          const batch = target.batch();
          const add = batch.add.bind(batch);
          batch.add = (record) => {
            if (record.value.length > maxBytes) large.add(batch);
            add(record);
          };
          return batch;
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
