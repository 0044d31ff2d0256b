/**
 * A disk that fills up: 503 with Retry-After, and everything that was acknowledged lands when there is room again, in the
 * process that was there as well as after a kill -9 (D1, D2, D3, D6). The disk is a small tmpfs.
 */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test, type TestContext } from 'node:test';
import { startPostgresServer } from '../support/postgres-server.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { collect, type PackageAnswer } from '../support/http-request.ts';
import { caughtUp, deadLettersOf, eventLinesOf, rowsOf } from '../support/landed.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { freeMegabytes, mib, smallDisk, whyNoSmallDisk } from '../support/small-disk.ts';

/** It takes up to 12 s on a busy machine: the pauses of supervisor and processor, then the landing. */
const landedWithinSeconds = 60;
const packageEvents = 200;
/** Random, so that nothing that compresses makes it small. */
const filler = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(1_500))).toString('base64');

interface Sent {
  readonly accepted: Set<string>;
  readonly rejected: Set<string>;
}

/** Sends a package with one invalid event; notes what was acknowledged. Answers the status. */
async function sendOne(url: string, { accepted, rejected }: Sent): Promise<number> {
  const events = Array.from({ length: packageEvents }, () =>
    collectEvent({ data: `{"id":"a","amount":1,"x":"${filler()}"}` }),
  );
  const { status, headers, text } = await collect(url, packageOf(['{"data":{}}', ...events]));
  if (status === 200) {
    const { packageId } = JSON.parse(text) as PackageAnswer;
    const idOf = (index: number): string => packageId.slice(0, 30) + index.toString(16).padStart(6, '0');
    rejected.add(packageId);
    for (let i = 1; i <= packageEvents; i++) accepted.add(idOf(i));
  } else {
    assert.equal(status, 503, text);
    assert.ok(Number(headers['retry-after']) >= 1);
  }
  return status;
}

/** Ingests until the log refuses, ten times. */
async function fill(url: string, sent: Sent): Promise<void> {
  for (let refused = 0; refused < 10;) if ((await sendOne(url, sent)) === 503) refused += 1;
}

async function untilTaken(url: string, sent: Sent): Promise<void> {
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(100))
    if ((await sendOne(url, sent)) === 200) return;
  assert.fail('there is room again, and the log still refuses');
}

/** Everything acknowledged is in every sink once, and nothing else is. */
async function checkLanded(
  dataDir: string,
  env: Readonly<Record<string, string>>,
  { accepted, rejected }: Sent,
): Promise<void> {
  await caughtUp(dataDir, env, landedWithinSeconds);
  const rows = await rowsOf<{ id: string }>(dataDir, 'SELECT correlation_id AS id FROM events', env);
  assert.equal(rows.length, accepted.size);
  assert.deepEqual(new Set(rows.map(({ id }) => id)), accepted);
  assert.deepEqual(new Set((await eventLinesOf(dataDir)).keys()), accepted);
  assert.deepEqual(new Set((await deadLettersOf(dataDir)).map(({ correlationId }) => correlationId)), rejected);
}

function isRunning({ child }: Program): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function untilLogged({ log }: Program, pattern: RegExp): Promise<void> {
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(50)) if (pattern.test(log())) return;
  const told = log()
    .split('\n')
    .filter((line) => !line.includes('"msg":"package"'));
  assert.fail(`no ${pattern} in\n${told.join('\n')}`);
}

/** Lets PostgreSQL meet the full disk, at first where it gives an error, then where it ends itself: at a new segment of its log. */
async function panic(program: Program): Promise<void> {
  await untilLogged(program, /could not extend file .*No space left/);
  const newSegment = `SELECT pg_logical_emit_message(false, 'test', 'x', true), pg_switch_wal()`;
  for (let i = 0; i < 3; i++) await runProgram(['sql', '--data-dir', program.dataDir, newSegment]); // the last ones fail
  await untilLogged(program, /PANIC: .*No space left/);
}

async function scenario(
  t: TestContext,
  env: Readonly<Record<string, string>>,
  minFreeBytes: number,
  onDisk: 'PostgreSQL too' | 'no PostgreSQL',
): Promise<void> {
  const { dir: disk, remove } = await smallDisk(220);
  t.after(() => remove());
  const dataDir = join(disk, 'data');
  const ballast = join(disk, 'ballast');
  const config = join(disk, 'config.json');
  await writeFile(config, JSON.stringify({ log: { minFreeBytes, segmentBytes: 4 * mib } }));
  const start = (): Promise<Program> => startProgram({ dataDir, env, args: ['--config', config] });
  let program = await start();
  t.after(() => program.kill('SIGKILL'));
  t.after(() => {
    if (!t.passed) t.diagnostic(program.log());
  });
  const sent: Sent = { accepted: new Set(), rejected: new Set() };
  await sendOne(program.url, sent);
  await caughtUp(dataDir, env, landedWithinSeconds);
  const room = freeMegabytes(disk) - minFreeBytes / mib;
  await writeFile(ballast, Buffer.alloc((room - 20) * mib));

  await fill(program.url, sent);
  assert.ok(isRunning(program), program.log());
  if (onDisk === 'PostgreSQL too') await panic(program);
  await rm(ballast);
  await untilTaken(program.url, sent);
  await checkLanded(dataDir, env, sent);
  assert.ok(isRunning(program), program.log());

  await writeFile(ballast, Buffer.alloc(Math.max(0, freeMegabytes(disk) - minFreeBytes / mib - 10) * mib));
  await fill(program.url, sent);
  await program.kill('SIGKILL');
  program = await start();
  await fill(program.url, sent);
  await rm(ballast);
  await untilTaken(program.url, sent);
  await checkLanded(dataDir, env, sent);
  assert.ok(isRunning(program), program.log());
  assert.equal(await program.kill('SIGTERM'), 0);
}

suite('a full disk', { skip: whyNoSmallDisk() ?? false }, () => {
  test('with a reserve; PostgreSQL is elsewhere (D1, D2, D3, D6)', async (t) => {
    const server = await startPostgresServer();
    t.after(() => server.stop());
    await scenario(t, { DATABASE_URL: server.url }, 40 * mib, 'no PostgreSQL');
  });

  test('to the last byte, under PostgreSQL too (D1, D2, D3, D6)', (t) => scenario(t, {}, 0, 'PostgreSQL too'));
});
