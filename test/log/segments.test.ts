/** What holds of the embedded log beyond the contract: locks, queues, segments, readers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { realFiles } from '../../src/log/segments/real-files.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { openSegmentLogReader } from '../../src/log/segments/segment-log-reader.ts';
import { scratch } from '../support/program.ts';
import {
  appendMany,
  AT,
  batchOf,
  fault,
  heldWrites,
  opened,
  readAll,
  segmentsIn,
  SMALL,
} from '../support/segment-logs.ts';

test('one process writes: a second one is refused, until the first is gone', async (t) => {
  const dir = await scratch(t);
  const log = await openSegmentLog({ dir });
  await assert.rejects(openSegmentLog({ dir }), fault('DATA_DIR_IN_USE', /another process/i));
  await log.close();
  await (await openSegmentLog({ dir })).close();
});

test('of starters at the same moment exactly one wins; kill -9 frees the lock', async (t) => {
  const dir = await scratch(t);
  const program = `
    import { openSegmentLog } from ${JSON.stringify(new URL('../../src/log/segments/segment-log.ts', import.meta.url).href)};
    process.stdin.once('data', () => openSegmentLog({ dir: ${JSON.stringify(dir)} }).then(
      () => console.log('won'), (error) => console.log(error.code)));
    console.log('ready');`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      env: {},
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  t.after(() => children.forEach((child) => child.kill('SIGKILL')));
  const line = async (child: (typeof children)[number]): Promise<string> =>
    String((await once(child.stdout, 'data'))[0]).trim();
  await Promise.all(children.map(line));
  const answers = Promise.all(children.map(line));
  for (const child of children) child.stdin.write('go');
  const outcome = await answers;
  assert.deepEqual(outcome.toSorted(), ['DATA_DIR_IN_USE', 'DATA_DIR_IN_USE', 'DATA_DIR_IN_USE', 'won']);
  const winner = children[outcome.indexOf('won')]!;
  winner.kill('SIGKILL');
  await once(winner, 'exit');
  await (await openSegmentLog({ dir })).close();
});

test('D3: the lock is held by a log that its process has lost sight of', async (t) => {
  const dir = await scratch(t);
  const program = `
    import { openSegmentLog } from ${JSON.stringify(new URL('../../src/log/segments/segment-log.ts', import.meta.url).href)};
    await (async () => void (await openSegmentLog({ dir: ${JSON.stringify(dir)} })))();
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    console.log('collected');
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module-typescript', '-e', program], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await assert.rejects(openSegmentLog({ dir }), fault('DATA_DIR_IN_USE'));
});

test('D6: a batch that is still queued is withdrawn by its signal; one that is being written is not', async (t) => {
  const { files, hold, release } = heldWrites();
  const log = await opened(t, { dir: await scratch(t), files });
  hold();
  const [writing, queued] = [new AbortController(), new AbortController()];
  const first = log.append(batchOf(log, 'writing'), { signal: writing.signal });
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const second = log.append(batchOf(log, 'queued'), { signal: queued.signal });
  queued.abort();
  writing.abort();
  await assert.rejects(second, fault('BUSY'));
  release();
  await first;
  await log.append(batchOf(log, 'next'));
  assert.deepEqual(
    (await readAll(log)).map((one) => one.value.toString()),
    ['writing', 'next'],
  );
});

test('D6: there is room while less than maxQueueBytes wait', async (t) => {
  const { files, hold, release } = heldWrites();
  const log = await opened(t, { dir: await scratch(t), files, maxQueueBytes: 10_000 });
  hold();
  const appended = [log.append(batchOf(log, Buffer.alloc(20_000)))];
  let isRoom = false;
  const room = log.room(new AbortController().signal).then(() => (isRoom = true));
  const impatient = new AbortController();
  const refused = assert.rejects(log.room(impatient.signal), fault('BUSY'));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.equal(isRoom, false);
  impatient.abort();
  await refused;
  release();
  await Promise.all([...appended, room]);
});

test('D1: nothing is visible before it is durable', async (t) => {
  const { files, hold, release } = heldWrites();
  const dir = await scratch(t);
  const log = await opened(t, { dir, files });
  hold();
  const appended = log.append(batchOf(log, 'v'));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const reader = await openSegmentLogReader({ dir });
  t.after(() => reader.close());
  assert.equal((await log.range(AT)).end, 0);
  assert.equal((await reader.range(AT)).end, 0);
  release();
  await appended;
  assert.equal((await log.range(AT)).end, 1);
});

test('a batch larger than a segment gets one of its own size', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir, ...SMALL });
  await log.append(batchOf(log, 'small'));
  await log.append(batchOf(log, ...Array.from({ length: 30 }, () => Buffer.alloc(100_000, 'x'))));
  await log.append(batchOf(log, 'small'));
  assert.equal((await readAll(log)).length, 32);
  assert.ok((await stat((await segmentsIn(dir))[1]!)).size > 3_000_000);
});

test('retention removes the oldest segments, by size and by age, and nothing that is still to be read', async (t) => {
  let nowMs = 1_000_000;
  const dir = await scratch(t);
  const log = await opened(t, { dir, ...SMALL, now: () => nowMs });
  await appendMany(log, 100);
  // And the next one, where it has been made ready by now.
  assert.ok((await segmentsIn(dir)).length >= 8);
  await log.retain({}, []);
  assert.equal((await log.range(AT)).start, 0);
  await log.retain({ maxBytes: 0 }, [{ ...AT, offset: 50 }]);
  const { start, end } = await log.range(AT);
  assert.ok(start > 30 && start <= 50, `${start}`);
  assert.equal(end, 100);
  await assert.rejects(log.read(AT, start - 1, { maxBytes: 1 }), fault('OFFSET_OUT_OF_RANGE'));
  assert.equal((await log.read(AT, start, { maxBytes: 1 })).records[0]?.offset, start);
  nowMs += 10_000;
  await log.retain({ olderThanMs: 10_001 }, []);
  assert.equal((await log.range(AT)).start, start);
  nowMs += 10_000;
  await log.retain({ olderThanMs: 10_001 }, []);
  assert.ok((await log.range(AT)).start > 80);
  assert.ok((await segmentsIn(dir)).length <= 2);
  await log.close();
  const again = await opened(t, { dir, ...SMALL });
  assert.equal((await again.range(AT)).end, 100);
  assert.equal((await readAll(again)).at(-1)?.offset, 99);
});

test('D1: after a segment that could not be removed no later one is removed before it, and the log opens again', async (t) => {
  const dir = await scratch(t);
  let isRefused = true;
  const remove = (path: string): Promise<void> =>
    isRefused ? Promise.reject(new Error('EBUSY')) : realFiles.remove(path);
  const log = await opened(t, { dir, ...SMALL, files: { ...realFiles, remove } });
  await appendMany(log, 60);
  await assert.rejects(log.retain({ maxBytes: 20_000 }, []), /EBUSY/);
  assert.equal((await log.range(AT)).start, 0);
  isRefused = false;
  await log.retain({ maxBytes: 20_000 }, []);
  const range = await log.range(AT);
  assert.ok(range.start > 0);
  await log.close();
  const again = await opened(t, { dir, ...SMALL });
  assert.deepEqual(await again.range(AT), range);
});

test('a reader in another process meets no missing segment while retention is at work', async (t) => {
  const dir = await scratch(t);
  const [removed, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  t.after(() => go.resolve());
  const remove = async (path: string): Promise<void> => {
    await realFiles.remove(path);
    removed.resolve();
    await go.promise;
  };
  const log = await opened(t, { dir, ...SMALL, files: { ...realFiles, remove } });
  await appendMany(log, 60);
  const reader = await openSegmentLogReader({ dir });
  t.after(() => reader.close());
  const retaining = log.retain({ maxBytes: 20_000 }, []);
  await removed.promise;
  await assert.rejects(reader.read(AT, 0, { maxBytes: 1 }), fault('OFFSET_OUT_OF_RANGE'));
  assert.deepEqual(await reader.range(AT), await log.range(AT));
  go.resolve();
  await retaining;
});

test('readers follow over segments, see retention, and read when no writer runs', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir, ...SMALL });
  await log.append(batchOf(log, 'first'));
  const reader = await openSegmentLogReader({ dir });
  t.after(() => reader.close());
  assert.equal((await readAll(reader)).length, 1);
  await appendMany(log, 100);
  await reader.waitPast(AT, 100, new AbortController().signal);
  assert.deepEqual(await readAll(reader), await readAll(log));
  const waiting = reader.waitPast(AT, 101, new AbortController().signal);
  await log.retain({ maxBytes: 20_000 }, []);
  await log.append(batchOf(log, 'last'));
  await waiting;
  assert.deepEqual(await reader.range(AT), await log.range(AT));
  await log.close();
  assert.equal((await readAll(reader)).at(-1)?.value.toString(), 'last');
  const alone = await openSegmentLogReader({ dir });
  t.after(() => alone.close());
  assert.deepEqual(await readAll(alone), await readAll(reader));
  assert.equal(alone.id, log.id);
});

test('a reader without the mark sees what precedes the newest segment; without a log, that there is none', async (t) => {
  const dir = await scratch(t);
  await assert.rejects(openSegmentLogReader({ dir }), fault('LOG_MISSING'));
  const log = await opened(t, { dir, ...SMALL });
  await appendMany(log, 30);
  await log.close();
  await unlink(join(dir, 'durable'));
  const reader = await openSegmentLogReader({ dir });
  t.after(() => reader.close());
  const { length } = await readAll(reader);
  assert.ok(length > 10 && length <= 30, `${length}`);
});

test('closing waits for what was appended', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir });
  const appended = Array.from({ length: 10 }, (_, i) => log.append(batchOf(log, `${i}`)));
  await log.close();
  await Promise.all(appended);
  await assert.rejects(log.append(batchOf(log, 'late')), fault('LOG_FAILED', /closed/));
  assert.equal((await readAll(await opened(t, { dir }))).length, 10);
});

test('time never goes back, also over restarts', async (t) => {
  const dir = await scratch(t);
  for (const nowMs of [5000, 3000]) {
    const log = await openSegmentLog({ dir, now: () => nowMs });
    await log.ensureTopics([{ name: 't', partitions: 1 }]);
    await log.append(batchOf(log, 'v'));
    assert.deepEqual([...new Set((await readAll(log)).map((one) => one.timeMs))], [5000]);
    await log.close();
  }
});
