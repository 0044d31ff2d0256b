import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../support/program.ts';

/** The shape only: what is measured beside other tests means nothing. */
test('tributary bench lake --only models --quick --json answers with the ratios of models, to who can be had', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'lake', '--only', 'models', '--quick', '--json']);
  assert.equal(code, 0, stderr);
  const { system, passed, ingest, models } = JSON.parse(stdout);
  assert.deepEqual([system, passed, ingest, models.sound], ['lake', true, undefined, true]);
  assert.deepEqual(
    models.runs.map(({ sessions, when }: { sessions: number; when: string }) => [sessions, when]),
    [[5000, 'first']],
  );
  for (const { ways } of models.runs) {
    assert.equal(ways.length + models.missing.length, 3, stdout);
    for (const { name, seconds, ratio } of ways)
      assert.ok(seconds > 0 && (name === 'tributary' ? ratio === undefined : ratio > 0), stdout);
  }
});
