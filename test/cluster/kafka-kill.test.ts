/** Who appends is killed, in the middle of transactions; the same one comes back under its id. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { newTopic, textsIn } from '../support/kafka-records.ts';
import { cleanEnvironment } from '../support/program.ts';

const appender = join(import.meta.dirname, '../support/kafka-appender.ts');
const kills = 8;

async function appendUntilKilled(transactionalId: string, topic: string, round: number): Promise<readonly string[]> {
  const args = [appender, String(sharedBroker.port), transactionalId, topic, String(round)];
  const child = spawn(process.execPath, args, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let out = '';
  const enough = 100 + Math.floor(Math.random() * 100);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (out.split('\n').length > enough) child.kill('SIGKILL');
  });
  await ended;
  return out.split('\n').slice(0, -1);
}

test('D1, D3: killed in a transaction, it leaves what was acknowledged, whole and once, and no package in part', async (t) => {
  const [transactionalId, topic] = [`killed-${randomUUID()}`, newTopic()];
  const acknowledged: string[] = [];
  for (let round = 0; round < kills; round += 1)
    acknowledged.push(...(await appendUntilKilled(transactionalId, topic, round)));
  const log = await openLog(sharedBroker, { transactionalId });
  t.after(() => log.close());
  const counts = new Map<string, number>();
  for (const text of await textsIn(log, topic, 3)) {
    const id = text.split('/')[0]!;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  assert.ok(acknowledged.length >= kills * 100);
  for (const id of acknowledged) assert.equal(counts.get(id), 4, `${id} was acknowledged`);
  for (const [id, count] of counts) assert.equal(count, 4, `${id} is there in part, or twice`);
  t.diagnostic(`${kills} kills, ${acknowledged.length} packages acknowledged, ${counts.size} found`);
});
