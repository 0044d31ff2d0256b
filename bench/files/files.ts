/**
 * Files a second through the source, against reading the same files and doing nothing, in one run and each in a process of its own:
 * `node bench/files/files.ts <files> <directory>`. The directory is made, and removed afterwards.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, opendir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileParts } from '../../test/support/file-source-parts.ts';
import { inParallel } from '../../src/sources/files/in-parallel.ts';

interface Measured {
  readonly filesPerSecond: number;
  readonly peakMegabytes: number;
}

const readers = 32;

async function make(count: number, dir: string): Promise<void> {
  await mkdir(join(dir, 'a'), { recursive: true });
  const old = new Date(Date.now() - 3_600_000);
  const numbers = Array.from({ length: count }, (_, i) => i);
  await inParallel(numbers, readers, async (i) => {
    const path = join(dir, 'a', `${i}.json`);
    const about = { type: 'user', event_at: '2022-04-01 12:00:00', event_id: `${i}` };
    await writeFile(path, JSON.stringify({ id: `${i}`, text: 'hello', about }, undefined, 2));
    await utimes(path, old, old);
  });
}

/** A page of names at a time, as the source does it. */
async function readAll(dir: string): Promise<number> {
  const directory = join(dir, 'a');
  let names: string[] = [];
  let bytes = 0;
  const flush = (): Promise<void> =>
    inParallel(
      names.splice(0),
      readers,
      async (name) => void (bytes += (await readFile(join(directory, name))).length),
    );
  for await (const { name } of await opendir(directory, { bufferSize: 256 })) {
    names.push(name);
    if (names.length === 256) await flush();
  }
  await flush();
  return bytes;
}

async function load(count: number, dir: string): Promise<void> {
  const parts = await openFileParts(dir, false);
  const { promise, resolve } = Promise.withResolvers<void>();
  let loaded = 0;
  const source = await parts.start(
    { directories: ['a'] },
    (log) => log,
    (files) => {
      loaded += files.length;
      if (loaded === count) resolve();
    },
  );
  await promise;
  await source.drain();
  await parts.close();
}

function child(what: string, count: number, dir: string): Measured {
  const ran = spawnSync(process.execPath, ['--max-semi-space-size=8', import.meta.filename, String(count), dir, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_ARENA_MAX: '2' },
  });
  return JSON.parse(ran.stdout.toString()) as Measured;
}

const count = Number(process.argv[2] ?? 100_000);
const [, , , dir = 'bench-files', what] = process.argv;
if (what === undefined) {
  await make(count, dir);
  try {
    const before = child('read', count, dir);
    const loaded = child('load', count, dir);
    const after = child('read', count, dir);
    const read = (before.filesPerSecond + after.filesPerSecond) / 2;
    const result = { files: count, read, loaded, ratio: loaded.filesPerSecond / read };
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
} else {
  const startedMs = performance.now();
  if (what === 'read') await readAll(dir);
  else await load(count, dir);
  const filesPerSecond = count / ((performance.now() - startedMs) / 1000);
  const peakMegabytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  process.stdout.write(JSON.stringify({ filesPerSecond, peakMegabytes }));
}
