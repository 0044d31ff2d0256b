/** Two processes that keep one view of idempotency keys, and meet in the middle of what the other one does (D5). */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Fault } from '../../src/errors.ts';
import { idempotencyTopic, KeyView } from '../../src/ingest/key-view.ts';
import type { Log } from '../../src/log/log.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { changed } from '../support/changed.ts';
import { openLogIn } from '../support/ingest-parts.ts';
import { MapState } from '../support/map-state.ts';
import { scratch } from '../support/program.ts';

async function openLog(t: TestContext): Promise<{ log: Log; readonly remember: (key: string) => Promise<void> }> {
  const log = await openLogIn(await scratch(t));
  t.after(() => log.close());
  const remember = async (key: string): Promise<void> => {
    const batch = log.batch();
    const value = Buffer.from(JSON.stringify({ packageId: key, accepted: 1, rejected: 0, errors: [] }));
    batch.add({ topic: idempotencyTopic.name, key, value, headers: [] });
    await log.append(batch);
  };
  return { log, remember };
}

function viewOf(log: Log, views: StateStore): { view: KeyView; toldInView: string[] } {
  const toldInView: string[] = [];
  const onRecords = (records: readonly { key: string | null }[], areInView: boolean): void => {
    if (areInView) toldInView.push(...records.map(({ key }) => String(key)));
  };
  return { view: new KeyView({ log, views, now: Date.now, onRecords }), toldInView };
}

suite('the view of idempotency keys', () => {
  test('D5: one that begins while another one goes on does not begin from the start', async (t) => {
    const { log, remember } = await openLog(t);
    const views = new MapState();
    const { view: other } = viewOf(log, views);
    await remember('a');
    await other.catchUp();
    const readFrom: number[] = [];
    const meanwhile: Log = {
      ...log,
      id: log.id,
      range: async (at) => {
        const range = await log.range(at);
        await remember('b');
        await other.catchUp();
        return range;
      },
      read: (at, from, limit) => {
        readFrom.push(from);
        return log.read(at, from, limit);
      },
    };
    const { view } = viewOf(meanwhile, views);
    await view.advance();
    const { start } = await log.range({ topic: idempotencyTopic.name, partition: 0 });
    assert.ok(readFrom.length > 0 && readFrom.every((from) => from > start), `read from ${readFrom.join(', ')}`);
  });

  test('D5: one that another one has passed after it had gone back tells of every record', async (t) => {
    const { log, remember } = await openLog(t);
    const views = new MapState();
    const { view: other } = viewOf(log, views);
    let isOvertaken = false;
    const overtaken = changed<StateStore>(views, {
      get: async (key) => {
        if (isOvertaken) await other.catchUp();
        return views.get(key);
      },
    });
    const { view, toldInView } = viewOf(log, overtaken);
    await remember('a');
    await view.catchUp();
    for (const key of ['b', 'c']) await remember(key);
    views.goBack(new Map());
    isOvertaken = true;
    await view.find('a', new AbortController().signal);
    await view.catchUp();
    assert.deepEqual(toldInView, ['a', 'b', 'c']);
  });

  test('why a key could not be looked up in time is told, not only that', async (t) => {
    const { log } = await openLog(t);
    const patience = new AbortController();
    const range = async (): Promise<never> => {
      patience.abort();
      throw new Fault('LOG_UNAVAILABLE', 'no broker answers');
    };
    const { view } = viewOf({ ...log, id: log.id, range }, new MapState());
    await assert.rejects(view.find('a', patience.signal), { code: 'LOG_UNAVAILABLE', message: 'no broker answers' });
  });
});
