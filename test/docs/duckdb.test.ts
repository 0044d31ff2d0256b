/** The line with which the guide reads raw events in DuckDB, in a real one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { httpRequest } from '../support/http-request.ts';
import { runProgram, scratch, startProgram } from '../support/program.ts';
import { pythonWith } from '../support/python.ts';
import { blocksOf } from './markdown.ts';

const requirement = 'duckdb==2.0.0';

test("DuckDB reads the raw events of signals with the guide's one line", { timeout: 240_000 }, async (t) => {
  const found = await pythonWith(requirement);
  if ('missing' in found) {
    t.skip(found.missing);
    return;
  }
  const dir = await scratch(t);
  const dataDir = join(dir, '.tributary');
  const program = await startProgram({ dataDir, args: ['--only', 'signals'] });
  t.after(() => program.kill('SIGKILL'));
  const uuid = '5f0c1a52-6f1e-4b1a-9d53-2f4c7a9e8b10';
  for (const path of [`/initial?uuid=${uuid}&symbol=e`, `/initial?uuid=${uuid}&symbol=e`, `/followup?uuid=${uuid}`])
    assert.equal((await httpRequest(program.url + path, { method: 'POST' })).status, 200);
  const lag = await runProgram(['lag', '--wait', '--timeout', '60', '--data-dir', dataDir]);
  assert.equal(lag.code, 0, lag.stderr + program.log());

  const [, sql] = blocksOf('docs/guide/signals.md').flatMap(({ text }) => /^duckdb -c "(.*)"$/m.exec(text) ?? []);
  assert.ok(sql !== undefined);
  const code = 'import sys, duckdb; print(duckdb.sql(sys.argv[1]))';
  const table = execFileSync(found.python, ['-c', code, sql], { cwd: dir, encoding: 'utf8' });
  assert.match(table, /│ e +│ +2 │ 20\d\d-/);
});
