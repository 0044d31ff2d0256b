/** The embedded log on disks that fail, fill, tear and rot. */
import assert from 'node:assert/strict';
import { open, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogFiles } from '../../src/log/segments/files.ts';
import { realFiles } from '../../src/log/segments/real-files.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { openSegmentLogReader } from '../../src/log/segments/segment-log-reader.ts';
import { scratch } from '../support/program.ts';
import {
  appendMany,
  AT,
  batchOf,
  fault,
  flip,
  opened,
  readAll,
  segmentsIn,
  SMALL,
  wrapped,
} from '../support/segment-logs.ts';

test('D1: a failed write poisons the log until it is opened again', async (t) => {
  let isFailing = false;
  const files = wrapped((file, mode) =>
    mode === 'durable'
      ? {
          write: async (bytes, position) => {
            if (isFailing) throw Object.assign(new Error('EIO: simulated'), { code: 'EIO' });
            await file.write(bytes, position);
          },
        }
      : {},
  );
  const dir = await scratch(t);
  const log = await opened(t, { dir, files });
  await log.append(batchOf(log, 'before'));
  isFailing = true;
  await Promise.all([
    assert.rejects(log.append(batchOf(log, 'lost')), fault('LOG_FAILED', /EIO/)),
    assert.rejects(log.append(batchOf(log, 'lost')), fault('LOG_FAILED')),
  ]);
  isFailing = false;
  await assert.rejects(log.append(batchOf(log, 'lost')), fault('LOG_FAILED', /opened again/));
  await assert.rejects(log.room(new AbortController().signal), fault('LOG_FAILED'));
  assert.equal((await readAll(log)).length, 1);
  await log.close();
  const again = await opened(t, { dir });
  await again.append(batchOf(again, 'after'));
  assert.deepEqual(
    (await readAll(again)).map((one) => one.value.toString()),
    ['before', 'after'],
  );
});

test('D6: a full disk refuses, and takes appends again by itself', async (t) => {
  let freeBytes = 1 << 30;
  const files: LogFiles = { ...realFiles, freeBytes: async () => freeBytes };
  const log = await opened(t, { dir: await scratch(t), files, ...SMALL });
  freeBytes = 1 << 20;
  let taken = 0;
  await assert.rejects(
    async () => {
      for (; taken < 1000; taken += 1) await log.append(batchOf(log, 'x'.repeat(500)));
    },
    fault('LOG_FULL', /bytes left/),
  );
  assert.ok(taken < 100, `${taken}`);
  await assert.rejects(log.room(new AbortController().signal), fault('LOG_FULL'));
  assert.equal((await log.range(AT)).end, taken);
  freeBytes = 1 << 30;
  await log.room(new AbortController().signal);
  await appendMany(log, 20);
  assert.equal((await readAll(log)).length, taken + 20);
});

test('rot in an older segment is told where it is read, with file, position and offset', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir, ...SMALL });
  await appendMany(log, 40);
  const [first] = await segmentsIn(dir);
  await log.close();
  const bytes = await readFile(first!);
  await flip(first!, bytes.indexOf(`5:${'x'.repeat(500)}`) + 100);
  const again = await opened(t, { dir, ...SMALL });
  assert.equal((await again.read(AT, 0, { maxBytes: 2500 })).records.length, 4);
  await assert.rejects(
    again.read(AT, 5, { maxBytes: 1 }),
    fault('LOG_ROTTEN', /0001\.segment is damaged at byte \d+: records do not match .*topic t, partition 0, offset 5/),
  );
  assert.equal((await again.read(AT, 20, { maxBytes: 1 })).records[0]?.offset, 20);
});

test('rot in the newest segment, before another frame or below the durable mark, stops opening', async (t) => {
  for (const isLast of [false, true]) {
    const dir = await scratch(t);
    const log = await opened(t, { dir });
    await appendMany(log, 5);
    await log.close();
    const [path] = await segmentsIn(dir);
    const bytes = await readFile(path!);
    await flip(path!, bytes.indexOf(`${isLast ? 4 : 2}:xxx`) + 50);
    await assert.rejects(openSegmentLog({ dir }), fault('LOG_ROTTEN', /0001\.segment is damaged at byte \d+/));
    if (!isLast) continue;
    // Without the mark, too: a flipped bit is no tear.
    await unlink(join(dir, 'durable'));
    await assert.rejects(openSegmentLog({ dir }), fault('LOG_ROTTEN'));
  }
});

test('a torn tail is cut', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir });
  await appendMany(log, 5);
  const mark = await readFile(join(dir, 'durable'));
  await log.append(batchOf(log, 'y'.repeat(3000)));
  await log.close();
  await writeFile(join(dir, 'durable'), mark);
  const [path] = await segmentsIn(dir);
  const torn = Math.ceil((await readFile(path!)).indexOf('yyy') / 512) * 512;
  const file = await open(path!, 'r+');
  await file.write(Buffer.alloc(512), 0, 512, torn + 512);
  await file.close();
  // Without space for zeros, so that only the cut can have removed it.
  await (await openSegmentLog({ dir, minFreeBytes: Infinity })).close();
  assert.ok(!(await readFile(path!)).includes('yyy'));
  const again = await opened(t, { dir });
  assert.equal((await readAll(again)).length, 5);
  await again.append(batchOf(again, 'z'));
  assert.equal((await readAll(again)).at(-1)?.value.toString(), 'z');
});

test('a missing segment is told', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir, ...SMALL });
  await appendMany(log, 60);
  await log.close();
  await unlink((await segmentsIn(dir))[1]!);
  await assert.rejects(openSegmentLog({ dir, ...SMALL }), fault('LOG_ROTTEN', /0002\.segment is missing/));
  await assert.rejects(openSegmentLogReader({ dir }), fault('LOG_ROTTEN', /0002\.segment is missing/));
});

test('payloads that look like frames are payloads', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir });
  await log.append(batchOf(log, 'first'));
  const [path] = await segmentsIn(dir);
  const bytes = await readFile(path!);
  const frame = bytes.subarray(bytes.indexOf('TBFR'), bytes.lastIndexOf('TBEN') + 4);
  frame.fill('?', 4, 12);
  await log.append(batchOf(log, Buffer.concat([frame, frame])));
  await log.close();
  const again = await opened(t, { dir });
  assert.equal((await readAll(again)).length, 2);
});

test('a damaged header stops opening, also where it is all that is left', async (t) => {
  const dir = await scratch(t);
  const log = await opened(t, { dir, ...SMALL });
  await appendMany(log, 30);
  await log.close();
  const segments = await segmentsIn(dir);
  await flip(segments[0]!, 30);
  await assert.rejects(openSegmentLog({ dir, ...SMALL }), fault('LOG_ROTTEN', /0001\.segment is damaged at byte 0/));
  // As after retention, with nothing appended since, and the mark lost with the power.
  const last = segments.at(-1)!;
  for (const path of segments) if (path !== last) await unlink(path);
  await unlink(join(dir, 'durable'));
  const bytes = await readFile(last);
  await writeFile(last, bytes.subarray(0, bytes.indexOf('TBFR')));
  await flip(last, 30);
  await assert.rejects(openSegmentLog({ dir, ...SMALL }), fault('LOG_ROTTEN', /segment is damaged at byte 0/));
});
