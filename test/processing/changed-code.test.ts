/** Code that changes between a crash and the redo: no event lands and is a dead letter too. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ndjson } from '../../src/sinks/objects/object-format.ts';
import { parquet } from '../../src/sinks/objects/parquet/parquet-format.ts';
import { findAll } from '../support/found-in-place.ts';
import { placesOfSuite } from '../support/places.ts';
import { type Kind, type LifeOptions, type LoggedEvent, liveUntilLanded } from '../support/processor-lives.ts';

const schema = JSON.stringify({ properties: { id: { type: 'string' }, key: { type: 'string' } } });
const formats = {
  json: async () => ndjson<LoggedEvent>((event) => JSON.stringify(event)),
  parquet: async () => parquet({ id: 1, subject: 'events', version: 1, type: 'JSON', schema }, []),
};

suite('code that changes between a crash and the redo', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  const events = ['good', 'transform', 'good', 'good'].map((kind) => [kind as Kind, 'k'] as const);
  const refused = 'event 2';
  const refuses: LifeOptions['refuses'] = ({ id }) => id === refused;

  async function crashAndChange(name: string, how: 'crash before' | 'crash after', changed: LifeOptions) {
    const [clean] = await liveUntilLanded(await placeOf(events), [{}]);
    const call = clean!.calls.names.indexOf(name);
    const place = await placeOf(events);
    const [, life] = await liveUntilLanded(place, [{ faults: [{ call, how }] }, changed]);
    return { found: await findAll(place), notices: life!.notices, landed: life!.landed };
  }

  test('what has landed in the table is no dead letter too: the objects go without it, and that is told (D2, D3)', async () => {
    // Sinks commit at the same time: only when the table's commit is answered is it known to have landed.
    const { found, notices } = await crashAndChange('commit rows', 'crash after', { refuses });
    assert.equal(found.rows.get(refused), 1);
    assert.deepEqual([...found.letters], [['event 1', 1]]);
    assert.deepEqual([...found.lines.keys()].toSorted(), ['event 0', 'event 3']);
    assert.deepEqual(notices, [
      { kind: 'left out', events: 1, first: { offset: 2, path: 'data', message: 'something else' } },
    ]);
  });

  test('what has landed nowhere yet becomes a dead letter, and lands nowhere (D2, D3)', async () => {
    for (const how of ['crash before', 'crash after'] as const) {
      const name = how === 'crash before' ? 'commit rows' : 'append dead letters';
      const { found, notices } = await crashAndChange(name, how, { refuses });
      assert.deepEqual([...found.letters.keys()].toSorted(), ['event 1', refused]);
      assert.ok([...found.letters.values()].every((count) => count === 1));
      assert.deepEqual([...found.rows.keys()].toSorted(), ['event 0', 'event 3']);
      assert.deepEqual([...found.lines.keys()].toSorted(), ['event 0', 'event 3']);
      assert.deepEqual(notices, []);
    }
  });

  test('drop: what has landed in the table is not counted as dropped (D2, D3)', async () => {
    const { found, notices, landed } = await crashAndChange('commit rows', 'crash after', {
      refuses,
      onInvalid: 'drop',
    });
    assert.equal(found.rows.get(refused), 1);
    assert.equal(notices.length, 1);
    assert.equal(landed.at(-1)?.dropped, 0);
  });

  test('objects in another format take the place of those that a crash has left (D3)', async () => {
    for (const [then, now] of [
      ['json', 'parquet'],
      ['parquet', 'json'],
    ] as const) {
      const options = { objectFormat: formats[then], sinks: 'objects' } as const;
      for (const [of, call] of [
        ['stage objects', 0],
        ['put object', 0],
        ['commit checkpoint', 1],
      ] as const) {
        const place = await placeOf(events);
        const faults = [{ of, call, how: of === 'commit checkpoint' ? 'crash before' : 'crash after' }] as const;
        // The second life ends where it has put its own object, and the first one's may be there still.
        const again = [{ of: 'put object', call: 0, how: 'crash after' }] as const;
        const changed = { ...options, objectFormat: formats[now] };
        const lives = await liveUntilLanded(place, [
          { ...options, faults },
          { ...changed, faults: again },
        ]);
        assert.deepEqual(
          lives.map(({ calls }) => calls.names.at(-1)),
          [of, 'put object', 'commit checkpoint'],
        );
        const found = await findAll(place);
        const good = new Map(['event 0', 'event 2', 'event 3'].map((id) => [id, 1]));
        assert.deepEqual(found.lines, good);
        assert.deepEqual([...found.objects.keys()], [`v1/key=k/events-0-0.${now}`]);
        assert.deepEqual([...found.letters], [['event 1', 1]]);
      }
    }
  });
});
