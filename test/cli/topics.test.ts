import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { scratch } from '../support/program.ts';
import { cli } from './run-cli.ts';

suite('tributary topics', { timeout: 240_000 }, () => {
  test('apply makes the topics where no server runs, says what differs, and takes nothing away', async (t) => {
    const dir = await scratch(t);
    const at = ['--data-dir', join(dir, 'data')];
    const configured = await cli(['topics', 'apply', ...at]);
    assert.deepEqual([configured.code, configured.stderr], [0, '']);
    assert.equal(
      configured.stdout,
      ['events.raw', 'signals.raw', 'cards.raw', 'lake.raw']
        .map(
          (raw) =>
            `${raw}: created, with ${raw === 'lake.raw' ? 1 : 3} partitions\n${raw.replace('raw', 'dead.letter')}: created, with 1 partitions\n`,
        )
        .join(''),
    );
    const list = join(dir, 'list');
    await writeFile(list, "events.raw,5,1\nevents.dead.letter:1:3 # replicas are a cluster's\nnew:2:1");
    const second = await cli(['topics', 'apply', list, ...at]);
    assert.equal(second.code, 0, second.stderr);
    assert.match(
      second.stdout,
      /events\.raw: now has 5 partitions; it had 3\nevents\.dead\.letter: is there.*\nnew: created/,
    );
    await writeFile(list, 'events.raw:2:1\ntributary.mine:1:1\n');
    const third = await cli(['topics', 'apply', list, ...at]);
    assert.equal(third.code, 1);
    assert.match(third.stdout, /events\.raw: differs: it has 5 .* 2 are listed.*\ntributary\.mine: differs/);
    assert.deepEqual(JSON.parse((await cli(['topics', 'list', '--json', ...at])).stdout), [
      { name: 'events.raw', partitions: 5, records: 0 },
      { name: 'events.dead.letter', partitions: 1, records: 0 },
      { name: 'signals.raw', partitions: 3, records: 0 },
      { name: 'signals.dead.letter', partitions: 1, records: 0 },
      { name: 'cards.raw', partitions: 3, records: 0 },
      { name: 'cards.dead.letter', partitions: 1, records: 0 },
      { name: 'lake.raw', partitions: 1, records: 0 },
      { name: 'lake.dead.letter', partitions: 1, records: 0 },
      { name: 'new', partitions: 2, records: 0 },
    ]);
  });

  test('where only topics were applied, lag and status say that nothing is there to land', async (t) => {
    const at = ['--data-dir', join(await scratch(t), 'data')];
    for (const command of ['lag', 'status']) {
      const { code, stdout, stderr } = await cli([command, ...at]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /^error: There is no log in [^\n]*\. Start Tributary on this data directory first[^\n]*\n$/);
    }
    assert.equal((await cli(['topics', 'apply', ...at])).code, 0);
    const lag = await cli(['lag', '--wait', '--timeout', '5', '--json', ...at]);
    assert.equal(lag.code, 0, lag.stderr);
    assert.match(lag.stderr, /^Files of cards are not waited for: no server runs on [^\n]*\n$/);
    const rows = JSON.parse(lag.stdout) as readonly { topic: string; committed: number; lag: number }[];
    assert.deepEqual(
      rows.map(({ topic, committed, lag: left }) => [topic, committed, left]),
      [
        ...Array<string>(3).fill('events.raw'),
        ...Array<string>(3).fill('signals.raw'),
        ...Array<string>(3).fill('cards.raw'),
        'lake.raw',
        ...Array<string>(3).fill('signals.raw'), // counted in a view
        'events.dead.letter',
        'signals.dead.letter',
        'cards.dead.letter',
        'lake.dead.letter',
      ].map((topic) => [topic, 0, 0]),
    );
    const status = await cli(['status', ...at]);
    assert.deepEqual([status.code, status.stderr], [0, '']);
    assert.match(status.stdout, /^server +none runs/m);
  });

  test('describe tells the offsets and times of each partition', async (t) => {
    const dataDir = await scratch(t);
    const log = await openSegmentLog({ dir: join(dataDir, 'log'), now: () => Date.UTC(2026, 10, 20) });
    await log.ensureTopics([{ name: 'orders', partitions: 2 }]);
    const batch = log.batch();
    for (const value of ['a', 'b', 'c'])
      batch.add({ topic: 'orders', key: 'same', value: Buffer.from(value), headers: [] });
    await log.append(batch);
    await log.close();
    const at = ['--data-dir', dataDir];
    const told = await cli(['topics', 'describe', 'orders', '--json', ...at]);
    const { partitions } = JSON.parse(told.stdout) as {
      partitions: readonly { start: number; end: number; oldestAt: string | null }[];
    };
    assert.deepEqual(
      partitions
        .map(({ start, end, oldestAt }) => [start, end, oldestAt])
        .toSorted((a, b) => Number(a[1]) - Number(b[1])),
      [
        [0, 0, null],
        [0, 3, '2026-11-20T00:00:00.000Z'],
      ],
    );
    assert.match(
      (await cli(['topics', 'describe', 'orders', ...at])).stdout,
      /^partition +start +end +records +oldest +newest\n/,
    );
    assert.match((await cli(['topics', 'list', ...at])).stdout, /^topic +partitions +records\norders +2 +3\n$/);
  });

  test('apply leaves a log alone that another process writes, and sends its token nowhere', async (t) => {
    const dataDir = await scratch(t);
    const log = await openSegmentLog({ dir: join(dataDir, 'log') });
    t.after(() => log.close());
    const ran = await cli(['topics', 'apply', '--data-dir', dataDir]);
    assert.deepEqual([ran.code, ran.stdout], [1, '']);
    assert.match(ran.stderr, /^error: no server has said that it runs on [^\n]+\.[^\n]+\n$/);
    assert.deepEqual(await log.topics(), []);
  });

  test('nonsense is told in one line', async (t) => {
    const dir = await scratch(t);
    const at = ['--data-dir', join(dir, 'data')];
    await writeFile(join(dir, 'bad'), 'events.raw:3\n');
    await writeFile(join(dir, 'many'), 'a:20000:1\n');
    assert.equal((await cli(['topics', 'apply', ...at])).code, 0);
    for (const [args, code, message] of [
      [['describe', '\u001B[2J'], 1, /no topic "\\u001b\[2J"/],
      [['apply', join(dir, 'bad')], 2, /bad:1: expected name:partitions:replicas/],
      [['apply', join(dir, 'many')], 1, /there would be 20014 partitions/],
    ] as const) {
      const ran = await cli(['topics', ...args, ...at]);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, message);
      assert.match(ran.stderr, /^error: [^\n]+\n$/);
    }
    const none = await cli(['topics', 'list', '--data-dir', join(dir, 'elsewhere')]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /^error: There is no log in [^\n]+\n$/);
  });
});
