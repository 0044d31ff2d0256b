/** The program is told to end (D8): what is in flight is answered, what was acknowledged lands, now or after the next start. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, eventLinesOf, rowsOf } from '../support/landed.ts';
import { type Program, scratch, startFor } from '../support/program.ts';
import { beginUpload, openConnection } from '../support/raw-connection.ts';
import { stopPostgres } from '../support/stopped-postgres.ts';

const good = collectEvent();
const uploads = 50;
const backlogPackages = 20;
const eventsAPackage = 500;
const backlog = packageOf(Array.from({ length: eventsAPackage }, () => good));

/** Ids of events that were acknowledged and have perhaps not landed. */
async function sendBacklog({ url }: Program): Promise<readonly string[]> {
  const answers = await Promise.all(Array.from({ length: backlogPackages }, () => taken(url, backlog)));
  return answers.flatMap(({ packageId }) =>
    Array.from({ length: eventsAPackage }, (_, index) => packageId.slice(0, 30) + index.toString(16).padStart(6, '0')),
  );
}

/** After a start of its own: the acknowledged events, and `more` others, are in table and objects once. */
async function assertLanded(t: TestContext, dataDir: string, ids: readonly string[], more: number): Promise<void> {
  const program = await startFor(t, { dataDir });
  await caughtUp(dataDir);
  const lines = await eventLinesOf(dataDir);
  for (const id of ids) assert.ok(lines.has(id), `${id} is not in the objects`);
  const total = ids.length + more;
  assert.equal(lines.size, total);
  const [counts] = await rowsOf(dataDir, 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events');
  assert.deepEqual(counts, { n: total, ids: total });
  assert.equal(await program.kill('SIGTERM'), 0, program.log());
}

suite('drain', { timeout: 180_000, concurrency: false }, () => {
  test('SIGTERM: 50 slow uploads in flight are answered 200, nobody new is let in, exit code 0, all lands (D1, D2, D3, D8)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    const body = packageOf([good, good]);
    const half = body.length >> 1;
    const ids = await sendBacklog(program);
    const slow = await Promise.all(
      Array.from({ length: uploads }, () => beginUpload(program.url, body.length, body.slice(0, half))),
    );
    const idle = await openConnection(program.url);
    idle.socket.on('error', () => undefined);
    await pinged(program.url);
    const ended = program.kill('SIGTERM');
    await untilRefused(program.url);
    assert.equal(program.child.exitCode, null, 'it waits for what is in flight');
    for (const { socket } of slow) socket.write(body.slice(half, half + 10));
    await sleep(100); // slow, as they are
    for (const { socket } of slow) socket.write(body.slice(half + 10));
    assert.deepEqual(
      await Promise.all(slow.map(({ status }) => status)),
      slow.map(() => 200),
    );
    assert.equal(await ended, 0, program.log());
    await assertLanded(t, dataDir, ids, 2 * uploads);
  });

  test('SIGTERM: packages on connections that it has not accepted yet are answered 200, and land (D1, D2, D8)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    const body = packageOf([good]);
    program.child.kill('SIGSTOP'); // so that the operating system takes them up, and the program does not
    const waiting = await Promise.all(
      Array.from({ length: uploads }, () => beginUpload(program.url, body.length, body)),
    );
    const ended = program.kill('SIGTERM');
    program.child.kill('SIGCONT');
    assert.deepEqual(
      await Promise.all(waiting.map(({ status }) => status)),
      waiting.map(() => 200),
    );
    assert.equal(await ended, 0, program.log());
    await assertLanded(t, dataDir, [], uploads);
  });

  test('SIGTERM: unready at once, while a package whose header was under way is taken (D8)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    const body = packageOf([good]);
    const [asking, sending] = [await openConnection(program.url), await openConnection(program.url)];
    asking.socket.write('GET /health/ready HTTP/1.1\r\nHost: ');
    sending.socket.write(`POST /collect HTTP/1.1\r\nContent-Length: ${body.length}\r\nHost: `);
    await pinged(program.url);
    const ended = program.kill('SIGTERM');
    await untilRefused(program.url);
    asking.socket.write('localhost\r\n\r\n');
    sending.socket.write(`localhost\r\n\r\n${body}`);
    assert.equal(await asking.status, 503);
    assert.equal(await sending.status, 200);
    assert.equal(await ended, 0, program.log());
    await assertLanded(t, dataDir, [], 1);
  });

  test('a second signal ends it at once; what was acknowledged lands after the next start, once (D1, D2, D3, D8)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    const ids = await sendBacklog(program);
    const upload = await beginUpload(program.url, 1_000, '[');
    upload.socket.on('error', () => undefined);
    await pinged(program.url);
    program.child.kill('SIGTERM');
    await untilRefused(program.url);
    await sleep(600); // beyond what counts as the same press
    const startedMs = performance.now();
    assert.equal(await program.kill('SIGTERM'), 130);
    assert.ok(performance.now() - startedMs < 2_000);
    await assert.rejects(upload.status, 'it was never whole');
    await assertLanded(t, dataDir, ids, 0);
  });

  test('while PostgreSQL stands still a drain ends after its timeout with exit code 1, and loses nothing (D1, D2, D3, D8)', async (t) => {
    const dir = await scratch(t);
    const dataDir = join(dir, 'data');
    const config = join(dir, 'config.json');
    await writeFile(config, JSON.stringify({ drainTimeoutMs: 1_500 }));
    const program = await startFor(t, { dataDir, args: ['--config', config] });
    await taken(program.url, packageOf([good]));
    await caughtUp(dataDir); // so that PostgreSQL is up
    const postgres = await stopPostgres(program.child.pid!);
    t.after(() => postgres.goOn());
    const ids = await sendBacklog(program);
    await sleep(1_200); // the interval after which a batch goes to PostgreSQL, and stands still there
    const startedMs = performance.now();
    assert.equal(await program.kill('SIGTERM'), 1, program.log());
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 1_400 && tookMs < 6_000, `${tookMs} ms`);
    assert.match(program.log(), /the drain was not done after 1\.5 s; what is left lands after the next start/);
    postgres.goOn();
    await assertLanded(t, dataDir, ids, 1);
  });
});

/** On a connection of its own, so that the program has taken up what came over others before. */
async function pinged(url: string): Promise<void> {
  const { socket, status } = await openConnection(url);
  socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.equal(await status, 200);
  socket.destroy();
}

async function untilRefused(url: string): Promise<void> {
  for (;;) {
    const connection = await openConnection(url).catch((error: NodeJS.ErrnoException) => error);
    if (connection instanceof Error) return assert.equal(connection.code, 'ECONNREFUSED');
    connection.socket.destroy();
    await sleep(10);
  }
}
