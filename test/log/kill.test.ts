/** A process that appends is killed at random moments: what it was told to be durable is there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { scratch } from '../support/program.ts';

const KILLS = 12;
const PARTITIONS = 3;
const SEGMENT_BYTES = 1 << 20;

/** Appends batches of four records under eight producers; prints a batch's number when it is durable. */
const program = (dir: string, round: number): string => `
  import { openSegmentLog } from ${JSON.stringify(new URL('../../src/log/segments/segment-log.ts', import.meta.url).href)};
  import { writeSync } from 'node:fs';
  const log = await openSegmentLog({ dir: ${JSON.stringify(dir)}, segmentBytes: ${SEGMENT_BYTES} });
  await log.ensureTopics([{ name: 't', partitions: ${PARTITIONS} }]);
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (;;) {
      const id = '${round}-' + next++;
      const batch = log.batch();
      for (let i = 0; i < 4; i += 1)
        batch.add({ topic: 't', key: id + i, value: Buffer.from(id + '/' + i + '/' + 'x'.repeat(id.length * 97 % 900)), headers: [] });
      await log.append(batch);
      writeSync(1, id + '\\n');
    }
  }));`;

async function appendUntilKilled(dir: string, round: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program(dir, round)], {
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: string[] = [];
  const killAfter = 1 + Math.floor(Math.random() ** 2 * 3000);
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line);
    if (acknowledged.length === killAfter) child.kill('SIGKILL');
  }
  assert.ok(acknowledged.length >= killAfter, `the child ended by itself, code ${child.exitCode}`);
  return acknowledged;
}

test('D1, D2: kill -9 at any moment loses nothing that was acknowledged, and leaves no batch in part', async (t) => {
  const dir = await scratch(t);
  const acknowledged: string[] = [];
  for (let round = 0; round < KILLS; round += 1) acknowledged.push(...(await appendUntilKilled(dir, round)));

  const log = await openSegmentLog({ dir, segmentBytes: SEGMENT_BYTES });
  t.after(() => log.close());
  const found = new Map<string, number>();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const at = { topic: 't', partition };
    const { end } = await log.range(at);
    for (let offset = 0; offset < end;) {
      for (const record of (await log.read(at, offset, { maxBytes: 1 << 20 })).records) {
        assert.equal(record.offset, offset);
        offset += 1;
        const [id] = record.value.toString().split('/');
        found.set(id!, (found.get(id!) ?? 0) + 1);
      }
    }
  }
  for (const id of acknowledged) assert.equal(found.get(id), 4, `batch ${id} was acknowledged`);
  for (const [id, count] of found) assert.equal(count, 4, `batch ${id} is there in part`);
  t.diagnostic(`${KILLS} kills, ${acknowledged.length} batches acknowledged, ${found.size} found`);
});
