/** What must be true of a place whose log has landed (D2, D3, D4). */
import assert from 'node:assert/strict';
import { findAll } from './found-in-place.ts';
import type { Place } from './processor-lives.ts';

/** Also that the events of each key lie in objects in the order of the log (D4). */
export async function assertExactlyOnce(place: Place, onInvalid: 'dead-letter' | 'drop', when = ''): Promise<void> {
  const found = await findAll(place);
  const good = place.events.filter(({ kind }) => kind === 'good').map(({ id }) => [id, 1] as const);
  const refused = place.events.filter(({ kind }) => kind !== 'good').map(({ id }) => [id, 1] as const);
  assert.deepEqual(sorted(found.rows), sorted(good), `rows, ${when}`);
  assert.deepEqual(sorted(found.lines), sorted(good), `lines of objects, ${when}`);
  assert.deepEqual(sorted(found.letters), sorted(onInvalid === 'drop' ? [] : refused), `dead letters, ${when}`);
  const inOrder = new Map<string, string[]>();
  for (const [key, ids] of [...found.objects].toSorted((a, b) => firstOffset(a[0]) - firstOffset(b[0]))) {
    const prefix = key.split('/').find((segment) => segment.startsWith('key='))!;
    inOrder.set(prefix, [...(inOrder.get(prefix) ?? []), ...ids]);
  }
  for (const [prefix, ids] of inOrder) {
    const logged = place.events
      .filter(({ key, kind }) => `key=${key}` === prefix && kind === 'good')
      .map(({ id }) => id);
    assert.deepEqual(ids, logged, `order of ${prefix}, ${when}`);
  }
}

function sorted(counts: Iterable<readonly [string, number]>): readonly (readonly [string, number])[] {
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function firstOffset(key: string): number {
  return Number(/-(\d+)(?:_\d+)?\.json$/.exec(key)?.[1]);
}
