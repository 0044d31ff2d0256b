/** signals as its clients know it: the whole program, requests right and wrong, and the dashboards against the raw events. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { dashboard } from '../../apps/signals/dashboard.ts';
import { generateSignals } from '../../apps/signals/generate.ts';
import { symbols } from '../../apps/signals/read-symbol.ts';
import type { Signal } from '../../apps/signals/signal.ts';
import { readSignals } from '../apps/signals/read-signals.ts';
import { EventStream } from '../support/event-stream.ts';
import { httpRequest } from '../support/http-request.ts';
import { type Program, runProgram, scratch, startFor } from '../support/program.ts';
import { serveRoutes } from '../support/routes-server.ts';

const onlySignals = ['--only', 'signals'];

/** Lists are sent as often as they are long. */
function pathOf(line: string): string {
  const { path, ...parameters } = JSON.parse(line) as { path: string; [name: string]: string | readonly string[] };
  const pairs = Object.entries(parameters).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  return `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** The statuses, with so many requests under way at a time. */
async function sendAll(program: Program, lines: readonly string[]): Promise<readonly number[]> {
  const statuses: number[] = [];
  const left = [...lines.entries()];
  const sender = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { status, text } = await httpRequest(program.url + pathOf(next[1]), { method: 'POST' });
      if (status === 200) assert.match(text, next[1].includes('/initial') ? /^(True|False)$/ : /^hooray$/);
      statuses[next[0]] = status;
    }
  };
  await Promise.all(Array.from({ length: 16 }, sender));
  return statuses;
}

async function landed(dataDir: string): Promise<readonly Signal[]> {
  const lag = await runProgram(['lag', '--wait', '--timeout', '60', '--data-dir', dataDir]);
  assert.equal(lag.code, 0, lag.stderr);
  const dir = join(dataDir, 'objects/signals');
  const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')));
  return texts.flatMap((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Signal),
  );
}

const today = new Date().toISOString().slice(0, 10);
const paths = [
  ...symbols.map((symbol) => `/dashboard/symbol/${symbol}`),
  '/dashboard/range/0001-01-01/9999-12-31',
  `/dashboard/range/${today}/9999-12-31T23:59`,
  `/dashboard/range/${today}/${today}`,
];

const answersOf = (url: string) => Promise.all(paths.map(async (path) => (await httpRequest(url + path)).text));

suite('signals', { timeout: 120_000 }, () => {
  test('D1, D2, D3: the dashboards are those of the raw events, also after a kill; what is refused leaves nothing', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    let program = await startFor(t, { dataDir, args: onlySignals });
    const lines = [...generateSignals({ count: 1_000, invalidShare: 0, seed: 1 })];
    assert.deepEqual(new Set(await sendAll(program, lines)), new Set([200]));
    const wrong = [...generateSignals({ count: 300, invalidShare: 1, seed: 2 })];
    assert.deepEqual(new Set(await sendAll(program, wrong)), new Set([400]));

    const before = await answersOf(program.url); // reads what was written, at once
    await program.kill('SIGKILL');
    program = await startFor(t, { dataDir, args: onlySignals });
    assert.deepEqual(await answersOf(program.url), before);

    const signals = await landed(dataDir);
    assert.equal(signals.length, lines.length);
    const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
    assert.deepEqual(before, await answersOf(url));
  });

  test('D8: SIGTERM ends live streams, and the drain does not wait for who listens', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir, args: onlySignals });
    const streams = await Promise.all([1, 2, 3].map(() => EventStream.open(`${program.url}/dashboard/live`)));
    await Promise.all(streams.map((stream) => stream.next()));
    const ends = Promise.all(streams.map((stream) => stream.next()));
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    assert.deepEqual(await ends, [undefined, undefined, undefined]);
  });
});
