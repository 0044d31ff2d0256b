/** A pipeline of files in the test kit: from a file to its lines, its dead letters, and once across crashes. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { files, type FileSource, type Pipeline } from 'tributary';
import { type PipelineRun, type RunOptions, startPipeline } from 'tributary/testing';
import { pipeline, schema, subject } from '../support/notes.ts';
import { scratch } from '../support/program.ts';
import { visits } from './small-pipeline.ts';

const now = (): number => Date.UTC(2026, 10, 21, 9, 30, 0, 125);

interface Started extends Omit<RunOptions, 'schemasDir'> {
  readonly source?: Partial<FileSource>;
}

async function start(t: TestContext, { source, ...options }: Started = {}): Promise<PipelineRun> {
  const schemasDir = await scratch(t);
  await writeFile(join(schemasDir, `${subject}.schema.json`), schema);
  const taken: Pipeline = source
    ? { ...pipeline, source: files.inbox({ directories: ['inbox/a'], ...source }) }
    : pipeline;
  return startPipeline(taken, { ...options, schemasDir });
}

async function ids(run: PipelineRun): Promise<readonly unknown[]> {
  const lines = (await run.objects()).flatMap((object) => object.lines) as readonly { id: string }[];
  return lines.map(({ id }) => id).toSorted();
}

suite('files in a test', { timeout: 120_000 }, () => {
  test('D2: events land with the file and the time they came in; what is refused is a dead letter with its file', async (t) => {
    await using run = await start(t, { now });
    const put = await run.putFiles({
      'inbox/a/1.json': { id: 'one', text: 'hello' },
      'inbox/b/2.json': [
        { id: 'two', text: 'hello' },
        { id: 'three', text: 'none' },
      ],
      'inbox/b/half.json': '{ "id": "fo',
    });
    assert.deepEqual(put, [
      { file: 'inbox/a/1.json', outcome: 'loaded', accepted: 1, rejected: 0 },
      { file: 'inbox/b/2.json', outcome: 'loaded', accepted: 1, rejected: 1 },
      { file: 'inbox/b/half.json', outcome: 'refused', accepted: 0, rejected: 1 },
    ]);
    await run.landed();
    const lines = (await run.objects()).flatMap((object) => object.lines) as readonly { id: string }[];
    const time = '2026-11-21T09:30:00.125000Z';
    assert.deepEqual(
      lines.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      [
        { id: 'one', text: 'hello', file: 'inbox/a/1.json', time },
        { id: 'two', text: 'hello', file: 'inbox/b/2.json', time },
      ],
    );
    const letters = (await run.deadLetters()).map(({ file, path, event }) => [file, path, event]);
    assert.deepEqual(
      letters.toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
      [
        ['inbox/b/2.json', 'text', '{\n    "id": "three",\n    "text": "none"\n  }'],
        ['inbox/b/half.json', '', '{ "id": "fo'],
      ],
    );
  });

  for (const how of ['crash before', 'crash after'] as const)
    test(`D5: put again when the process has died, each file is there once (${how})`, async (t) => {
      await using run = await start(t, { faults: [{ at: 'log', write: 1, how }] });
      const both = { 'inbox/a/1.json': { id: 'one', text: 'a' }, 'inbox/a/2.json': { id: 'two', text: 'b' } };
      await assert.rejects(run.putFiles(both), /not taken before the process crashed: inbox\/a\/1\.json/);
      await run.restart();
      await run.putFiles(both);
      await run.landed();
      assert.deepEqual(await ids(run), ['one', 'two']);
      const again = await run.putFiles(both);
      assert.deepEqual(
        again.map(({ outcome }) => outcome),
        ['unchanged', 'unchanged'],
      );
      await run.restart();
      await run.landed();
      assert.deepEqual(await ids(run), ['one', 'two']);
    });

  test('an absolute directory stands in the run, not on the machine', async (t) => {
    const directory = join(await scratch(t), 'srv');
    await using run = await start(t, { source: { directories: [directory] } });
    const file = `${directory.slice(1)}/1.json`;
    assert.deepEqual(await run.putFiles({ [file]: { id: 'one', text: 'a' } }), [
      { file, outcome: 'loaded', accepted: 1, rejected: 0 },
    ]);
    await assert.rejects(readdir(directory), /ENOENT/);
  });

  test('what is never taken fails the test, with what is known', async (t) => {
    await using run = await start(t, { source: { maxFileBytes: 20 } });
    const long = { 'inbox/a/1.json': { id: 'one', text: 'hello' } };
    await assert.rejects(
      run.putFiles(long, { withinMs: 500 }),
      /not taken within 500 ms: inbox\/a\/1\.json; inbox\/a\/1\.json has more than 20 bytes/,
    );
    await assert.rejects(run.putFiles({ 'inbox/c/1.json': {} }), /is in none of the directories .*: inbox\/a$/);
    await assert.rejects(run.putFiles({ 'inbox/a/../../x.json': {} }), /is in none of the directories/);
    await assert.rejects(run.send([]), /notes takes no packages over HTTP: it takes files/);
    const schemasDir = await scratch(t);
    await writeFile(join(schemasDir, 'visits-value.schema.json'), '{}');
    await using packages = await startPipeline(visits(), { schemasDir });
    await assert.rejects(packages.putFiles({ 'inbox/a/1.json': {} }), /visits takes no files/);
  });
});
