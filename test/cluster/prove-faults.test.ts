/** Each fault of the crash proof alone, on the same servers and nodes: what was acknowledged lands once, and everything goes on by itself. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { app } from '../../apps/collect/collect.ts';
import { faults } from '../../src/prove/cluster/faults.ts';
import { partNames } from '../../src/prove/cluster/parts.ts';
import { nodeCount } from '../../src/prove/cluster/prove-cluster.ts';
import { Trial } from '../../src/prove/cluster/trial.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { connectionPool } from '../../src/stores/warehouse/connection-pool.ts';
import { cleanEnvironment } from '../support/program.ts';
import { until } from '../support/until.ts';
import { useS3Credentials } from '../support/s3-server.ts';

const minuteMs = 60_000;
/** Of those that have no reason to be away for longer. */
const awayMs = 3_000;
const awayForAMinute = new Set(partNames.map((part) => `${part} killed`));

suite('each fault of the crash proof alone', { concurrency: false, timeout: 900_000 }, () => {
  let dir: string;
  let trial: Trial;
  before(async () => {
    useS3Credentials();
    dir = await mkdtemp(join(tmpdir(), 'tributary-faults-'));
    trial = await Trial.start({ app, configFile: undefined, env: cleanEnvironment(), dir, nodes: nodeCount, seed: 1 });
  });
  after(async () => {
    await trial?.close();
    await rm(dir, { recursive: true, force: true });
  });

  for (const kind of Object.keys(faults)) {
    const isMinute = awayForAMinute.has(kind);
    test(`D1, D2, D3, D5: ${kind}${isMinute ? ', for a minute' : ''}`, async (t) => {
      const producer = trial.startLoad();
      await until(() => trial.nodes.every(({ name }) => producer.acknowledgedBy(name) > 3));
      await trial.strike([{ kind, awayMs: isMinute ? minuteMs : awayMs, afterMs: 0, seed: 1 }]);
      await trial.land();
      const { landed, deadLetters, lost, twice, wrong, torn } = await trial.compare();
      assert.deepEqual({ lost, twice, wrong, torn }, { lost: [], twice: [], wrong: [], torn: [] });
      assert.deepEqual(trial.failures.splice(0), []);
      t.diagnostic(`${landed} landed, ${deadLetters} dead letters, resent: ${JSON.stringify(producer.unanswered)}`);
    });
  }

  test('what is taken away or doubled on the servers is told (D2, D3)', async (t) => {
    const { pool, close } = connectionPool({ connectionString: trial.config.databaseUrl! }, () => undefined);
    t.after(close);
    const { rows } = await pool.query<{ id: string }>('SELECT correlation_id::text AS id FROM events LIMIT 2');
    const [gone = '', doubled = ''] = rows.map(({ id }) => id);
    await pool.query('DELETE FROM events WHERE correlation_id = $1', [gone]);
    await pool.query('INSERT INTO events SELECT * FROM events WHERE correlation_id = $1', [doubled]);
    const store = await openS3Store(trial.config.objects!);
    const [key = ''] = await Array.fromAsync(store.list('events/'));
    const ids = [...(await store.get(key))!.toString().matchAll(/"correlationId":"([0-9a-f-]{36})"/g)].map(
      ([, id]) => id,
    );
    await store.delete(key);
    const { lost, twice, wrong, torn } = await trial.compare();
    assert.deepEqual([wrong, torn], [[], []]);
    assert.deepEqual(
      lost.toSorted(),
      [...ids.map((id) => `${id}: not in the objects`), `${gone}: not in table events`].toSorted(),
    );
    assert.deepEqual(twice, [`${doubled}: 2 times in table events`]);
  });
});
