import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { scratch } from '../support/program.ts';
import { type Receiver, refuse, startReceiver } from './receiver.ts';
import { cli } from './run-cli.ts';

async function eventsFile(t: TestContext, count: number): Promise<string> {
  const file = join(await scratch(t), 'events.json');
  await writeFile(file, Array.from({ length: count }, (_, n) => `{"n":${n},"big":1e400}\n`).join(''));
  return file;
}

/** The numbers of all acknowledged events, in order. */
function acknowledged({ acknowledged: packages }: Receiver): readonly number[] {
  const events = [...packages.values()].flatMap(({ events: some }) => some as { n: number }[]);
  return events.map(({ n }) => n).toSorted((a, b) => a - b);
}

/** A configuration with a system that takes requests; of its pipeline only what a sender looks at. */
async function requestsConfig(t: TestContext): Promise<string> {
  const dir = await scratch(t);
  const source = { kind: 'requests', endpoints: [{ path: '/initial' }, { path: '/followup' }] };
  const pipeline = { name: 'mine', topic: { name: 'mine.raw' }, source };
  await writeFile(join(dir, 'mine.mjs'), `export const app = ${JSON.stringify({ pipeline })};`);
  const config = join(dir, 'config.json');
  await writeFile(config, '{ "pipelines": ["mine.mjs"] }');
  return config;
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

suite('tributary send', () => {
  test('D1: resends until each package is acknowledged, under one key each', async (t) => {
    const receiver = await startReceiver(t, (_, nth, response) => {
      if (nth % 5 === 0) return refuse(response, 503, { 'retry-after': '0' });
      if (nth % 7 === 0) return refuse(response, 500);
      if (nth % 11 !== 0) return undefined;
      response.destroy();
      return 'handled';
    });
    const file = await eventsFile(t, 3000);
    const ran = await cli(['send', file, '--to', receiver.url, '--package-size', '1..20', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(acknowledged(receiver), upTo(3000));
    assert.equal(new Set(receiver.requests.map(({ key }) => key)).size, receiver.acknowledged.size);
    const summary = JSON.parse(ran.stdout) as Record<string, number>;
    assert.deepEqual(
      [summary['events'], summary['accepted'], summary['rejected'], summary['notAcknowledged'], summary['packages']],
      [3000, 3000, 0, 0, receiver.acknowledged.size],
    );
    assert.equal(summary['resent'], receiver.requests.length - receiver.acknowledged.size);
    assert.ok((summary['resent'] ?? 0) > 20);
    assert.match(ran.stderr, /^sending again: .* answered 503/m);
  });

  test('packages are arrays of the lines as they are, of random sizes within the range', async (t) => {
    const receiver = await startReceiver(t);
    const file = await eventsFile(t, 2000);
    assert.equal((await cli(['send', file, '--to', receiver.url, '--package-size', '3..9'])).code, 0);
    const sizes = receiver.requests.map(({ events }) => events.length);
    assert.ok(sizes.filter((size) => size < 3).length <= 1, 'only the last one may be smaller');
    assert.deepEqual(new Set(sizes.filter((size) => size >= 3)), new Set([3, 4, 5, 6, 7, 8, 9]));
    assert.ok(receiver.requests.every(({ text }) => text.includes('"big":1e400')));
    assert.equal(receiver.requests[0]?.contentType, 'application/json');
    assert.equal(new Set(receiver.requests.map(({ key }) => key)).size, receiver.requests.length);
  });

  test('Retry-After is waited for', async (t) => {
    const receiver = await startReceiver(t, (_, nth, response) =>
      nth === 1 ? refuse(response, 503, { 'retry-after': '1' }) : undefined,
    );
    const file = await eventsFile(t, 1);
    assert.equal((await cli(['send', file, '--to', receiver.url])).code, 0);
    const [first, second] = receiver.requests;
    assert.ok(second!.atMs - first!.atMs >= 990, `${second!.atMs - first!.atMs} ms`);
    assert.equal(first!.key, second!.key);
  });

  test('400, 413 and 415 are final: told with their lines, exit code 1, the rest goes on', async (t) => {
    const receiver = await startReceiver(t, ({ events }, _, response) => {
      const [{ n }] = events as [{ n: number }];
      return n === 20 ? refuse(response, 413) : n === 30 ? refuse(response, 400) : undefined;
    });
    const file = await eventsFile(t, 50);
    const ran = await cli(['send', file, '--to', receiver.url, '--package-size', '10']);
    assert.equal(ran.code, 1);
    assert.deepEqual(
      acknowledged(receiver),
      upTo(50).filter((n) => n < 20 || n >= 40),
    );
    assert.equal(receiver.requests.length, 5);
    assert.match(ran.stderr, /events\.json:21-30: .*answered 413: \{"message":"says 413"\}/);
    assert.match(ran.stdout, /^Sent 50 events in 5 packages .*: 30 accepted, 0 rejected, 20 not acknowledged/);
  });

  test('lines that are not JSON are left out and named; exit code 1', async (t) => {
    const receiver = await startReceiver(t);
    const input = '\uFEFF{"n":0}\r\n\n  \n{"n":1\n{"n":2}\nnull x\n{"n":1}';
    const ran = await cli(['send', '-', '--to', receiver.url, '--json'], { input });
    assert.equal(ran.code, 1);
    assert.deepEqual(acknowledged(receiver), [0, 1, 2]);
    assert.match(ran.stderr, /standard input:4: not JSON[^]*standard input:6: not JSON/);
    assert.equal((JSON.parse(ran.stdout) as { skippedLines: number }).skippedLines, 2);
  });

  test('an address that takes no packages ends it at once', async (t) => {
    const receiver = await startReceiver(t, (_, _nth, response) => refuse(response, 404));
    const ran = await cli(['send', await eventsFile(t, 5000), '--to', receiver.url, '--concurrency', '2']);
    assert.equal(ran.code, 1);
    assert.ok(receiver.requests.length <= 2);
    assert.match(ran.stderr, /error: stopped: http.*answered 404/);
  });

  test('a receiver that is not there yet is tried again, and gets everything once it is', async (t) => {
    const late = createServer();
    late.listen(0, '127.0.0.1');
    await once(late, 'listening');
    const address = late.address() as AddressInfo;
    late.close();
    await once(late, 'close');
    let receiver: Receiver | undefined;
    const url = `http://127.0.0.1:${address.port}/collect`;
    const ran = await cli(['send', await eventsFile(t, 100), '--to', url], {
      onSpawn: (child) =>
        child.stderr.once('data', () => void startReceiver(t, undefined, address.port).then((up) => (receiver = up))),
    });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /sending again: .* did not answer: connect ECONNREFUSED/);
    assert.deepEqual(acknowledged(receiver!), upTo(100));
  });

  test('where nothing has answered it says what to look at, and where the server of the data directory is', async (t) => {
    const dataDir = await scratch(t);
    await writeFile(join(dataDir, 'server.json'), '{"url":"http://localhost:9","pid":1,"startedAt":""}');
    let told = '';
    const ran = await cli(['send', await eventsFile(t, 1), '--data-dir', dataDir], {
      env: { PORT: '1' },
      onSpawn: (child) =>
        child.stderr.on('data', (text: string) => {
          told += text;
          if (told.includes('--to URL')) child.kill('SIGINT');
        }),
    });
    assert.equal(ran.code, 130);
    assert.match(
      ran.stderr,
      /^sending again: .*ECONNREFUSED.*\nStart it \(tributary start\), or name where it runs \(--to URL\); the server of \S+ said that it is at http:\/\/localhost:9\. It is tried again for 120 s\.$/m,
    );
  });

  test('events of which none is taken may be meant for another system, which is said', async (t) => {
    const receiver = await startReceiver(t, (_, _nth, response) => {
      response.end('{"accepted":0,"rejected":3}');
      return 'handled';
    });
    const ran = await cli(['send', await eventsFile(t, 3), '--to', receiver.url, '--package-size', '3']);
    assert.equal(ran.code, 0);
    assert.ok(ran.stderr.startsWith(`${receiver.url} took none of them: `), ran.stderr);
  });

  test('--rate spreads events over time', async (t) => {
    const receiver = await startReceiver(t);
    const args = ['send', await eventsFile(t, 100), '--to', receiver.url, '--package-size', '10', '--rate', '200'];
    assert.equal((await cli(args)).code, 0);
    const times = receiver.requests.map(({ atMs }) => atMs);
    const tookMs = Math.max(...times) - Math.min(...times);
    assert.ok(tookMs > 400, `${tookMs} ms for nine intervals of 50 ms`);
  });

  test('--concurrency bounds what is under way, and uses it', { timeout: 20_000 }, async (t) => {
    const third = Promise.withResolvers<undefined>();
    const receiver = await startReceiver(t, (_, nth) => {
      if (nth === 3) third.resolve(undefined);
      return third.promise; // the first two wait for the third
    });
    const args = ['send', await eventsFile(t, 500), '--to', receiver.url, '--package-size', '5', '--concurrency', '3'];
    assert.equal((await cli(args)).code, 0);
    assert.equal(receiver.mostAtOnce(), 3);
  });

  test('Ctrl-C ends it with the summary and exit code 130', async (t) => {
    const sender = Promise.withResolvers<ChildProcess>();
    const receiver = await startReceiver(t, async (_, nth) => {
      if (nth < 3) return undefined;
      (await sender.promise).kill('SIGINT');
      return 'handled'; // never answered
    });
    const args = ['send', await eventsFile(t, 1000), '--to', receiver.url, '--package-size', '10', '--json'];
    const ran = await cli(args, { onSpawn: sender.resolve });
    assert.equal(ran.code, 130, ran.stderr);
    const summary = JSON.parse(ran.stdout) as { events: number; accepted: number; notAcknowledged: number };
    assert.equal(summary.accepted, 20);
    assert.equal(summary.notAcknowledged, summary.events - 20);
  });

  test('D1: requests are posted one by one with their members as parameters, under one key each until acknowledged', async (t) => {
    const lines = [
      { path: '/initial', uuid: 'a b', symbol: 'e' },
      { path: '/followup', uuid: ['x', 'y&z'] },
      { path: '/followup' },
      { path: '/elsewhere', uuid: 'a' },
      { path: '/initial', uuid: 'bad', symbol: 7 },
    ];
    const receiver = await startReceiver(t, ({ path }, nth, response) =>
      path.includes('bad')
        ? refuse(response, 400)
        : nth < 3
          ? refuse(response, 503, { 'retry-after': '0' })
          : undefined,
    );
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const args = ['send', '-', '--to', `${receiver.url}?of=packages`, '--config', await requestsConfig(t)];
    const ran = await cli([...args, '--json'], { input });
    assert.equal(ran.code, 1);
    const taken = [...receiver.acknowledged.values()];
    assert.deepEqual(
      new Set(taken.map(({ path }) => path)),
      new Set(['/followup', '/followup?uuid=x&uuid=y%26z', '/initial?uuid=a%20b&symbol=e']),
    );
    assert.ok(taken.every(({ text, contentType }) => text === '' && contentType === undefined));
    assert.equal(new Set(receiver.requests.map(({ key }) => key)).size, 4);
    assert.match(ran.stderr, /standard input:4: no request, left out: its path is none of \/initial, \/followup/);
    assert.match(ran.stderr, /standard input:5: http:\S+\/initial\?uuid=bad&symbol=7 answered 400: /);
    const { events, accepted, notAcknowledged, skippedLines } = JSON.parse(ran.stdout) as Record<string, number>;
    assert.deepEqual([events, accepted, notAcknowledged, skippedLines], [4, 3, 1, 1]);
  });

  test('64 requests are under way at a time, and an event with a path of its own is an event', async (t) => {
    const last = Promise.withResolvers<undefined>();
    const receiver = await startReceiver(t, (_, nth) => {
      if (nth === 64) last.resolve(undefined);
      return last.promise;
    });
    const config = await requestsConfig(t);
    const input = '{"path":"/followup"}\n'.repeat(200);
    const ran = await cli(['send', '-', '--to', receiver.url, '--config', config], { input });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^Sent 200 requests in .* a second\): 200 accepted, 0 not acknowledged, 0 resent\.$/m);
    assert.equal(receiver.mostAtOnce(), 64);
    const events = await cli(['send', '-', '--to', receiver.url, '--config', config], { input: '{"path":"/other"}' });
    assert.equal(events.code, 0, events.stderr);
    assert.deepEqual(receiver.requests.at(-1)?.events, [{ path: '/other' }]);
  });

  test('what another server says moves no cursor, and what its URL holds beside the path is not told', async (t) => {
    const receiver = await startReceiver(t, (_, nth, response) => {
      response.writeHead(nth === 1 ? 503 : 400, { 'retry-after': '0' }).end('\u001B[2J\u009B1m no');
      return 'handled';
    });
    const to = receiver.url.replace('//', '//me:hidden@') + '?token=hidden';
    const ran = await cli(['send', '-', '--to', to], { input: '{"n":1}\n\u001B[2J\n' });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^sending again: http:\S+\/collect answered 503: \\x1b\[2J\\x9b1m no$/m);
    assert.match(ran.stderr, /^error: standard input:1: http:\S+\/collect answered 400: \\x1b\[2J\\x9b1m no$/m);
    assert.match(ran.stderr, /^error: standard input:2: not JSON, left out: .*\\x1b\[2J/m);
    assert.doesNotMatch(ran.stderr.replaceAll('\n', ''), /hidden|\p{Control}/u);
  });

  test('wrong usage: exit code 2, nothing on standard output', async (t) => {
    const file = await eventsFile(t, 1);
    for (const [args, message] of [
      [['send'], /missing required argument 'file'/],
      [['send', join(file, 'none')], /cannot be read \(ENOTDIR\)/],
      [['send', join(file, '..')], /is a directory/],
      [['send', file, '--to', 'localhost:8000'], /--to: expected a URL/],
      [['send', file, '--package-size', '5..2'], /Expected a range such as 1\.\.500/],
      [['send', file, '--rate', '0'], /Expected a number above 0/],
    ] as const) {
      const ran = await cli(args);
      assert.deepEqual([ran.code, ran.stdout], [2, ''], args.join(' '));
      assert.match(ran.stderr, message);
      assert.equal(ran.stderr.trim().split('\n').length, 1, ran.stderr);
    }
  });
});
