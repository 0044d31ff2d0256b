/** The program that takes files, killed again and again while writers write: each file lands once (D1, D2, D3, D5). */
import assert from 'node:assert/strict';
import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test } from 'node:test';
import { caughtUp, linesOf, type ListedLetter, objectsOf } from '../support/landed.ts';
import { notesConfig } from '../support/notes-config.ts';
import { runProgram, scratch, startFor, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const lives = 5;

/** Writes files until it is told to end: most at once, some in pieces, some never whole. */
async function write(
  dir: string,
  ended: AbortSignal,
): Promise<{ readonly whole: string[]; readonly halves: string[] }> {
  const whole: string[] = [];
  const halves: string[] = [];
  for (let i = 0; !ended.aborted; i++) {
    const path = join(dir, i % 2 ? 'a' : 'b', `${i}.json`);
    const text = JSON.stringify({ id: `${i}`, text: 'hello' }, undefined, 2);
    if (i % 50 === 49) {
      halves.push(text.slice(0, 8 + (i % 11)));
      await writeFile(path, halves.at(-1)!);
    } else if (i % 10 === 9) {
      const writer = await open(path, 'w');
      await writer.write(text.slice(0, 10));
      await sleep(20);
      await writer.write(text.slice(10));
      await writer.close();
      whole.push(`${i}`);
    } else {
      await writeFile(path, text);
      whole.push(`${i}`);
    }
    await sleep(4);
  }
  return { whole, halves };
}

suite('files under kill -9', { timeout: 400_000 }, () => {
  for (const afterwards of ['leave', 'move', 'delete'] as const)
    test(`D5: each file once, whenever the program is killed (${afterwards})`, async (t) => {
      const dir = await scratch(t);
      const dataDir = join(dir, 'data');
      for (const name of ['a', 'b']) await mkdir(join(dir, name));
      const args = ['--config', await notesConfig(dir, { afterwards })];
      const ending = new AbortController();
      const writing = write(dir, ending.signal);
      for (let life = 0; life < lives; life++) {
        const program = await startProgram({ dataDir, args });
        await sleep(100 + Math.random() * 700);
        await program.kill('SIGKILL');
      }
      ending.abort();
      const { whole, halves } = await writing;
      const before = new Set(await idsIn(dataDir)).size;
      const program = await startFor(t, { dataDir, args });
      await until(async () => {
        const text = await (await fetch(`${program.url}/metrics`)).text();
        const isQuiet = /tributary_files_waiting\{[^}]*\} 0/.test(text);
        if (isQuiet) await caughtUp(dataDir);
        return (
          isQuiet &&
          (await lettersIn(dataDir, args)).length >= halves.length &&
          (await idsIn(dataDir)).length >= whole.length
        );
      });
      assert.deepEqual((await idsIn(dataDir)).toSorted(), whole.toSorted());
      const letters = await lettersIn(dataDir, args);
      assert.deepEqual(letters.toSorted(), halves.toSorted());
      assert.equal(await program.kill('SIGTERM'), 0, program.log());
      const left = (await readdir(join(dir, 'a'))).filter((name) => name.endsWith('.json')).length;
      t.diagnostic(
        `${whole.length} files, ${halves.length} halves, ${lives} kills; ${before} had landed before the last life; ${left} left in a`,
      );
      if (afterwards !== 'leave') assert.equal(left, halves.length, 'only halves are left: their writers may go on');
    });
});

async function idsIn(dataDir: string): Promise<readonly string[]> {
  const objects = [...(await objectsOf(dataDir))].filter(([key]) => key.startsWith('notes/'));
  return objects.flatMap(([, body]) => linesOf(body)).map((line) => (JSON.parse(line) as { id: string }).id);
}

async function lettersIn(dataDir: string, args: readonly string[]): Promise<readonly string[]> {
  const ran = await runProgram(['dead-letters', 'list', '--json', '--data-dir', dataDir, ...args]);
  return linesOf(ran.stdout).map((line) => (JSON.parse(line) as ListedLetter).event ?? '');
}
