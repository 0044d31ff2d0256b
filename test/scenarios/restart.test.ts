/** How soon events are taken, on a new data directory and on one that is there; printed, as the machine decides it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, rowsOf } from '../support/landed.ts';
import { scratch, startFor } from '../support/program.ts';

suite('restart', { timeout: 120_000 }, () => {
  test('events are taken before PostgreSQL is up, and land when it is (D2)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    for (const [starts, what] of ['new data directory', 'after a drain', 'after a kill'].entries()) {
      const startedMs = performance.now();
      const program = await startFor(t, { dataDir });
      await taken(program.url, packageOf([collectEvent()]));
      t.diagnostic(`${what}: first 200 after ${(performance.now() - startedMs).toFixed(0)} ms`);
      await caughtUp(dataDir);
      t.diagnostic(`${what}: landed after ${(performance.now() - startedMs).toFixed(0)} ms`);
      assert.deepEqual(await rowsOf(dataDir, 'SELECT count(*) AS n FROM events'), [{ n: starts + 1 }]);
      await program.kill(starts === 0 ? 'SIGTERM' : 'SIGKILL');
    }
  });
});
