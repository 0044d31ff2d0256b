/** `tributary replay` on the real program, killed in the middle (D9). */
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { ReplayUnderWay } from '../../src/processing/replays.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, eventLinesOf, rowsOf } from '../support/landed.ts';
import { type Program, runProgram, scratch, startFor } from '../support/program.ts';

const events = 6_000;

interface Row {
  readonly id: string;
  readonly type: string;
}

const allRows = (dataDir: string): Promise<readonly Row[]> =>
  rowsOf<Row>(dataDir, 'SELECT correlation_id AS id, type FROM events ORDER BY 1');

async function underWay({ url }: Program): Promise<readonly ReplayUnderWay[]> {
  const answer = await fetch(`${url}/admin/replays`);
  return ((await answer.json()) as { replays: readonly ReplayUnderWay[] }).replays;
}

function replay(dataDir: string, ...args: readonly string[]) {
  return runProgram(['replay', 'collect', '--data-dir', dataDir, ...args]);
}

suite('replays of a pipeline', { timeout: 280_000 }, () => {
  test('D9: brings back rows and objects that somebody deleted, once each, also when it is killed twice on the way', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    let program = await startFor(t, { dataDir });
    const data = `{"id":"order-1","amount":1,"padding":"${'x'.repeat(3_000)}"}`; // for several stretches
    const perPackage = Array.from({ length: 500 }, () => collectEvent({ data }));
    for (let sent = 0; sent < events; sent += perPackage.length) await taken(program.url, packageOf(perPackage));
    await caughtUp(dataDir);
    const rows = await allRows(dataDir);
    const lines = await eventLinesOf(dataDir);
    assert.deepEqual([rows.length, lines.size], [events, events]);

    await rowsOf(
      dataDir,
      `WITH gone AS (DELETE FROM events WHERE correlation_id::text < '${rows[4_000]!.id}') SELECT 1`,
    );
    const objects = join(dataDir, 'objects', 'events');
    const [day] = await readdir(objects);
    await rm(join(objects, day!), { recursive: true });
    const asked = await replay(dataDir, '--from', 'start', '--json');
    assert.equal(asked.code, 0, asked.stderr);
    const { replays } = JSON.parse(asked.stdout) as { replays: readonly { from: number; to: number }[] };
    assert.equal(
      replays.reduce((sum, { from, to }) => sum + to - from, 0),
      events,
    );
    let kills = 0;
    for (; kills < 2; kills++) {
      for (let begun = await underWay(program); begun.length > 0 && begun.every(({ next }) => next === 0);)
        begun = await underWay(program);
      await program.kill('SIGKILL');
      program = await startFor(t, { dataDir });
    }
    const done = await replay(dataDir, '--from', '0', '--wait', '--timeout', '120', '--json');
    assert.equal(done.code, 0, done.stderr);
    await caughtUp(dataDir);
    assert.deepEqual(await allRows(dataDir), rows);
    assert.deepEqual(
      [...(await eventLinesOf(dataDir)).values()].map(({ line }) => line).toSorted(),
      [...lines.values()].map(({ line }) => line).toSorted(),
    );
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('nonsense is refused in one line', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    for (const [args, code, says] of [
      [['--from', 'yesterday'], 2, /Expected start, an offset, or a time/],
      [['--from', 'end'], 2, /Expected start, an offset, or a time/],
      [[], 2, /--from/],
      [['--from', '0', '--partition', '99'], 1, /has 3 partitions, counted from 0/],
      [['--from', '0', '--to', 'nowhere'], 2, /expected a URL/],
    ] as const) {
      const ran = await replay(dataDir, ...args);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, says);
      assert.equal(ran.stderr.trim().split('\n').length, 1, ran.stderr);
    }
    for (const [body, status] of [
      ['{"pipeline":"collect","from":{"time":"yesterday"},"dryRun":true}', 400],
      ['{"pipeline":"collect","from":{"offset":-1},"dryRun":true}', 400],
      ['{"pipeline":"../x","from":"start","dryRun":true}', 400],
      ['{', 400],
    ] as const) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${program.url}/admin/replays`, { method: 'POST', headers, body });
      assert.equal(answer.status, status, body);
    }
    const asText = await fetch(`${program.url}/admin/replays`, { method: 'POST', body: '{}' });
    assert.equal(asText.status, 415);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });
});
