/**
 * Whatever writers do, and whenever the source dies: each version of a file that stood there whole for long enough is in the log once, and
 * nothing is in it that was not written so (D1, D2, D5).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { open, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Log } from '../../../src/log/log.ts';
import { type FileParts, openFileParts } from '../../support/file-source-parts.ts';
import { scratch } from '../../support/program.ts';
import { until } from '../../support/until.ts';

const settledAfterMs = 150;
const names = ['a/0.json', 'a/1.json', 'b/0.json', 'b/1.json', 'b/2.json'];

type Step =
  | { readonly do: 'write' | 'write slowly' | 'die half-way' | 'touch' | 'rename over'; readonly file: number }
  | { readonly do: 'pause' }
  /** At that append of the next life: before it, or when it is durable. */
  | { readonly do: 'kill'; readonly append: number; readonly after: boolean };

const file = fc.nat({ max: names.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('write', 'write slowly', 'die half-way', 'touch', 'rename over'),
      file,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'pause' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('kill' as const), append: fc.nat({ max: 2 }), after: fc.boolean() }),
  },
);

const never = new Promise<never>(() => undefined);

interface MortalLog {
  readonly log: Log;
  /** At the latest now. Resolves when nothing that was begun can come any more. */
  die(): Promise<void>;
}

/** Of a process that is dead from that append on. */
function mortal(of: Log, { append, after }: { readonly append: number; readonly after: boolean }): MortalLog {
  let left = append;
  let isDead = false;
  let underWay: Promise<void> = Promise.resolve();
  const log = new Proxy(of, {
    get: (target, name) => {
      if (name !== 'append') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (...args: Parameters<Log['append']>) => {
        if (isDead) return never;
        const isLast = left-- <= 0;
        isDead = isLast;
        if (isLast && !after) return never;
        const appended = target.append(...args);
        underWay = appended.catch(() => undefined);
        await appended;
        return isLast ? never : undefined;
      };
    },
  });
  const die = (): Promise<void> => {
    isDead = true;
    return underWay;
  };
  return { log, die };
}

/** What was written whole, by id, and what half-written text the file may have stood there with. */
interface Written {
  readonly ids: Set<string>;
  readonly halves: Set<string>;
  /** By file: the id, where what was written last is whole. */
  readonly last: Map<number, string>;
}

async function perform(parts: FileParts, one: Step, { ids, halves, last }: Written): Promise<void> {
  if (one.do === 'pause') await sleep(120);
  if (one.do === 'pause' || one.do === 'kill') return;
  const path = join(parts.dir, names[one.file]!);
  if (one.do === 'touch') {
    if (existsSync(path)) await utimes(path, new Date(), new Date()).catch(() => undefined); // taken away meanwhile
    return;
  }
  const id = `${ids.size + halves.size}`;
  const text = JSON.stringify({ id, text: 'x'.repeat(Number(id) % 7) }, undefined, 2);
  const half = text.slice(0, text.indexOf(',') + (Number(id) % 9)); // with its id: no two are the same
  if (one.do === 'rename over') {
    const beside = join(parts.dir, 'beside');
    await writeFile(beside, text);
    ids.add(id);
    last.set(one.file, id);
    return rename(beside, path);
  }
  const writer = await open(path, 'w');
  if (one.do === 'write') await writer.write(text);
  else {
    await writer.write(half);
    halves.add(half);
    if (one.do === 'write slowly') {
      await sleep(20);
      await writer.write(text.slice(half.length));
    }
  }
  if (one.do === 'die half-way') last.delete(one.file);
  else {
    ids.add(id);
    last.set(one.file, id);
  }
  await writer.close();
}

async function check(parts: FileParts, { ids, halves, last }: Written, afterwards: string): Promise<void> {
  const notes = await parts.notes();
  const seen = notes.map(({ id }) => id);
  assert.equal(new Set(seen).size, seen.length, `twice: ${seen.join()}`);
  for (const id of seen) assert.ok(ids.has(id), `${id} was never written whole`);
  for (const id of last.values()) assert.ok(seen.includes(id), `lost: ${id}`);
  const letters = (await parts.letters()).map(({ event }) => event.toString());
  for (const event of letters) assert.ok(halves.has(event) || event === '', `never stood there so: ${event}`);
  for (const name of names) {
    const path = join(parts.dir, name);
    const text = existsSync(path) ? await readFile(path, 'utf8') : undefined;
    if (text === undefined) continue;
    if (halves.has(text)) assert.equal(letters.filter((one) => one === text).length, 1, `the half of ${name}`);
    else
      assert.ok(
        afterwards === 'leave' && seen.includes((JSON.parse(text) as { id: string }).id),
        `${name} is left: ${text}`,
      );
  }
}

suite('files, each once', { timeout: 250_000 }, () => {
  for (const afterwards of ['leave', 'move', 'delete'] as const)
    test(`D5: with any writers, and kills between any steps (${afterwards})`, async (t) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
          const parts = await openFileParts(await scratch(t));
          const options = { afterwards, settledAfterMs, listEveryMs: 60 };
          const written: Written = { ids: new Set(), halves: new Set(), last: new Map() };
          let source = parts.start(options);
          try {
            for (const one of steps) {
              await perform(parts, one, written);
              if (one.do !== 'kill') continue;
              await (await source).drain();
              let life: MortalLog | undefined;
              const dead = await parts.start(options, (log) => (life = mortal(log, one)).log);
              await sleep(100);
              await life!.die(); // one process has the log: the next one begins when this one is gone
              void dead.drain(); // of what hangs it never ends
              source = parts.start(options);
            }
            await quiet(parts, written, afterwards);
          } finally {
            await (await source).drain();
            await parts.close();
            await rm(parts.dir, { recursive: true, force: true });
          }
        }),
        { numRuns: 12, endOnFailure: true },
      );
    });
});

/** Where a listing takes 0.5 s, as on a busy machine, the next one comes 5 s later. */
const quietWithinMs = 30_000;

/** Resolves when all is as it must be in the end, and stays so. */
async function quiet(parts: FileParts, written: Written, afterwards: string): Promise<void> {
  const untilMs = performance.now() + quietWithinMs;
  const isSo = async (): Promise<boolean> => {
    try {
      await check(parts, written, afterwards);
      return true;
    } catch (error) {
      const isForGood = /twice|never/.test(String(error));
      if (isForGood || performance.now() > untilMs)
        throw new Error(`${String(error)}\n${parts.told.join('\n')}`, { cause: error });
      return false;
    }
  };
  await until(isSo);
  await sleep(settledAfterMs + 100);
  await check(parts, written, afterwards);
}
