/** The thread that lists and reads: what is asked of it and what it tells comes back as it was, and it is begun again where it has failed. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { bytePath } from '../../../src/sources/files/byte-path.ts';
import { FileReader, type ReadPage } from '../../../src/sources/files/file-reader.ts';
import { pathId } from '../../../src/sources/files/file-version.ts';
import { idAndPath, listFiles } from '../../../src/sources/files/list-files.ts';
import type { FileAnswer } from '../../../src/sources/files/read-page.ts';
import { packAnswers, packFiles, unpackAnswers, unpackFiles } from '../../../src/sources/files/thread-messages.ts';
import { scratch } from '../../support/program.ts';

const options = { longUnchangedBeforeMs: 0, checksJson: true };
const prepare = async (t: { after(fn: () => Promise<void>): void }) => {
  const dir = await scratch(t);
  const reader = new FileReader();
  t.after(() => reader.close());
  return { dir, reader, asked: (name: string) => ({ path: bytePath(join(dir, name)), unless: [] }) };
};
/** Without fast-check's prototypes, and -0. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const textsOf = ({ answers, bytes }: ReadPage) =>
  answers.map((one) => (one.kind === 'read' ? bytes.toString('utf8', one.from, one.to) : one.kind));

suite('the thread that reads files', { timeout: 60_000 }, () => {
  test('every file of a directory is listed once, with its id, and pages are in the order of ids', async (t) => {
    const { dir, reader } = await prepare(t);
    const names = Array.from({ length: 1_300 }, (_, i) => `é${i}.json`);
    for (const name of names) await writeFile(join(dir, name), '');
    await mkdir(join(dir, 'directory'));
    const listed: (readonly [id: string, path: string])[] = [];
    for await (const { files, others, unlisted } of reader.list({
      root: bytePath(dir),
      scope: 's',
      subdirectories: false,
    })) {
      assert.deepEqual([others, unlisted], [[], []]);
      listed.push(...files.map(idAndPath));
    }
    assert.deepEqual(listed.map(([, path]) => path).toSorted(), names.map(bytePath).toSorted());
    for (const [id, path] of listed) assert.equal(id, pathId('s', path));
    assert.deepEqual(
      listed.map(([id]) => id),
      listed.map(([id]) => id).toSorted(),
    );
  });

  test('D6: of files with long paths fewer are kept in memory and put in order', async (t) => {
    const { dir } = await prepare(t);
    const within = Array.from({ length: 4 }, (_, i) => `${i}`.repeat(240)).join('/');
    await mkdir(join(dir, within), { recursive: true });
    for (let i = 0; i < 6_000; i++) writeFileSync(join(dir, within, `${i}.json`), ''); // 5.8 MB of paths
    const pages = listFiles({ root: bytePath(dir), scope: 's', subdirectories: true });
    const ids = [...pages].flatMap(({ files }) => files.map((file) => idAndPath(file)[0]));
    assert.equal(new Set(ids).size, 6_000);
    assert.equal(
      ids.filter((id, index) => id < (ids[index - 1] ?? '')).length,
      1,
      'they are put in order in two parts',
    );
  });

  test('a directory that is not there has no files, and one that is a file cannot be listed', async (t) => {
    const { dir, reader } = await prepare(t);
    await writeFile(join(dir, 'file'), '');
    for (const [name, unlisted] of [
      ['none', []],
      ['file', [{ path: '', why: 'cannot be listed (ENOTDIR)' }]],
    ] as const) {
      const pages = await Array.fromAsync(
        reader.list({ root: bytePath(join(dir, name)), scope: 's', subdirectories: true }),
      );
      assert.deepEqual(pages, [{ files: [], others: [], unlisted }]);
    }
  });

  test('files are read as far as they fit, and what was not read is told', async (t) => {
    const { dir, reader, asked } = await prepare(t);
    await writeFile(join(dir, 'one'), '{"a":1}');
    await writeFile(join(dir, 'half'), '{"a":');
    await writeFile(join(dir, 'large'), '');
    await truncate(join(dir, 'large'), 64 * 1024);
    const page = await reader.read(['one', 'half', 'none', 'large', '.'].map(asked), options);
    assert.deepEqual(textsOf(page), ['{"a":1}', '{"a":', 'gone', 'large', 'no file']);
    assert.deepEqual(
      page.answers.flatMap((one) => (one.kind === 'read' ? [one.isJson] : [])),
      [true, false],
    );
    page.release();
    await writeFile(join(dir, 'long'), 'x'.repeat(60_000));
    const many = await reader.read(
      Array.from({ length: 20 }, () => asked('long')),
      options,
    );
    assert.ok(many.answers.length > 1 && many.answers.length < 20, `${many.answers.length} of 20`);
    assert.ok(textsOf(many).every((text) => text === 'x'.repeat(60_000)));
  });

  test('a version that is known is not read again, and another one is', async (t) => {
    const { dir, reader, asked } = await prepare(t);
    await writeFile(join(dir, 'one'), '1');
    const [first] = (await reader.read([asked('one')], options)).answers;
    const known = { ...asked('one'), unless: ['other', first?.kind === 'read' ? first.version.id : ''] };
    assert.deepEqual(
      (await reader.read([known], options)).answers.map(({ kind }) => kind),
      ['as asked'],
    );
    await utimes(join(dir, 'one'), new Date(1), new Date(1));
    assert.deepEqual(
      (await reader.read([known], options)).answers.map(({ kind }) => kind),
      ['read'],
    );
  });

  test('where files have to be waited for, up to four threads read, each page whole', async (t) => {
    const dir = await scratch(t);
    const reader = new FileReader(0);
    t.after(() => reader.close());
    const names = Array.from({ length: 64 }, (_, i) => String(i));
    for (const name of names) await writeFile(join(dir, name), name);
    const atOnce = new Set<number>();
    for (let round = 0; round < 8; round++) {
      const pages = names.map((name) => reader.read([{ path: bytePath(join(dir, name)), unless: [] }], options));
      for (const [i, page] of (await Promise.all(pages)).entries()) {
        assert.deepEqual(textsOf(page), [names[i]]);
        page.release();
      }
      atOnce.add(reader.atOnce);
    }
    assert.deepEqual([...atOnce], [4]);
  });

  test('one thread reads what the kernel has in memory', async (t) => {
    const dir = await scratch(t);
    const reader = new FileReader(Infinity);
    t.after(() => reader.close());
    await writeFile(join(dir, 'one'), '1');
    for (let i = 0; i < 50; i++)
      (await reader.read([{ path: bytePath(join(dir, 'one')), unless: [] }], options)).release();
    assert.equal(reader.atOnce, 1);
  });

  test('where the thread ends, who waits is told, and the next call begins another one', async (t) => {
    const { dir, reader, asked } = await prepare(t);
    const waiting = assert.rejects(reader.read([asked('one')], options), /thread that reads files has ended/);
    await reader.close();
    await waiting;
    await writeFile(join(dir, 'one'), '1');
    assert.deepEqual(textsOf(await reader.read([asked('one')], options)), ['1']);
    await rm(join(dir, 'one'));
  });

  test('what goes to the thread and back is what was sent', () => {
    const id = fc.stringMatching(/^[0-9a-f]{16}$/);
    const path = fc.string({
      minLength: 1,
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    });
    const version = fc.record({ id, size: fc.nat(), changedMs: fc.double({ noNaN: true, noDefaultInfinity: true }) });
    const answer: fc.Arbitrary<FileAnswer> = fc.oneof(
      fc.record({ kind: fc.constantFrom('gone' as const, 'no file' as const, 'large' as const) }),
      fc.record({ kind: fc.constantFrom('changed' as const, 'as asked' as const), version }),
      fc.record({
        kind: fc.constant('read' as const),
        version,
        content: id,
        isJson: fc.boolean(),
        from: fc.nat(),
        to: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(fc.array(answer), (answers) =>
        assert.deepEqual(plain(unpackAnswers(packAnswers(answers))), plain(answers)),
      ),
    );
    const files = fc.array(fc.record({ path, unless: fc.array(id) }));
    fc.assert(fc.property(files, (asked) => assert.deepEqual(plain(unpackFiles(packFiles(asked))), plain(asked))));
  });
});
