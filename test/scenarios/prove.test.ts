/** The crash proof holds, and it can fail: whatever is lost, doubled, changed or cut after the fact is told. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { app } from '../../apps/collect/collect.ts';
import { loadConfig } from '../../src/config/config.ts';
import { openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import { PackagesSubject } from '../../src/prove/packages/packages-subject.ts';
import { compare } from '../../src/prove/packages/compare.ts';
import type { Sent } from '../../src/prove/packages/send-packages.ts';
import { isProven, prove, type Proof } from '../../src/prove/prove.ts';
import { seededRandom } from '../../src/prove/random.ts';
import type { Verdict } from '../../src/prove/subject.ts';
import { caughtUp, objectsOf } from '../support/landed.ts';
import { cleanEnvironment, runProgram, scratch, startProgram } from '../support/program.ts';

const configIn = (dataDir: string) => loadConfig({ env: {}, flags: { dataDir, only: 'collect' }, workingDir: dataDir });

suite('prove', { concurrency: false, timeout: 180_000 }, () => {
  test('nothing is lost, twice, wrong or torn after 8 kills (D1, D2, D3, D5)', async () => {
    const { code, stdout, stderr } = await runProgram(['prove', 'collect', '--kills', '8', '--json']);
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as Proof & { proven: boolean };
    assert.equal(proof.proven, true);
    assert.equal(
      Object.values(proof.kills).reduce((sum, kills) => sum + kills),
      8,
    );
    assert.equal(proof.landed + proof.deadLetters, proof.acknowledged);
    assert.ok(proof.landed > 100 && proof.deadLetters > 0, stdout);
  });

  test('what is damaged after the end is told, event by event (D2, D3)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const acknowledged = await smallRun(dataDir);
    const options = { app, config: configIn(dataDir) };
    const sound = await compare(options, acknowledged);
    assert.deepEqual(tell(sound), { lost: [], twice: [], wrong: [], torn: [] });
    assert.equal(sound.landed + sound.deadLetters, acknowledged.size);

    const objects = [...(await objectsOf(dataDir))];
    const letters = objects.filter(([key]) => key.startsWith('dead-letter/'));
    const events = objects.filter(([key]) => key.startsWith('events/'));
    const [cut, doubled, changed, deletedRow, doubledRow, changedRow, unknown] = events;
    const [goneLetter, changedLetter] = letters;
    const path = (key: string): string => join(dataDir, 'objects', key);
    await writeFile(path(cut![0]), cut![1].slice(0, -5));
    await writeFile(path(doubled![0]), doubled![1] + doubled![1]);
    await writeFile(path(changed![0]), changed![1].replace('{"data":{', '{"data":{"more":1,'));
    await rm(path(goneLetter![0]));
    await writeFile(path(changedLetter![0]), changedLetter![1].replace('"message":"', '"message":"not '));
    await inTable(dataDir, [
      ['DELETE FROM events WHERE correlation_id = $1', idIn(deletedRow!)],
      ['INSERT INTO events SELECT * FROM events WHERE correlation_id = $1', idIn(doubledRow!)],
      [`UPDATE events SET data = '{}' WHERE correlation_id = $1`, idIn(changedRow!)],
    ]);
    const others = new Map(acknowledged);
    const neverStored = randomUUID();
    others.set(neverStored, others.get(idIn(unknown!))!);
    others.delete(idIn(unknown!));
    const verdict = await compare(options, others);
    assertTold(verdict.lost, [lastIdIn(cut!), idIn(goneLetter!), idIn(deletedRow!), neverStored]);
    assertTold(verdict.twice, [idIn(doubled!), idIn(doubledRow!)]);
    assertTold(verdict.wrong, [idIn(changed!), idIn(changedRow!), idIn(changedLetter!), idIn(unknown!)]);
    assert.deepEqual(verdict.torn, [cut![0]]);
    const touched = new Set([...events.slice(0, 7), ...letters.slice(0, 2)].flatMap(([, text]) => idsIn(text)));
    for (const line of [...verdict.lost, ...verdict.twice, ...verdict.wrong])
      assert.ok(touched.has(line.slice(0, 36)) || line.startsWith(neverStored), `nobody touched ${line}`);
  });

  test('an answer that is not what the event deserves is told', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const acknowledged = await smallRun(dataDir);
    const [refused] = [...acknowledged].find(([, { rejected }]) => rejected)!;
    const [taken] = [...acknowledged].find(([, { rejected }]) => !rejected)!;
    for (const id of [refused, taken]) {
      const sent = acknowledged.get(id)!;
      acknowledged.set(id, { ...sent, rejected: !sent.rejected });
    }
    const { wrong } = await compare({ app, config: configIn(dataDir) }, acknowledged);
    assertTold(wrong, [refused, taken]);
  });

  for (const [what, nodeOptions, reason] of [
    ['that ends by itself each time', '--no-such-option', /ended by itself/],
    [
      'that never takes events',
      `--import=data:text/javascript,await%20new%20Promise(()=>setInterval(()=>0,1e6))`,
      /took no events within 2 s/,
    ],
  ] as const) {
    test(`a program ${what} is a failed proof, not an endless one`, async (t) => {
      const dataDir = join(await scratch(t), 'data');
      const proof = await prove({
        app,
        config: configIn(dataDir),
        configFile: undefined,
        env: { ...cleanEnvironment(), NODE_OPTIONS: nodeOptions },
        kills: 100,
        seed: 8, // its first kill is not at the start
        onKill: () => undefined,
        waits: { start: 2_000, acknowledge: 2_000, land: 2_000, drain: 2_000 },
      });
      assert.equal(isProven(proof), false);
      assert.match(proof.failures.join('\n'), reason);
      assert.match(proof.failures.join('\n'), /did not start again/);
      assert.ok(Object.values(proof.kills).reduce((sum, kills) => sum + kills) < 5, 'it went on killing');
    });
  }
});

/** Some hundred events through the real program, all landed, and the program gone. */
async function smallRun(dataDir: string): Promise<Map<string, Sent>> {
  const program = await startProgram({ dataDir });
  try {
    const lines = app.generate({ count: 1_000_000, invalidShare: 0.1, seed: 5 })[Symbol.iterator]();
    const subject = new PackagesSubject(app, lines);
    const load = subject.startLoad({ random: seededRandom(5), runId: randomUUID() });
    load.target(program.url);
    while (subject.acknowledged < 300) await new Promise((resolve) => setTimeout(resolve, 10));
    await load.stop();
    await caughtUp(dataDir);
    return subject.sent;
  } finally {
    await program.kill('SIGTERM');
  }
}

async function inTable(dataDir: string, statements: readonly (readonly [sql: string, id: string])[]): Promise<void> {
  const warehouse = await openEmbeddedWarehouse({ dir: join(dataDir, 'postgres'), log: () => undefined });
  for (const [sql, id] of statements) assert.equal((await warehouse.pool.query(sql, [id])).rowCount, 1);
  await warehouse.close();
}

function idIn([, text]: readonly [key: string, text: string]): string {
  return idsIn(text)[0]!;
}

function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/"correlationId":"([0-9a-f-]{36})"/g)].map(([, id]) => id!);
}

function lastIdIn([key, text]: readonly [key: string, text: string]): string {
  return idIn([key, text.trimEnd().split('\n').at(-1)!]);
}

function tell({ lost, twice, wrong, torn }: Verdict): Pick<Verdict, 'lost' | 'twice' | 'wrong' | 'torn'> {
  return { lost, twice, wrong, torn };
}

/** Each of the ids is named. */
function assertTold(lines: readonly string[], ids: readonly string[]): void {
  const named = new Set(lines.flatMap((line) => /^([0-9a-f-]{36}):/.exec(line)?.[1] ?? []));
  for (const id of ids) assert.ok(named.has(id), `${id} is not among\n${lines.join('\n')}`);
}
