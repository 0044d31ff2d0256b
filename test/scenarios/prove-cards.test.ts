/** The crash proof of `cards` holds, and it can fail: whatever is lost, doubled, changed or taken half is told. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { app } from '../../apps/cards/cards.ts';
import { loadConfig } from '../../src/config/config.ts';
import { allLanded } from '../../src/prove/all-landed.ts';
import { compare } from '../../src/prove/files/compare.ts';
import { FilesSubject } from '../../src/prove/files/files-subject.ts';
import type { FinalFile } from '../../src/prove/files/written-files.ts';
import type { Proof } from '../../src/prove/prove.ts';
import { seededRandom } from '../../src/prove/random.ts';
import { Victim } from '../../src/prove/victim.ts';
import { openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import { objectsOf } from '../support/landed.ts';
import { cleanEnvironment, runProgram, scratch } from '../support/program.ts';
import { until } from '../support/until.ts';

const configIn = (dataDir: string) => loadConfig({ env: {}, flags: { dataDir, only: 'cards' }, workingDir: dataDir });

suite('prove cards', { concurrency: false, timeout: 400_000 }, () => {
  test('D1, D2, D3, D5: nothing is lost, twice, wrong or torn after 3 kills', async () => {
    const { code, stdout, stderr } = await runProgram(['prove', 'cards', '--kills', '3', '--seed', '2', '--json']);
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as Proof & { proven: boolean };
    assert.deepEqual([proof.proven, proof.sends], [true, 'files']);
    assert.equal(
      Object.values(proof.kills).reduce((sum, kills) => sum + kills),
      3,
    );
    assert.ok(proof.acknowledged > 20 && proof.deadLetters > 0 && proof.counts['writers killed']! > 0, stdout);
  });

  test('D2, D3, D5: what is damaged after the end is told', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const { finals } = await smallRun(dataDir, { files: 150 });
    const judged = (files: readonly FinalFile[]) =>
      compare(app.pipeline, configIn(dataDir), { finals: files, settledAfterMs: 10_000 });
    const { lost, twice, wrong, torn } = await judged(finals);
    assert.deepEqual({ lost, twice, wrong, torn }, { lost: [], twice: [], wrong: [], torn: [] });

    const letters = [...(await objectsOf(dataDir))].filter(([key]) => key.startsWith('dead-letter/'));
    const [gone, doubled] = letters.map(([key]) => key);
    await rm(join(dataDir, 'objects', gone!));
    await writeFile(join(dataDir, 'objects', `${doubled}.again`), letters[1]![1]);
    await inWarehouse(dataDir, [
      'DELETE FROM cards.users WHERE id = (SELECT min(id) FROM cards.users)',
      'UPDATE cards.cards SET active = NOT active WHERE id = (SELECT min(id) FROM cards.cards)',
      'UPDATE cards.card_history SET valid_to = valid_from WHERE is_current AND id = (SELECT min(id) FROM cards.cards)',
      `INSERT INTO cards.events SELECT gen_random_uuid(), type, event_at, payload, file, arrived_at, correlation_id
        FROM cards.events LIMIT 1`,
    ]);
    const once = finals.find(
      ({ text, isWhole }) => isWhole && finals.filter((file) => file.text === text).length === 1,
    )!;
    const changed = finals.map((file): FinalFile => (file === once ? { ...file, timesWhole: 0 } : file));
    const unwritten: FinalFile = { ...once, shown: 'data/events/inbox/users/none.json' };
    const verdict = await judged([...changed, unwritten]);
    assertTold(verdict.lost, [/^users \[\d+\]: not in the table/, /dead-letter objects 0,/, /none\.json: not taken/]);
    assertTold(verdict.twice, [/taken 1 times, and written 0 times/, /dead-letter objects 2,/]);
    assertTold(verdict.wrong, [/^cards \[/, /^card_history \[/, /^events \[.*of no file/]);
    assert.deepEqual([verdict.lost.length, verdict.twice.length, verdict.wrong.length], [3, 2, 3]);
  });

  for (const [what, files, changed, reason] of [
    [
      'that takes files half',
      400, // of which some twenty are left half-written for seconds
      `source: { ...pipeline.source, settledAfterMs: 50 }`,
      /a part of it was taken, and it stood there half-written/,
    ],
    [
      'in which modifications are in the order of their ids',
      150,
      `sinks: pipeline.sinks.map((sink) => (sink.name === 'cards' ? { ...sink, order: ['created_at', 'event_id'] } : sink))`,
      /^cards \[\d+\]: differs from the fold/m,
    ],
  ] as const)
    test(`a program ${what} is told (D2, D3)`, async (t) => {
      const dataDir = join(await scratch(t), 'data');
      const subject = await smallRun(dataDir, { files, configFile: await lyingConfig(t, changed) });
      const { wrong, torn } = await subject.compare(configIn(dataDir));
      assert.match([...torn, ...wrong].join('\n'), reason);
    });
});

/** So many files through the real program, or more, all landed, and the program gone. */
async function smallRun(
  dataDir: string,
  { files, configFile }: { readonly files: number; readonly configFile?: string | undefined },
): Promise<FilesSubject> {
  const config = configIn(dataDir);
  const lines = app.generate({ count: 1_000_000, invalidShare: 0.1, seed: 5 })[Symbol.iterator]();
  const subject = new FilesSubject({ app, config, lines, workingDir: join(dataDir, 'files') });
  const load = subject.startLoad({ random: seededRandom(5), runId: '' });
  const victim = new Victim({
    dataDir,
    configFile,
    system: 'cards',
    env: cleanEnvironment(),
    onUrl: () => undefined,
    workingDir: subject.workingDir,
  });
  try {
    await until(() => load.acknowledgedBy('') >= files);
    await load.stop();
    assert.ok(await allLanded({ app, config }, subject.accepted, 120_000));
    return subject;
  } finally {
    await victim.drain(60_000);
  }
}

/** Of a program whose pipeline is not the one that it is judged by. */
async function lyingConfig(t: TestContext, changed: string): Promise<string> {
  const dir = await scratch(t);
  const text = `
    import { app } from ${JSON.stringify(join(import.meta.dirname, '../../apps/cards/cards.ts'))};
    const { pipeline } = app;
    const lying = { ...app, pipeline: { ...pipeline, ${changed} } };
    export { lying as app };`;
  await writeFile(join(dir, 'lying.js'), text);
  await writeFile(join(dir, 'lying.json'), '{ "pipelines": ["lying.js"] }');
  return join(dir, 'lying.json');
}

async function inWarehouse(dataDir: string, statements: readonly string[]): Promise<void> {
  const warehouse = await openEmbeddedWarehouse({ dir: join(dataDir, 'postgres'), log: () => undefined });
  for (const sql of statements) assert.equal((await warehouse.pool.query(sql)).rowCount, 1, sql);
  await warehouse.close();
}

function assertTold(lines: readonly string[], wanted: readonly RegExp[]): void {
  for (const one of wanted)
    assert.ok(
      lines.some((line) => one.test(line)),
      `${one} is not among\n${lines.join('\n')}`,
    );
}
