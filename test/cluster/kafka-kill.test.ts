/** Who appends is killed, in the middle of transactions; the same one comes back under its id. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Log } from '../../src/log/log.ts';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { newTopic, textsIn } from '../support/kafka-records.ts';
import { cleanEnvironment } from '../support/program.ts';

const appender = join(import.meta.dirname, '../support/kafka-appender.ts');
const kills = 8;

interface Appender {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Resolves when there are so many, or it has ended. */
  until(lines: number): Promise<void>;
  readonly ended: Promise<unknown>;
}

function startAppender(transactionalId: string, topic: string, name: string): Appender {
  const args = [appender, String(sharedBroker.port), transactionalId, topic, name];
  const child = spawn(process.execPath, args, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const lines: string[] = [];
  let told = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    told.resolve();
    told = Promise.withResolvers();
  });
  const until = async (count: number): Promise<void> => {
    while (lines.length < count && child.exitCode === null) await Promise.race([told.promise, ended]);
  };
  return { child, lines, until, ended };
}

async function appendUntilKilled(transactionalId: string, topic: string, round: number): Promise<readonly string[]> {
  const one = startAppender(transactionalId, topic, String(round));
  await one.until(100 + Math.floor(Math.random() * 100));
  one.child.kill('SIGKILL');
  await one.ended;
  return one.lines;
}

/** How many records of each package there are. */
async function countPackages(log: Log, topic: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const text of await textsIn(log, topic, 3)) {
    const id = text.split('/')[0]!;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** Whole and once what was acknowledged, and whatever else is there; nothing of what was refused. */
function checkPackages(lines: readonly string[], counts: ReadonlyMap<string, number>): void {
  for (const line of lines) {
    const [outcome, id] = line.includes(' ') ? line.split(' ') : ['done', line];
    if (outcome === 'done') assert.equal(counts.get(id!), 4, `${id} was acknowledged`);
    if (outcome === 'BUSY') assert.equal(counts.get(id!), undefined, `${id} was refused, and is there`);
  }
  for (const [id, count] of counts) assert.equal(count, 4, `${id} is there in part, or twice`);
}

test('D1, D3: killed in a transaction, it leaves what was acknowledged, whole and once, and no package in part', async (t) => {
  const [transactionalId, topic] = [`killed-${randomUUID()}`, newTopic()];
  const acknowledged: string[] = [];
  for (let round = 0; round < kills; round += 1)
    acknowledged.push(...(await appendUntilKilled(transactionalId, topic, round)));
  const log = await openLog(sharedBroker, { transactionalId });
  t.after(() => log.close());
  const counts = await countPackages(log, topic);
  assert.ok(acknowledged.length >= kills * 100);
  checkPackages(acknowledged, counts);
  t.diagnostic(`${kills} kills, ${acknowledged.length} packages acknowledged, ${counts.size} found`);
});

test('D1, D3: stopped for longer than a transaction may take, it goes on by itself when it is continued', async (t) => {
  const [transactionalId, topic] = [`stopped-${randomUUID()}`, newTopic()];
  const one = startAppender(transactionalId, topic, 'one');
  t.after(() => one.child.kill('SIGKILL'));
  for (let stop = 1; stop <= 2; stop += 1) {
    await one.until(one.lines.length + 100);
    one.child.kill('SIGSTOP');
    // What it has left open is aborted by then; nothing but time tells.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    one.child.kill('SIGCONT');
  }
  await one.until(one.lines.length + 100);
  assert.equal(one.child.exitCode, null, 'it has ended');
  one.child.kill('SIGKILL');
  await one.ended;
  const log = await openLog(sharedBroker, { transactionalId });
  t.after(() => log.close());
  checkPackages(one.lines, await countPackages(log, topic));
  t.diagnostic(`${one.lines.filter((line) => line.startsWith('BUSY')).length} refused of ${one.lines.length}`);
});

test('D3: stopped while another takes over under its id, it is told when it is continued, and has stored nothing', async (t) => {
  const [transactionalId, topic] = [`overtaken-${randomUUID()}`, newTopic()];
  const older = startAppender(transactionalId, topic, 'older');
  t.after(() => older.child.kill('SIGKILL'));
  await older.until(100);
  older.child.kill('SIGSTOP');
  const newer = startAppender(transactionalId, topic, 'newer');
  t.after(() => newer.child.kill('SIGKILL'));
  await newer.until(100);
  older.child.kill('SIGCONT');
  await older.ended;
  await newer.until(newer.lines.length + 100);
  assert.equal(newer.child.exitCode, null, 'the newer one has ended');
  newer.child.kill('SIGKILL');
  await newer.ended;
  assert.ok(
    older.lines.some((line) => line.startsWith('LOG_FAILED')),
    'it was not told',
  );
  const log = await openLog(sharedBroker, { transactionalId });
  t.after(() => log.close());
  checkPackages([...older.lines, ...newer.lines], await countPackages(log, topic));
});
