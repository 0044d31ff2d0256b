/** `tributary compact` beside a running server, and without it: killed in the middle, the lake is the same, in fewer objects (D3). */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { generateEvents } from '../../apps/lake/generate.ts';
import type { CompactionResult } from '../../src/sinks/objects/compaction/compact-objects.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { cli } from '../cli/run-cli.ts';
import { caughtUp } from '../support/landed.ts';
import { scratch, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

type Shown = CompactionResult & { readonly pipeline: string; readonly dryRun: boolean };

const linesOf = (texts: readonly string[]): readonly string[] => texts.join('').split('\n').toSorted();

suite('tributary compact', { timeout: 240_000 }, () => {
  test('D3, D9: beside a server and without it, killed in the middle; what it has merged is replayed', async (t) => {
    const dataDir = await scratch(t);
    const program = await startProgram({ dataDir, args: ['--only', 'lake'] });
    t.after(() => program.kill('SIGKILL'));
    const run = (args: readonly string[], onSpawn: (child: ChildProcess) => void = () => undefined) =>
      cli([...args, '--data-dir', dataDir], { onSpawn });
    const objects = async (): Promise<readonly string[]> => {
      const store = await openDirectoryStore({ dir: join(dataDir, 'objects') });
      const keys = await Array.fromAsync(store.list('events/'));
      return Promise.all(keys.map(async (key) => String(await store.get(key))));
    };
    // A request waits for the batch of the one before: each lands in objects of its own.
    const events = [...generateEvents({ count: 120, seed: 3, invalidShare: 0 })].map(
      (line) => JSON.parse(line) as object,
    );
    for (let i = 0; i < events.length; i += 60) {
      const body = JSON.stringify({ events: events.slice(i, i + 60) });
      const headers = { 'content-type': 'application/json' };
      assert.equal((await fetch(`${program.url}/webhook/events`, { method: 'POST', headers, body })).status, 200);
      await caughtUp(dataDir);
    }
    const before = await objects();

    const planned = await run(['compact', 'lake', '--dry-run', '--json']);
    assert.equal(planned.code, 0, planned.stderr);
    const { prefixes, ...plan } = JSON.parse(planned.stdout) as Shown;
    assert.deepEqual(plan, {
      pipeline: 'lake',
      dryRun: true,
      found: before.length,
      others: 0,
      givenUp: 0,
      resumed: false,
    });
    assert.ok(prefixes.length > 10);
    assert.equal((await objects()).length, before.length);

    await run(['compact', 'lake'], (child) => {
      void until(async () => (await objects()).length !== before.length).then(() => child.kill('SIGKILL'));
    });
    const done = await run(['compact', 'lake', '--json']);
    assert.equal(done.code, 0, done.stderr);
    const after = await objects();
    assert.equal(
      after.length,
      prefixes.reduce((sum, { objects: many, into }) => sum - many + into, before.length),
    );
    assert.deepEqual(linesOf(after), linesOf(before));
    const replayed = await run(['replay', 'lake', '--from', 'start', '--wait', '--to', program.url]);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.deepEqual(linesOf(await objects()), linesOf(before));
    assert.equal(await program.kill('SIGTERM'), 0);
    const alone = await run(['compact', 'lake']);
    assert.deepEqual([alone.code, alone.stdout], [0, '']);
    assert.match(alone.stderr, /^Nothing is to be merged in \d+ objects of lake\.\n$/);
    assert.deepEqual(linesOf(await objects()), linesOf(before));
  });

  test('says which pipelines there are, and that nothing has landed yet', async (t) => {
    const dataDir = await scratch(t);
    const unknown = await cli(['compact', 'lakes', '--data-dir', dataDir], {});
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no pipeline "lakes" that lands objects; those that do: .*lake/);
    const empty = await cli(['compact', 'lake', '--data-dir', dataDir], {});
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /^error: There is no log in /);
  });
});
