/** What a run has fetched, whatever came again, wherever the process ended, and however little memory there is for keys. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { Changed } from '../../../src/sources/rest/paging.ts';
import type { ReadItem } from '../../../src/sources/rest/pulled-items.ts';
import { readRuns } from '../../../src/sources/rest/read-runs.ts';
import { RunStore } from '../../../src/sources/rest/run-store.ts';
import { scratch } from '../../support/program.ts';
import { mib, smallDisk, whyNoSmallDisk } from '../../support/small-disk.ts';

type Kind = 'kept' | 'refused' | 'leftOut';

const begun = {
  id: 'run',
  pull: 'list',
  startedAt: '2026-11-22T00:00:00.000Z',
  definition: '',
  origin: null,
  since: null,
};
/** With as few keys in memory as can be. */
const fewSlots = 1 << 10;

function itemOf(key: string, kind: Kind, version: number): ReadItem {
  const body = Buffer.from(JSON.stringify({ key, version }));
  const line = kind === 'leftOut' ? null : { body, start: 0, end: body.length };
  return { key, at: null, line, refusal: kind === 'refused' ? { path: 'version', message: String(version) } : null };
}

function pageOf(items: readonly ReadItem[], isLast: boolean, onRepeat: 'changed' | 'replace') {
  const next = isLast ? undefined : { had: 1 };
  return { items, next, total: undefined, onRepeat, overlap: undefined };
}

const textOf = (lines: Iterable<Uint8Array>): string => Buffer.concat([...lines]).toString();

suite('what a run has fetched', { timeout: 120_000 }, () => {
  test('D2, D5: of each item the last that came of it, in the place of the first, after crashes too', async (t) => {
    const root = await scratch(t);
    let index = 0;
    const item = fc.record({
      key: fc.nat(1_500).map(String),
      kind: fc.constantFrom<Kind>('kept', 'kept', 'kept', 'refused', 'leftOut'),
    });
    const page = fc.record({ items: fc.array(item, { maxLength: 400, size: 'max' }), isReopened: fc.boolean() });
    const pages = fc.array(page, { minLength: 1, maxLength: 12, size: 'max' });
    const property = fc.asyncProperty(pages, async (all) => {
      const path = join(root, `${index++}.db`);
      let store = new RunStore(path, fewSlots);
      let run = store.begin(begun);
      const latest = new Map<string, ReadItem>();
      let version = 0;
      for (const [at, { items, isReopened }] of all.entries()) {
        const read = items.map(({ key, kind }) => itemOf(key, kind, version++));
        for (const one of read) latest.set(one.key as string, one);
        run = store.keepPage(run, pageOf(read, at === all.length - 1, 'replace'));
        if (!isReopened) continue;
        store.close();
        store = new RunStore(path, fewSlots);
        assert.deepEqual({ ...store.unfinished() }, run);
      }
      run = await store.settled(run, 'replace');
      const items = [...latest.values()];
      const kept = items.filter(({ line, refusal }) => line !== null && refusal === null);
      const refused = items.filter(({ refusal }) => refusal !== null);
      assert.equal(textOf(store.lines()), kept.map(({ line }) => `${String(line?.body)}\n`).join(''));
      assert.deepEqual(
        [...store.refusals()].map(({ line, path: where, message }) => [Buffer.from(line).toString(), where, message]),
        refused.map(({ line, refusal }) => [String(line?.body), refusal?.path, refusal?.message]),
      );
      const leftOut = items.length - kept.length - refused.length;
      assert.deepEqual([run.kept, run.refused, run.leftOut], [kept.length, refused.length, leftOut]);
      assert.equal(run.known, version - items.length);
      store.close();
    });
    await fc.assert(property, { numRuns: 12 });
  });

  test('D5: where nothing may come again, it is noticed at once, or at the end at the latest', async (t) => {
    const store = new RunStore(join(await scratch(t), 'list.db'), fewSlots);
    let run = store.begin(begun);
    const many = Array.from({ length: 5_000 }, (_, i) => itemOf(`key ${i}`, 'kept', i));
    run = store.keepPage(run, pageOf(many, false, 'changed'));
    let noticed = 0;
    for (const i of [0, 1_000, 2_500, 4_000, 4_999]) {
      const again = pageOf([itemOf(`key ${i}`, 'kept', 0)], true, 'changed');
      await assert.rejects(async () => store.settled(store.keepPage(run, again), 'changed'), Changed);
      run = store.startOver(run, 'it changed');
      run = store.keepPage(run, pageOf(many, false, 'changed'));
      noticed += 1;
    }
    assert.equal(noticed, 5);
    const other = pageOf([itemOf('another', 'kept', 0)], true, 'changed');
    run = await store.settled(store.keepPage(run, other), 'changed');
    assert.equal(run.kept, 5_001);
    store.close();
  });

  test('D3: after a power cut that took lines with it the run begins anew', async (t) => {
    const items = Array.from({ length: 10 }, (_, i) => itemOf(`key ${i}`, 'kept', i));
    const cuts: readonly ((lines: Buffer) => Buffer)[] = [
      (lines) => lines.subarray(0, -1),
      (lines) => lines.fill(0, 40, 60),
      () => Buffer.alloc(0),
    ];
    for (const [index, cut] of cuts.entries()) {
      const path = join(await scratch(t), `${index}.db`);
      const store = new RunStore(path);
      store.keepPage(store.begin(begun), pageOf(items, index === 0, 'changed'));
      store.close();
      await writeFile(`${path}-lines`, cut(await readFile(`${path}-lines`)));
      const again = new RunStore(path);
      const run = again.unfinished()!;
      const more = pageOf([itemOf('more', 'kept', 0)], true, 'changed');
      await assert.rejects(
        async () => again.settled(index === 0 ? run : again.keepPage(run, more), 'changed'),
        Changed,
      );
      const begunAnew = again.keepPage(again.startOver(run, 'a power cut'), pageOf(items, true, 'changed'));
      assert.equal((await again.settled(begunAnew, 'changed')).kept, 10);
      assert.equal(textOf(again.lines()), items.map(({ line }) => `${String(line?.body)}\n`).join(''));
      again.close();
    }
  });

  test('D3: lines behind the last page that was kept are no part of it', async (t) => {
    const path = join(await scratch(t), 'list.db');
    const store = new RunStore(path);
    store.keepPage(store.begin(begun), pageOf([itemOf('a', 'kept', 1)], false, 'changed'));
    store.close();
    await appendFile(`${path}-lines`, 'written, and not committed\n');
    const again = new RunStore(path);
    const run = again.keepPage(again.unfinished()!, pageOf([itemOf('b', 'kept', 2)], true, 'changed'));
    await again.settled(run, 'changed');
    assert.equal(await readFile(again.linesPath()!, 'utf8'), '{"key":"a","version":1}\n{"key":"b","version":2}\n');
    again.close();
  });

  test('D3: a full disk ends a run, and says so; with room it goes on in the same process', async (t) => {
    const why = whyNoSmallDisk();
    if (why !== undefined) return t.skip(why);
    const disk = await smallDisk(1);
    t.after(() => disk.remove());
    const path = join(disk.dir, 'list.db');
    const store = new RunStore(path);
    const run = store.begin(begun);
    const full = /no space left/;
    assert.throws(() => appendFileSync(join(disk.dir, 'others'), Buffer.alloc(2 * mib)), full);
    assert.throws(() => store.keepPage(run, pageOf([itemOf('a', 'kept', 1)], false, 'changed')), full);
    assert.throws(() => store.close(), full);
    disk.grow(64);
    const again = new RunStore(path);
    const done = again.keepPage(again.unfinished()!, pageOf([itemOf('b', 'kept', 1)], true, 'changed'));
    assert.equal((await again.settled(done, 'changed')).kept, 1);
    again.close();
  });

  test('runs of a file that its process had no time to fill are none', async (t) => {
    const path = join(await scratch(t), 'list.db');
    await writeFile(path, '');
    assert.deepEqual(readRuns(path, 9), []);
  });
});
