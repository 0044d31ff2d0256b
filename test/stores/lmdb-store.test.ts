import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { OpeningGate } from '../../src/stores/state/opening-gate.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { stateStoreContract } from '../contracts/state-store.ts';

stateStoreContract('lmdb', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-state-'));
  let nowMs = 1_800_000_000_000;
  const now = (): number => nowMs;
  const store = await openLmdbStore({ dir, now });
  return {
    store,
    reopen: () => openLmdbStore({ dir, readOnly: true, now }),
    another: () => openLmdbStore({ dir, now }),
    advance: async (milliseconds) => {
      nowMs += milliseconds;
    },
    nowMs: now,
    close: async () => {
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
});

describe('lmdb', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-lmdb-'));
  });
  after(() => rm(root, { recursive: true }));

  it('keeps everything over close and open, in a directory whose name has a dot', async () => {
    const dir = join(root, 'state.v1', 'deep');
    const first = await openLmdbStore({ dir });
    await first.commit({ put: [{ key: 'k', value: Buffer.from('v') }] });
    await first.close();
    const second = await openLmdbStore({ dir });
    assert.deepEqual(await second.get('k'), Buffer.from('v'));
    await second.close();
    await assert.rejects(second.get('k'), /closed/);
    await assert.rejects(second.commit({}), /closed/);
  });

  it('finishes what is under way before it closes (D8)', async () => {
    const dir = join(root, 'closing');
    const store = await openLmdbStore({ dir });
    const commits = Array.from({ length: 20 }, (_, i) =>
      store.commit({ put: [{ key: `${i}`, value: Buffer.from(`${i}`) }] }),
    );
    await store.close();
    assert.ok((await Promise.all(commits)).every(Boolean));
    const again = await openLmdbStore({ dir, readOnly: true });
    assert.equal((await Array.fromAsync(again.entries(''))).length, 20);
    await again.close();
  });

  it('commits, opens and closes only where nobody else is opening the file (D1, D3)', async () => {
    const dir = join(root, 'gate');
    const store = await openLmdbStore({ dir });
    const opener = new OpeningGate({ path: join(dir, 'state.gate') });
    const readers: StateStore[] = [];
    const acts: Record<string, () => Promise<unknown>> = {
      commit: () => store.commit({ put: [{ key: 'k', value: Buffer.from('v') }] }),
      open: async () => readers.push(await openLmdbStore({ dir, readOnly: true })),
      close: () => store.close(),
    };
    for (const [name, act] of Object.entries(acts)) {
      const done = await opener.alone(async () => {
        let ended = false;
        const acted = act().then(() => (ended = true));
        // Far longer than it takes otherwise; that nothing happens is no event.
        await sleep(50);
        assert.equal(ended, false, `${name} went on`);
        return { acted };
      });
      await done.acted;
    }
    for (const reader of readers) await reader.close();
    await opener.close();
  });

  it('refuses with STATE_FULL below its reserve, and changes nothing', async () => {
    const dir = join(root, 'full');
    const store = await openLmdbStore({ dir });
    await store.commit({ put: [{ key: 'k', value: Buffer.from('old') }] });
    await store.close();
    const full = await openLmdbStore({ dir, minFreeBytes: Number.MAX_SAFE_INTEGER });
    await assert.rejects(full.commit({ put: [{ key: 'k', value: Buffer.from('new') }] }), (error) =>
      isFault(error, 'STATE_FULL'),
    );
    assert.deepEqual(await full.get('k'), Buffer.from('old'));
    await full.close();
  });

  it('refuses keys that it cannot tell apart, and only those', async () => {
    const store = await openLmdbStore({ dir: join(root, 'keys') });
    const value = Buffer.from('v');
    await assert.rejects(
      store.commit({
        put: [
          { key: 'ok', value },
          { key: 'k'.repeat(1_901), value },
        ],
      }),
      RangeError,
    );
    await assert.rejects(store.commit({ put: [{ key: 'a\ud800', value }] }), RangeError);
    assert.equal(await store.get('ok'), undefined);
    const longest = 'k'.repeat(1_900);
    await store.commit({ put: [{ key: longest, value, expiresAtMs: Date.now() + 60_000 }] });
    assert.deepEqual(await store.get(longest), value);
    await store.close();
  });

  it('says that there is nothing to read, or nothing to write to', async () => {
    const dir = join(root, 'readers');
    await assert.rejects(openLmdbStore({ dir, readOnly: true }), (error) => isFault(error, 'STATE_MISSING'));
    const store = await openLmdbStore({ dir });
    await store.close();
    const reader = await openLmdbStore({ dir, readOnly: true });
    await assert.rejects(reader.commit({ put: [] }), /read-only/);
    await reader.close();
  });

  it('lets go of expired keys, so that the file stops growing', async () => {
    const dir = join(root, 'expiry');
    let nowMs = 1_000_000;
    const store = await openLmdbStore({ dir, now: () => nowMs });
    const sizes: number[] = [];
    for (let round = 0; round < 60; round++) {
      await putExpiring(store, round, nowMs + 5_000);
      nowMs += 1_000;
      sizes.push((await stat(join(dir, 'state.mdb'))).size);
    }
    assert.ok((sizes[59] ?? 0) <= 1.3 * (sizes[19] ?? 0), `grew from ${sizes[19]} to ${sizes[59]} bytes`);
    nowMs += 60_000;
    for (let i = 0; i < 200; i++) await store.commit({ put: [{ key: 'tick', value: Buffer.from(`${i}`) }] });
    nowMs = 0;
    assert.equal((await Array.fromAsync(store.entries(''))).length, 1, 'swept, not only hidden');
    await store.close();
  });
});

async function putExpiring(store: StateStore, round: number, expiresAtMs: number): Promise<void> {
  const value = Buffer.alloc(100);
  const put = Array.from({ length: 1_000 }, (_, i) => ({
    key: `seen/${(i * 7_919) % 1_000}/${round}`,
    value,
    expiresAtMs,
  }));
  await store.commit({ put });
}
