import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ratesBetween } from '../../src/cli/status/rates.ts';
import type { Status } from '../../src/cli/status/read-status.ts';
import { Screen } from '../../src/cli/status/screen.ts';
import { statusTable } from '../../src/cli/status/show-status.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { cleanEnvironment, runProgram, scratch, startProgram } from '../support/program.ts';
import { sourceProgram } from './run-cli.ts';

/** Nothing here needs rows: PostgreSQL is somewhere where nobody answers. */
const noWarehouse = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };

const escape = '\u001B';

interface StatusJson {
  readonly of: string;
  readonly isRunning: boolean;
  readonly ready?: boolean;
  readonly parts?: Readonly<Record<string, string>>;
  readonly lag: readonly {
    consumer: string;
    end: number;
    lag: number;
    isCompacting: false;
    isOpening: false;
    behindMs: number;
    perSecond: number | null;
    toReplay: number;
  }[];
  readonly events?: readonly { pipeline: string; ingested: number; rejected: number; perSecond: number | null }[];
  readonly queue?: { bytes: number; maxBytes: number };
  readonly disk: { freeBytes: number; totalBytes: number };
}

const at: Status['lag'][number] = {
  consumer: 'collect',
  topic: 'events.raw',
  partition: 0,
  committed: 10,
  end: 30,
  lag: 20,
  behindMs: 61_000,
  toReplay: 0,
  isCompacting: false,
  isOpening: false,
};
const seen: Status = {
  of: 'http://here',
  isRunning: true,
  ready: true,
  parts: { log: 'takes events' },
  uptimeMs: 5_000,
  atMs: 5_000,
  events: [{ pipeline: 'collect', ingested: 100, rejected: 5, deadLettered: 5 }],
  queue: { bytes: 1536, maxBytes: 64 * 1024 * 1024 },
  disk: { freeBytes: 3 * 1024 ** 3, totalBytes: 10 * 1024 ** 3 },
  lag: [at],
};

suite('tributary status', { timeout: 240_000 }, () => {
  test('asks the running server, and tells from files what they tell when it is gone', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startProgram({ dataDir, env: noWarehouse });
    t.after(() => program.kill('SIGKILL'));
    await taken(program.url, packageOf([collectEvent(), collectEvent(), '{}']));
    const running = await runProgram(['status', '--json', '--data-dir', dataDir], noWarehouse);
    assert.deepEqual([running.code, running.stderr], [0, '']);
    const told = JSON.parse(running.stdout) as StatusJson;
    assert.equal(told.isRunning, true);
    assert.equal(told.ready, true);
    assert.match(told.parts!['warehouse']!, /./);
    assert.deepEqual(told.events, [
      { pipeline: 'collect', ingested: 2, rejected: 1, deadLettered: 1, perSecond: 0 },
      { pipeline: 'signals', ingested: 0, rejected: 0, deadLettered: 0, perSecond: 0 },
      { pipeline: 'cards', ingested: 0, rejected: 0, deadLettered: 0, perSecond: 0 },
      { pipeline: 'lake', ingested: 0, rejected: 0, deadLettered: 0, perSecond: 0 },
    ]);
    assert.equal(told.queue!.bytes, 0);
    assert.ok(told.disk.freeBytes > 0 && told.disk.freeBytes <= told.disk.totalBytes);
    const behind = (one: StatusJson) =>
      one.lag.filter(({ consumer }) => consumer === 'collect').reduce((sum, { lag }) => sum + lag, 0);
    assert.equal(behind(told), 2, running.stdout);

    await program.kill('SIGKILL'); // its server.json stays behind
    const files = await runProgram(['status', '--json', '--data-dir', dataDir], noWarehouse);
    assert.deepEqual([files.code, files.stderr], [0, '']);
    const left = JSON.parse(files.stdout) as StatusJson;
    assert.deepEqual([left.isRunning, left.of, behind(left)], [false, dataDir, 2]);
    const table = await runProgram(['status', '--data-dir', dataDir], noWarehouse);
    assert.match(table.stdout, /^server +none runs; this is what the files in .* tell$/m);
    assert.ok(!table.stdout.includes(escape));
  });

  test('a server that is named and does not answer is not replaced by files', async (t) => {
    const dataDir = await scratch(t);
    const ran = await runProgram(['status', '--to', 'http://127.0.0.1:1', '--data-dir', dataDir]);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /no Tributary answers at http:\/\/127\.0\.0\.1:1/);
  });

  test('is one table', () => {
    const later: Status = {
      ...seen,
      atMs: 7_000,
      events: [{ pipeline: 'collect', ingested: 190, rejected: 15, deadLettered: 15 }],
      lag: [{ ...at, committed: 13, lag: 17 }],
    };
    assert.equal(
      statusTable(later, ratesBetween(seen, later)),
      `
part            is                                lag  behind  events/s
server          ready, up 5.0 s, http://here
log             takes events
queue           1.5 KiB of 64.0 MiB
disk            3.0 GiB free of 10.0 GiB
source collect  190 events accepted, 15 rejected                     50
collect         at 13 of 30 in events.raw-0        17  61.0 s       1.5
`.trim(),
    );
  });

  test('replays that have records left or have stopped have a row each', () => {
    const lag = [
      at,
      { ...at, partition: 1, toReplay: 1_200 },
      { ...at, partition: 2, replayStopped: 'halted at events.raw-2, offset 7: \u001B[31mred' },
    ];
    const rows = statusTable({ ...seen, lag }, undefined).split('\n');
    assert.deepEqual(
      rows.slice(-2).map((row) => row.split(/ {2,}/)),
      [
        ['replay collect', 'lands again in events.raw-1', '1200'],
        ['replay collect', 'stopped in events.raw-2: halted at events.raw-2, offset 7: \\x1b[31mred'],
      ],
    );
  });

  test('objects that are being merged, or were when that was killed, have a row, whatever the partitions', () => {
    const lag = [0, 1].map((partition) => ({ ...at, partition, isCompacting: true }));
    const row = statusTable({ ...seen, lag }, undefined)
      .split('\n')
      .slice(6);
    assert.deepEqual(
      row.filter((one) => one.startsWith('compaction')),
      ['compaction collect  under way, or interrupted: tributary compact ends it, and until then nothing is replayed'],
    );
  });

  test('there are no rates between a server and its successor, or its files', () => {
    assert.equal(ratesBetween(undefined, seen), undefined);
    assert.equal(ratesBetween({ ...seen, atMs: 9_000 }, seen), undefined);
    assert.equal(ratesBetween({ ...seen, isRunning: false, atMs: 1 }, seen), undefined);
  });

  test('a frame overwrites the one before, and never scrolls', () => {
    const screen = new Screen();
    assert.equal(screen.frame('a\nb', 24), '\ra\u001B[K\nb\u001B[K\n\u001B[J');
    assert.equal(screen.frame('c', 24), '\r\u001B[2Ac\u001B[K\n\u001B[J');
    assert.equal(screen.frame('1\n2\n3\n4', 3), '\r\u001B[1A1\u001B[K\n2\u001B[K\n\u001B[J');
    screen.resized();
    assert.equal(screen.frame('x', 24), '\u001B[2J\u001B[Hx\u001B[K\n\u001B[J');
  });

  const hasTerminals = process.platform === 'linux';
  test('on a terminal it goes on until Ctrl-C: 130', { skip: !hasTerminals && 'script(1) differs' }, async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startProgram({ dataDir, env: noWarehouse });
    t.after(() => program.kill('SIGKILL'));
    const command = [process.execPath, sourceProgram, 'status', '--data-dir', dataDir];
    const quoted = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
    const child = spawn('script', ['-qec', `stty rows 40 cols 160; exec ${quoted}`, '/dev/null'], {
      env: cleanEnvironment(noWarehouse),
    });
    t.after(() => child.kill('SIGKILL'));
    let shown = '';
    const twice = Promise.withResolvers<void>();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      if (shown.split(' ready, up ').length > 2) twice.resolve();
    });
    const closed = once(child, 'close') as Promise<[number]>;
    const shows = async (text: RegExp): Promise<void> => {
      shown = '';
      for await (const _ of on(child.stdout, 'data', { close: ['end'] })) if (text.test(shown)) return;
      assert.fail(shown);
    };
    await Promise.race([twice.promise, closed.then(() => assert.fail(shown))]);
    assert.match(shown.replaceAll(escape, '<escape>'), /<escape>\[\d+A/);

    program.child.kill('SIGSTOP');
    await shows(/ has not answered within 5 s; asked again every second/);
    program.child.kill('SIGCONT');
    await shows(/ ready, up /);
    child.stdin.write('\u0003');
    assert.deepEqual((await closed)[0], 130);
  });
});
