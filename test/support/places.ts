/** Places for the tests of a suite: on one PostgreSQL, in one directory, which both go with the suite. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { openTestEmbedded, type TestWarehouse } from './postgres-server.ts';
import { type Events, newPlace, type Place, type PlaceOptions } from './processor-lives.ts';

export type PlaceOf = (events: Events, more?: Omit<PlaceOptions, 'dir' | 'warehouse' | 'events'>) => Promise<Place>;

/** To be called in the body of the suite. */
export function placesOfSuite(): PlaceOf {
  let postgres: TestWarehouse;
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-places-'));
    postgres = await openTestEmbedded();
  });
  after(async () => {
    await postgres.close();
    await rm(root, { recursive: true, force: true });
  });
  return async (events, more) =>
    newPlace({ dir: await mkdtemp(join(root, 'place-')), warehouse: postgres.warehouse, events, ...more });
}
