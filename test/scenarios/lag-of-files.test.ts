/** `tributary lag` where files are in directories and not in the log yet: they are waited for (D2), and those that are not taken are told. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { linesOf, objectsOf } from '../support/landed.ts';
import { notesConfig } from '../support/notes-config.ts';
import { type Program, runProgram, scratch, startFor } from '../support/program.ts';
import { until } from '../support/until.ts';

const files = 300;

interface Place {
  readonly inbox: string;
  readonly at: readonly string[];
  readonly program: Program;
}

async function place(t: TestContext): Promise<Place> {
  const dir = await scratch(t);
  const dataDir = join(dir, 'data');
  const inbox = join(dir, 'a/unheard');
  await mkdir(inbox, { recursive: true });
  const config = ['--config', await notesConfig(dir, {}, 'unheard-notes.ts')];
  const program = await startFor(t, { dataDir, args: config });
  const at = ['--data-dir', dataDir, ...config];
  await until(async () => /^notes +0 +0$/m.test((await runProgram(['lag', ...at])).stdout));
  return { inbox, at, program };
}

async function notesIn(dataDir: string): Promise<number> {
  const objects = [...(await objectsOf(dataDir))].filter(([key]) => key.startsWith('notes/'));
  return objects.flatMap(([, text]) => linesOf(text)).length;
}

const note = (id: number): string => JSON.stringify({ id: `${id}`, text: 'hello' });

/** A writer that never ends its document, until it is told to. */
function writeOn(path: string): () => Promise<void> {
  let text = '{ "id": "';
  const ending = new AbortController();
  const writing = (async () => {
    for (; !ending.signal.aborted; text += 'x') await writeFile(path, text);
  })();
  return async () => {
    ending.abort();
    await writing;
  };
}

suite('lag of files', { timeout: 300_000 }, () => {
  test('D2: --wait ends when what stands in the directories has landed, and tells what was not taken, or in time, or has no server', async (t) => {
    const { inbox, at, program } = await place(t);
    await writeFile(join(inbox, 'half.json'), note(0).slice(0, 9));
    const late = await runProgram(['lag', '--wait', '--timeout', '1', ...at]);
    assert.equal(late.code, 1, late.stdout);
    assert.match(
      late.stderr,
      /^error: not caught up after 1 s: (1 files of notes are left|the directories of notes .*)\.$/m,
    );

    for (let id = 0; id < files; id++) await writeFile(join(inbox, `${id}.json`), note(id));
    await symlink(join(inbox, '0.json'), join(inbox, 'link.json'));
    const end = writeOn(join(inbox, 'written.json'));
    const waited = await runProgram(['lag', '--wait', '--timeout', '120', '--json', ...at]);
    await end();
    assert.equal(waited.code, 0, waited.stderr);
    assert.equal(await notesIn(program.dataDir), files);
    assert.deepEqual(waited.stderr.trim().split('\n').toSorted(), [
      `not taken: ${inbox}/link.json is no file, but a symbolic link`,
      `not taken: ${inbox}/written.json is still being written`,
    ]);
    const rows = JSON.parse(waited.stdout) as readonly { consumer: string; lag: number; files?: object }[];
    assert.ok(
      rows.every(({ lag }) => lag === 0),
      waited.stdout,
    );
    const link = { file: `${inbox}/link.json`, why: 'is no file, but a symbolic link' };
    assert.deepEqual(rows.find(({ consumer }) => consumer === 'notes')?.files, {
      waiting: 1,
      isListed: true,
      passedOver: { count: 1, some: [link] },
    });
    const letters = await runProgram(['dead-letters', 'list', '--count', '--json', ...at]);
    assert.match(letters.stdout, /"count":1\b/, 'the half one had not changed for long enough');
    const table = await runProgram(['dead-letters', 'list', ...at]);
    assert.match(
      table.stdout,
      /^received .* state +file +path +message\n.* open +\S*\/half\.json /,
      'each with its file',
    );

    assert.equal(await program.kill('SIGTERM'), 0);
    const without = await runProgram(['lag', '--wait', '--timeout', '60', ...at]);
    assert.equal(without.code, 0, without.stderr);
    assert.equal(without.stderr, `Files of notes are not waited for: no server runs on ${program.dataDir}.\n`);
    assert.match(without.stdout, /^files of +waiting +passed over\nnotes +\d+ +1$/m);
  });
});
