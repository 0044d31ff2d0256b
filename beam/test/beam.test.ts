/** The program with its processor by Beam, beside the same program without. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { collectEvent, packageOf } from '../../test/support/collect-event.ts';
import { taken } from '../../test/support/http-request.ts';
import { caughtUp, deadLettersOf, eventLinesOf, rowsOf } from '../../test/support/landed.ts';
import { ownPostgres } from '../../test/support/own-postgres.ts';
import { runProgram, scratch, startProgram } from '../../test/support/program.ts';
import { until } from '../../test/support/until.ts';

const args = ['--only', 'collect'];
const byBeam = [...args, '--processor', 'beam'];
/** Valid until the transform sees that an id is none. */
const odd = collectEvent({ accountId: 'no id' });
const events = [...Array.from({ length: 1_000 }, () => collectEvent()), odd, collectEvent()];
const everyRow = 'SELECT * FROM events ORDER BY correlation_id';
const counts = 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events';

async function lines(dataDir: string): Promise<readonly string[]> {
  return [...(await eventLinesOf(dataDir)).values()].map(({ line }) => line);
}

async function reasons(dataDir: string): Promise<readonly object[]> {
  const letters = await deadLettersOf(dataDir);
  return letters.map(({ correlationId, at, error }) => ({ correlationId, at, error }));
}

test('lands the same rows, objects and dead letters from the same log', async (t) => {
  const root = await scratch(t);
  const [plain, beam] = [join(root, 'plain'), join(root, 'beam')];
  const first = await startProgram({ dataDir: plain, args });
  t.after(() => void first.child.kill('SIGKILL'));
  for (let i = 0; i < events.length; i += 100) await taken(first.url, packageOf(events.slice(i, i + 100)));
  await caughtUp(plain);
  const rows = await rowsOf(plain, everyRow);
  assert.equal(rows.length, events.length - 1);
  assert.equal(await first.kill('SIGTERM'), 0);

  // All of it but what has landed.
  const { postgres, objects, state } = dataPaths(plain);
  const landed: readonly string[] = [postgres, objects, state];
  await cp(plain, beam, { recursive: true, filter: (path) => !landed.includes(path) });
  const second = await startProgram({ dataDir: beam, args: byBeam });
  t.after(() => void second.child.kill('SIGKILL'));
  await caughtUp(beam);
  assert.deepEqual(await rowsOf(beam, everyRow), rows);
  assert.deepEqual((await lines(beam)).toSorted(), (await lines(plain)).toSorted());
  const [letter] = await reasons(plain);
  assert.deepEqual(await reasons(beam), [letter, letter]); // one of them came with the log
  assert.equal(await second.kill('SIGTERM'), 0);
});

test('D3: a sink that fails keeps the checkpoint where it is, and each event lands once when it works again', async (t) => {
  const postgres = await ownPostgres();
  t.after(() => postgres.dispose());
  const dataDir = join(await scratch(t), 'data');
  const env = { DATABASE_URL: postgres.url };
  const program = await startProgram({ dataDir, env, args: byBeam });
  t.after(() => void program.child.kill('SIGKILL'));
  await taken(program.url, packageOf(events.slice(0, 10)));
  await caughtUp(dataDir, env);
  await postgres.crash();
  await taken(program.url, packageOf(events.slice(10, 60)));
  await until(() => Promise.resolve(/tried again/.test(program.log())));
  const lag = JSON.parse((await runProgram(['lag', '--json', '--data-dir', dataDir], env)).stdout) as readonly {
    readonly consumer: string;
    readonly lag: number;
  }[];
  const behind = lag.filter(({ consumer }) => consumer === 'collect').reduce((sum, row) => sum + row.lag, 0);
  assert.equal(behind, 50);
  await postgres.start();
  await caughtUp(dataDir, env);
  assert.deepEqual(await rowsOf(dataDir, counts, env), [{ n: 60, ids: 60 }]);
  assert.equal((await eventLinesOf(dataDir)).size, 60);
  assert.equal(await program.kill('SIGTERM'), 0, program.log());
});

for (const engine of ['embedded', 'cluster'])
  test(`D1-D3: \`prove collect --processor beam\` on the ${engine} engine`, async () => {
    const proof = ['prove', 'collect', '--processor', 'beam', '--engine', engine, '--kills', '4', '--json'];
    const { code, stdout, stderr } = await runProgram(proof);
    assert.equal(code, 0, stdout + stderr);
  });
