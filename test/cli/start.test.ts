import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Program, scratch, startFor } from '../support/program.ts';
import { cli } from './run-cli.ts';

async function start(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Program> {
  return startFor(t, { dataDir: join(await scratch(t), 'data'), env });
}

/** A request whose body never ends: draining waits for it. */
async function openRequest(program: Program): Promise<void> {
  const { port, hostname } = new URL(program.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined); // it is cut when the program ends
  await once(socket, 'connect');
  socket.write('POST /collect HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\n');
  socket.write('content-length: 1000\r\n\r\n[');
  await once(socket, 'data'); // 100 Continue: the request is being handled
}

suite('tributary start', { timeout: 120_000 }, () => {
  test('D8: SIGTERM, and Ctrl-C however often it is passed on, drain and end with exit code 0', async (t) => {
    const one = await start(t);
    assert.match(one.url, /^http:\/\/localhost:\d+$/);
    assert.equal(await one.kill('SIGTERM'), 0, one.log());
    const other = await start(t);
    other.child.kill('SIGTERM'); // two of a kind at once could become one: these both arrive
    assert.equal(await other.kill('SIGINT'), 0, other.log());
  });

  test('D8: a second signal ends it at once, with exit code 130', async (t) => {
    const program = await start(t);
    await openRequest(program);
    program.child.kill('SIGTERM');
    await sleep(700); // beyond what counts as the same press
    assert.equal(program.child.exitCode, null, 'it waits for the request');
    assert.equal(await program.kill('SIGINT'), 130);
  });

  test('a port that is taken is told in one line; exit code 1', async (t) => {
    const program = await start(t);
    const { port } = new URL(program.url);
    const ran = await cli(['start', '--port', port, '--data-dir', join(await scratch(t), 'data')]);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^error: 127\.0\.0\.1:\d+ is in use\. Choose another port \(--port\)\.$/m);
    assert.doesNotMatch(ran.stderr, /^ +at /m);
  });

  test('send, lag, sql and dead-letters work beside it, on the same data directory', async (t) => {
    const program = await start(t);
    const at = ['--data-dir', program.dataDir];
    const events = await cli(['generate', 'collect', '--count', '500', '--invalid', '2%', '--seed', '3']);
    const sent = await cli(['send', '-', '--to', `${program.url}/collect`, '--json'], { input: events.stdout });
    assert.equal(sent.code, 0, sent.stderr);
    const { accepted, rejected } = JSON.parse(sent.stdout) as { accepted: number; rejected: number };
    assert.equal(accepted + rejected, 500);

    const lag = await cli(['lag', '--wait', '--timeout', '60', '--json', ...at]);
    assert.equal(lag.code, 0, lag.stderr);
    const rows = JSON.parse(lag.stdout) as { consumer: string; end: number; lag: number }[];
    const processed = rows.filter(({ consumer }) => consumer === 'collect');
    assert.equal(
      processed.reduce((sum, { end }) => sum + end, 0),
      accepted,
    );
    assert.match(
      (await cli(['lag', ...at])).stdout,
      /^consumer +topic +partition +committed +end +lag +behind +to replay\n/,
    );

    const letters = await cli(['dead-letters', 'list', '--json', ...at]);
    const list = letters.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Letter);
    const count = await cli(['sql', 'SELECT count(*) AS n FROM events', '--json', ...at]);
    assert.equal(count.stdout, `[{"n":${500 - list.length}}]\n`, 'D2: each landed or is a dead letter');

    const [letter] = list;
    const shown = await cli(['dead-letters', 'show', letter!.correlationId, ...at]);
    assert.ok(shown.stdout.endsWith(`as received:\n${letter!.event}\n`), shown.stdout);
    const limited = await cli(['dead-letters', 'list', '--limit', '1', ...at]);
    assert.equal(limited.stdout.trimEnd().split('\n').length, 2);
    assert.match(limited.stderr, /first 1/);
    assert.equal((await cli(['dead-letters', 'show', 'none', ...at])).code, 1);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });
});

interface Letter {
  readonly correlationId: string;
  readonly event: string;
}
