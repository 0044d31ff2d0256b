/** What the log does not have any more is passed over: told as lost where it had not landed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { findAll, idsFrom, loseOldest } from '../support/found-in-place.ts';
import { openTestEmbedded, type TestWarehouse } from '../support/postgres-server.ts';
import { land, live, newPlace, type Place } from '../support/processor-lives.ts';

const many = Array.from({ length: 100 }, (_, index) => ['good', `k${index % 3}`] as const);
/** So that a hundred events fill some segments. */
const dataBytes = 8 * 1024;

suite('what the log does not have any more', { concurrency: false }, () => {
  let postgres: TestWarehouse;
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-gone-'));
    postgres = await openTestEmbedded();
  });
  after(async () => {
    await postgres.close();
    await rm(root, { recursive: true, force: true });
  });
  const placeOf = async (): Promise<Place> =>
    newPlace({
      dir: await mkdtemp(join(root, 'place-')),
      warehouse: postgres.warehouse,
      events: many,
      dataBytes,
    });

  test('a new consumer begins where the topic does (D2)', async () => {
    const place = await placeOf();
    const start = await loseOldest(place);
    assert.ok(start > 0 && start < many.length);
    const life = await land(place);
    assert.deepEqual(life.notices, [{ kind: 'passed over', from: 0, to: start, why: 'new' }]);
    assert.deepEqual(life.failures, []);
    const ids = idsFrom(place, start);
    const found = await findAll(place);
    assert.deepEqual([...found.rows.keys()].toSorted(), ids);
    assert.deepEqual([...found.lines.keys()].toSorted(), ids);
    assert.ok([...found.rows.values(), ...found.lines.values()].every((count) => count === 1));
  });

  test('records that are gone before they have landed are told as lost, and the rest lands (D2)', async () => {
    const place = await placeOf();
    await live(place, { faults: [{ of: 'commit checkpoint', call: 3, how: 'crash after' }] });
    const landed = (await findAll(place)).rows.size;
    const start = await loseOldest(place);
    assert.ok(landed > 0 && landed < start, `${landed} have landed, ${start} are gone`);
    const life = await land(place);
    const [notice] = life.notices;
    assert.ok(notice?.kind === 'passed over' && notice.why === 'lost' && notice.to === start, JSON.stringify(notice));
    assert.equal(life.notices.length, 1);
    assert.deepEqual(life.failures, []);
    const found = await findAll(place);
    assert.deepEqual(
      [...found.rows.keys()].toSorted(),
      idsFrom(place, 0).filter((id) => indexOf(id) < landed || indexOf(id) >= start),
    );
    assert.ok([...found.rows.values(), ...found.lines.values()].every((count) => count === 1));
  });
});

function indexOf(id: string): number {
  return Number(id.split(' ')[1]);
}
