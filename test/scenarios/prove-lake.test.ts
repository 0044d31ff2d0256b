/** The crash proof of `lake` holds, and it can fail: an app whose objects are not what follows from what was sent is told. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Proof } from '../../src/prove/prove.ts';
import { runProgram, scratch } from '../support/program.ts';

suite('prove lake', { concurrency: false, timeout: 280_000 }, () => {
  test('what was answered 200 is in the lake once, without signups; what was refused is a dead letter, after 3 kills (D1, D2, D3, D5)', async () => {
    const { code, stdout, stderr } = await runProgram(['prove', 'lake', '--kills', '3', '--seed', '7', '--json']);
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as Proof & { proven: boolean };
    assert.deepEqual([proof.proven, proof.sends], [true, 'envelopes']);
    assert.ok(proof.landed > 20 && proof.deadLetters > 0, stdout);
    assert.ok(proof.counts['events filtered']! > 0, stdout);
  });

  test('an app that forgets some events, and changes others, is told (D2, D3)', async (t) => {
    const cwd = await scratch(t);
    const lake = join(import.meta.dirname, '../../apps/lake/lake.ts');
    // What the program does is not what the proof, another process, computes.
    const text = `
      import { app } from ${JSON.stringify(lake)};
      const { pipeline } = app;
      const { process: processing } = pipeline;
      const isProgram = process.argv.includes('start');
      const filter = (event) => processing.filter(event) ?? (isProgram && event.event_id < '2' ? 'forgotten' : undefined);
      const transform = (event) => (isProgram && event.source === 'web' ? { ...event, source: 'apple' } : event);
      const changed = { ...app, pipeline: { ...pipeline, process: { ...processing, filter, transform } } };
      export { changed as app };`;
    await writeFile(join(cwd, 'lying.js'), text);
    await writeFile(join(cwd, 'lying.json'), '{ "pipelines": ["lying.js"] }');
    const args = ['prove', 'lake', '--kills', '1', '--seed', '8', '--config', join(cwd, 'lying.json'), '--json'];
    const { code, stdout, stderr } = await runProgram(args, { TMPDIR: cwd });
    assert.equal(code, 1, stdout + stderr);
    const { lost, wrong } = JSON.parse(stdout) as Proof;
    assert.ok(lost.length > 0 && wrong.length > 0, stdout);
  });
});
