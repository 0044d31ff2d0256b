/** A data directory that is older than its database: nothing that its log takes is mistaken for what has landed. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { keysOfConsumer } from '../../src/processing/keys-of-consumer.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { assertExactlyOnce } from '../support/exactly-once.ts';
import { findAll } from '../support/found-in-place.ts';
import { placesOfSuite } from '../support/places.ts';
import { append, consumer, land, live, openLog, type Place, startLife } from '../support/processor-lives.ts';

const events = Array.from({ length: 12 }, (_, index) => ['good', `k${index % 3}`] as const);

async function appendTo(place: Place, from: number, to: number): Promise<void> {
  const log = await openLog(place);
  await append(log, place.events.slice(from, to));
  await log.close();
}

async function backUp(place: Place): Promise<Place> {
  const dir = `${place.dir}-backup`;
  await cp(place.dir, dir, { recursive: true });
  return { ...place, dir };
}

async function assertRefused(place: Place, message: RegExp): Promise<void> {
  const life = await startLife(place);
  while (life.failures.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await life.drain();
  for (const failure of life.failures)
    assert.ok(isFault(failure, 'LOG_OLDER') && message.test(failure.message), String(failure));
  assert.deepEqual(life.landed, []);
}

suite('a log that is older than the table', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  for (const [what, landed, known] of [
    ['some', 4, 'has come to offset 8 of events-0, and the keyed state knows of 4'],
    ['nothing', 0, 'has come to offset 8 of events-0, and the keyed state knows of 0'],
  ] as const)
    test(`D2: restored from a backup of when ${what} had landed, it lands nothing until the table's checkpoint is mended, and then all`, async () => {
      const place = await placeOf(events, { appended: landed });
      await land(place);
      const restored = await backUp(place);
      await appendTo(place, landed, 8);
      await land(place);
      await assertRefused(restored, new RegExp(known));
      await appendTo(restored, 8, 12);
      await assertRefused(restored, new RegExp(known));
      const { pool } = place.warehouse;
      await pool.query('UPDATE tributary_checkpoints SET next_offset = $1 WHERE sink = $2', [landed, place.table]);
      await land(restored);
      const { rows } = await findAll(restored);
      assert.deepEqual([rows.size, ...new Set(rows.values())], [12, 1]);
    });

  for (const call of [1, 2, 3])
    test(`D3: a consumer that was forgotten and comes back is no older log, also where it is killed on its way (${call})`, async () => {
      const place = await placeOf(events);
      await land(place);
      const log = await openLog(place);
      const { id } = log;
      await log.close();
      const state = await openLmdbStore({ dir: join(place.dir, 'state'), minFreeBytes: 0 });
      await state.commit({ delete: (await keysOfConsumer(state, id, consumer))!.all });
      await state.close();
      const killed = await live(place, { faults: [{ of: 'commit checkpoint', call, how: 'crash after' }] });
      const life = await land(place);
      assert.deepEqual([...killed.failures, ...life.failures], []);
      await assertExactlyOnce(place, 'dead-letter');
    });
});
