/** What the log does not have any more is passed over: told as lost where it had not landed. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { findAll, idsFrom, loseOldest } from '../support/found-in-place.ts';
import { placesOfSuite } from '../support/places.ts';
import { good, land, live } from '../support/processor-lives.ts';

const many = good(100);
/** So that a hundred events fill some segments. */
const dataBytes = 8 * 1024;

suite('what the log does not have any more', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  test('a new consumer begins where the topic does (D2)', async () => {
    const place = await placeOf(many, { dataBytes });
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
    const place = await placeOf(many, { dataBytes });
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
