import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { cleanEnvironment } from '../support/program.ts';

const killedForMs = 8_000;
const leastKills = 10;
const stoppedForMs = 5_000;

interface Child {
  readonly numbers: () => readonly number[];
  readonly first: Promise<void>;
  /** Code and signal. */
  readonly ended: Promise<unknown[]>;
  kill(signal: NodeJS.Signals): void;
}

/** Prints the numbers that it made durable. */
const startWriter = (dir: string, rounds: number): Child => start('lmdb-writer.ts', [dir, `${rounds}`]);

/** Prints the numbers that it saw. */
const startOpener = (dir: string): Child => start('lmdb-opener.ts', [dir]);

const running = new Set<ChildProcess>();

function start(file: string, args: readonly string[]): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  let output = '';
  const first = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    first.resolve();
  });
  return {
    numbers: () => output.split('\n').slice(0, -1).map(Number),
    first: first.promise,
    ended: once(child, 'close').finally(() => running.delete(child)),
    kill: (signal) => child.kill(signal),
  };
}

async function stopAndContinue(child: Child, times: number): Promise<void> {
  await child.first;
  for (let stops = 0; stops < times; stops++) {
    await sleep(Math.random() * 10);
    child.kill('SIGSTOP');
    // Long enough for others to open or commit a few times, where it does not hold them up.
    await sleep(5);
    child.kill('SIGCONT');
  }
}

async function inTemporaryDirectory(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-lmdb-kill-'));
  try {
    await test(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function counterOf(store: StateStore): Promise<number> {
  const counter = Number(await store.get('counter'));
  const same = await Array.fromAsync(store.entries('same/'));
  assert.equal(same.length, 20);
  for (const [key, value] of same) assert.equal(Number(value), counter, `${key} is of another change`);
  return counter;
}

describe('lmdb, processes', { concurrency: true }, () => {
  after(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  it('loses nothing acknowledged and tears no change when killed at any time (D1, D3)', () =>
    inTemporaryDirectory(async (dir) => {
      const untilMs = Date.now() + killedForMs;
      const all = new Set<number>();
      let kills = 0;
      let total = 0;
      while (kills < leastKills || Date.now() < untilMs) {
        const writers = [startWriter(dir, Infinity), startWriter(dir, Infinity)];
        await Promise.race(writers.map((writer) => writer.first));
        // The test is about any time: nothing to wait for.
        await sleep(Math.random() * 150);
        for (const writer of writers) writer.kill('SIGKILL');
        await Promise.all(writers.map((writer) => writer.ended));
        kills += writers.length;
        const acknowledged = writers.flatMap((writer) => writer.numbers());
        for (const number of acknowledged) all.add(number);
        total += acknowledged.length;
        const store = await openLmdbStore({ dir });
        const counter = await counterOf(store);
        await store.close();
        assert.ok(counter >= Math.max(...acknowledged), `${counter} after ${Math.max(...acknowledged)} was durable`);
        // Each kill may hide one acknowledgement of a change that was made.
        assert.ok(counter - all.size <= kills, `${counter} changes, ${all.size} acknowledged`);
      }
      assert.equal(all.size, total, 'a number was won twice');
    }));

  it('holds an expectation against other processes, and shows each change to a reader beside them, while the file grows (D3)', () =>
    inTemporaryDirectory(async (dir) => {
      const writers = [startWriter(dir, 150), startWriter(dir, 150), startWriter(dir, 150)];
      await Promise.race(writers.map((writer) => writer.first));
      const reader = await openLmdbStore({ dir, readOnly: true });
      let seen = 0;
      while (seen < 450) {
        const counter = Number(await reader.get('counter'));
        assert.ok(counter >= seen, `${counter} after ${seen}`);
        seen = counter;
        await sleep(2);
      }
      await Promise.all(writers.map((writer) => writer.ended));
      const numbers = writers.flatMap((writer) => writer.numbers());
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: 450 }, (_, i) => i + 1),
      );
      assert.equal(await counterOf(reader), 450);
      await reader.close();
    }));

  it('lets processes come and go at the same moment, stopped at any time', () =>
    inTemporaryDirectory(async (dir) => {
      const store = await openLmdbStore({ dir });
      await store.commit({ put: [{ key: 'counter', value: Buffer.from('1') }] });
      await store.close();
      const openers = [startOpener(dir), startOpener(dir)];
      await Promise.all(openers.map((opener) => stopAndContinue(opener, 150)));
      for (const opener of openers) opener.kill('SIGKILL');
      for (const opener of openers) assert.deepEqual(await opener.ended, [null, 'SIGKILL']);
    }));

  it('takes nothing acknowledged back while others open and close it, stopped or killed at any time (D1, D3)', () =>
    inTemporaryDirectory(async (dir) => {
      const writer = startWriter(dir, Infinity);
      await writer.first;
      const untilMs = Date.now() + stoppedForMs;
      while (Date.now() < untilMs) {
        const openers = [startOpener(dir), startOpener(dir)];
        await Promise.all(openers.map((opener) => stopAndContinue(opener, 50)));
        for (const opener of openers) opener.kill('SIGKILL');
        for (const opener of openers) assert.deepEqual(await opener.ended, [null, 'SIGKILL']);
      }
      writer.kill('SIGKILL');
      assert.deepEqual(await writer.ended, [null, 'SIGKILL']);
      const numbers = writer.numbers();
      assert.deepEqual(
        numbers,
        Array.from({ length: numbers.length }, (_, i) => i + 1),
      );
      const store = await openLmdbStore({ dir });
      assert.ok((await counterOf(store)) >= numbers.length);
      await store.close();
    }));
});
