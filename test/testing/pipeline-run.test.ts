import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import type { InjectedFault, PipelineRun, RunOptions } from 'tributary/testing';
import { startPipeline } from 'tributary/testing';
import { root } from '../docs/markdown.ts';
import { scratch } from '../support/program.ts';
import { schema, subject, visit, visits, type VisitsOptions } from './small-pipeline.ts';

async function start(
  t: TestContext,
  options: Omit<RunOptions, 'schemasDir'> = {},
  pipeline: VisitsOptions = {},
): Promise<PipelineRun> {
  const schemasDir = await scratch(t);
  await writeFile(join(schemasDir, `${subject}.schema.json`), schema);
  return startPipeline(visits(pipeline), { ...options, schemasDir });
}

/** What is in both sinks, sorted; a line and a row each. */
async function idsIn(run: PipelineRun): Promise<{ rows: readonly string[]; lines: readonly string[] }> {
  const rows = (await run.rows('visits')).map(({ id }) => String(id));
  const objects = await run.objects();
  const lines = objects.flatMap((object) => object.lines.map((line) => (line as { id: string }).id));
  return { rows: rows.toSorted(), lines: lines.toSorted() };
}

function runsIn(dir: string): readonly string[] {
  return readdirSync(dir).filter((name) => /^tributary-testing-(?!postgres)/.test(name));
}

const dayMs = 24 * 3_600_000;

suite('a pipeline in a test', { timeout: 120_000 }, () => {
  test('D2: events land as rows and lines, and what is refused is a dead letter', async (t) => {
    await using run = await start(t);
    const { status, body } = await run.send([visit('a'), { id: 'b' }, { ...visit('c'), at: 'yesterday' }]);
    assert.deepEqual([status, body.accepted, body.rejected], [200, 2, 1]);
    await run.landed();
    assert.deepEqual(await run.rows('visits'), [
      { id: 'a', at: new Date('2026-11-20T12:00:00Z'), data: { page: '/' } },
    ]);
    const [object, ...more] = await run.objects();
    assert.deepEqual([object?.key, object?.lines, more], ['visits/date=2026-11-20/visits-0-0.json', [visit('a')], []]);
    const letters = (await run.deadLetters()).map(({ at, path, index }) => ({ at, path, index }));
    assert.deepEqual(letters, [
      { at: 'ingest', path: 'at', index: 1 },
      { at: 'processor', path: 'at', index: 2 },
    ]);
  });

  test('digits stay as they were sent', async (t) => {
    await using run = await start(t);
    await run.send('[{"id":"a","at":"2026-11-20T12:00:00Z","data":{"n":1.10}}]');
    await run.landed();
    assert.match((await run.objects())[0]?.text ?? '', /"n":1\.10\b/);
  });

  test('an answer other than 200 is an answer', async (t) => {
    await using run = await start(t);
    const { status, body } = await run.send('nothing');
    assert.deepEqual([status, body.error], [400, 'NOT_JSON']);
  });

  test('D5: a key is remembered across a crash, and forgotten when the clock has moved a day', async (t) => {
    let nowMs = Date.UTC(2030, 0, 1);
    await using run = await start(t, { now: () => nowMs });
    const key = { idempotencyKey: 'once' };
    const first = await run.send([visit('a')], key);
    await run.crash();
    await run.restart();
    assert.deepEqual(await run.send([visit('a')], key), first);
    nowMs += dayMs + 1;
    const later = await run.send([visit('a')], key);
    assert.notEqual(later.body.packageId, first.body.packageId);
    await run.landed();
    assert.deepEqual((await idsIn(run)).rows, ['a', 'a']);
  });

  test('what has not landed in time is told with its reason', async (t) => {
    await using run = await start(t, { faults: [{ at: 'sink visits', write: 1, how: 'stall' }] });
    await run.send([visit('a')]);
    await run.struck();
    await assert.rejects(run.landed({ withinMs: 50 }), /^Error: 1 records have not landed within 50 ms/);
  });

  test('D8: a restart without a crash lands what is in hand', async (t) => {
    await using run = await start(t);
    await run.send([visit('a')]);
    await run.restart();
    await run.landed();
    assert.deepEqual(await idsIn(run), { rows: ['a'], lines: ['a'] });
  });

  test('runs beside each other share nothing, and leave nothing', async (t) => {
    const { TMPDIR } = process.env;
    t.after(() => (TMPDIR === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = TMPDIR)));
    const own = await scratch(t);
    process.env['TMPDIR'] = own;
    {
      await using one = await start(t);
      await using other = await start(t);
      await one.send([visit('a')]);
      await Promise.all([one.landed(), other.landed()]);
      assert.deepEqual([(await idsIn(one)).rows, (await idsIn(other)).rows], [['a'], []]);
      assert.equal(runsIn(own).length, 2);
    }
    assert.deepEqual(runsIn(own), []);
  });
});

suite('injected faults', { timeout: 120_000 }, () => {
  test('D1: a log that refuses answers 503, and the package is not there', async (t) => {
    await using run = await start(t, { faults: [{ at: 'log', write: 2, how: 'refuse' }] });
    const answers = [await run.send([visit('a')]), await run.send([visit('b')]), await run.send([visit('c')])];
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.error]),
      [
        [200, undefined],
        [503, 'LOG_FULL'],
        [200, undefined],
      ],
    );
    await run.landed();
    assert.deepEqual((await idsIn(run)).rows, ['a', 'c']);
  });

  test('D3: an answer that a crash took away is found once, with the same key', async (t) => {
    await using run = await start(t, { faults: [{ at: 'log', write: 1, how: 'crash after' }] });
    const send = () => run.send([visit('a')], { idempotencyKey: 'again' });
    await assert.rejects(send(), /the process crashed before it answered/);
    await run.restart();
    assert.equal((await send()).status, 200);
    await run.landed();
    assert.deepEqual(await idsIn(run), { rows: ['a'], lines: ['a'] });
  });

  test('D6: a sink that stalls lands nothing, and events are taken all the same', async (t) => {
    await using run = await start(t, { faults: [{ at: 'sink visits', write: 1, how: 'stall' }] });
    await run.send([visit('a')]);
    await run.struck();
    assert.equal((await run.send([visit('b')])).status, 200);
    assert.deepEqual((await idsIn(run)).rows, []);
    await run.crash();
    await run.restart();
    await run.landed();
    assert.deepEqual(await idsIn(run), { rows: ['a', 'b'], lines: ['a', 'b'] });
  });

  for (const at of ['sink visits', 'sink objects', 'checkpoint'] as const)
    for (const how of ['refuse', 'crash before', 'crash after'] as const)
      test(`D3: exactly once where ${at} goes wrong: ${how}`, async (t) => {
        const fault: InjectedFault = { at, write: 2, how };
        await using run = await start(t, { faults: [fault] });
        await run.send([visit('a')]);
        if (at !== 'checkpoint') await run.landed();
        await run.send([visit('b')]);
        await run.struck();
        if (how !== 'refuse') {
          await assert.rejects(run.landed(), /the process crashed/);
          await run.restart();
        }
        await run.landed();
        assert.deepEqual(await idsIn(run), { rows: ['a', 'b'], lines: ['a', 'b'] });
      });

  test('one that could never happen is refused', async (t) => {
    const sinks = start(t, { faults: [{ at: 'sink visit', write: 1, how: 'stall' }] });
    await assert.rejects(sinks, { code: 'USAGE', message: /sink visits, sink objects, got sink visit$/ });
    await assert.rejects(start(t, { faults: [{ at: 'log', write: 0, how: 'refuse' }] }), { code: 'USAGE' });
  });
});

function throwBug(): never {
  throw new TypeError('a bug');
}

suite('a broken pipeline fails its test', { timeout: 120_000 }, () => {
  test('one that halts says where', async (t) => {
    await using run = await start(t, {}, { onInvalid: 'halt' });
    await run.send([{ ...visit('a'), at: 'yesterday' }]);
    await assert.rejects(run.landed(), { code: 'PIPELINE_HALTED', message: /visits-0, offset 0: at:/ });
  });

  test('one whose row is wrong has a dead letter and no row', async (t) => {
    await using run = await start(t, {}, { idOf: throwBug });
    await run.send([visit('a')]);
    await run.landed();
    assert.deepEqual((await idsIn(run)).rows, []);
    assert.equal((await run.deadLetters()).length, 1);
  });

  test('a schema that is not there fails at the start', async (t) => {
    await assert.rejects(startPipeline(visits(), { schemasDir: await scratch(t) }), { code: 'SCHEMA_UNKNOWN' });
  });

  test('a table that it does not have is not asked for', async (t) => {
    await using run = await start(t);
    await assert.rejects(run.rows('visit'), { code: 'USAGE', message: /no table "visit", only: visits/ });
  });
});

test('nothing of it is loaded by the program', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const others = files.filter((path) => path.endsWith('.ts') && !path.startsWith('testing/'));
  assert.ok(others.length > 100);
  const importing = others.filter((path) =>
    /from '[^']*\/testing\//.test(readFileSync(join(root, 'src', path), 'utf8')),
  );
  assert.deepEqual(importing, []);
});
