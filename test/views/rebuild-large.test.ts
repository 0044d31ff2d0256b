/** A rebuild of more than is held in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, pairs, type Timestamp, view } from 'tributary';
import type { LogReader, LogRecord, Page } from '../../src/log/log.ts';
import { allTime } from '../../src/views/buckets.ts';
import { rebuildView } from '../../src/views/rebuild.ts';
import { openViewState } from '../../src/views/view-state.ts';
import { MapState } from '../support/map-state.ts';

interface Visit {
  readonly key: string;
  readonly by: string;
  readonly time: Timestamp;
  readonly isSecond: boolean;
}

const byKey = view({
  name: 'by-key',
  counts: ({ key, time, isSecond }: Visit) => (isSecond ? undefined : { key, time }),
  measures: {
    count: count(),
    pairs: pairs({ by: ({ by }: Visit) => by, with: ({ isSecond }: Visit) => isSecond, keptForDays: 30 }),
  },
});

const visitors = 60_000;
const at = { topic: 't', partition: 0 };
const of = { logId: 'l', pipeline: 'visits', view: 'by-key' };
const empty = Buffer.alloc(0);

/** Each comes first, each a second time, and the minutes of the second round are those of the first. */
function visitOf(offset: number): Visit {
  const nth = offset % visitors;
  const time = new Date(Date.UTC(2017, 0, 1, 0, nth)).toISOString().replace('Z', '000Z') as Timestamp;
  return { key: `${nth % 3}`, by: `${nth}`, time, isSecond: offset >= visitors && nth % 2 === 0 };
}

class VisitLog implements Pick<LogReader, 'id' | 'topics' | 'range' | 'read'> {
  readonly id = of.logId;

  async topics() {
    return [{ name: at.topic, partitions: 1 }];
  }

  async range() {
    return { start: 0, end: 2 * visitors };
  }

  async read(_: unknown, from: number): Promise<Page> {
    const next = Math.min(2 * visitors, from + 1_000);
    const records = Array.from({ length: next - from }, (_unused, i): LogRecord => ({
      offset: from + i,
      timeMs: 0,
      key: null,
      value: empty,
      headers: [],
    }));
    return { records, next };
  }
}

test('D3: what a rebuild has let go of memory is counted on, not begun anew', async () => {
  const store = new MapState();
  await rebuildView({
    log: new VisitLog() as unknown as LogReader,
    store,
    of,
    topic: at.topic,
    view: byKey,
    convert: async (records) => records.map(({ offset }) => visitOf(offset)),
    isPartial: false,
    onProgress: () => {},
    onSkipped: (_, _offset, error) => assert.fail(String(error)),
  });
  const state = await openViewState({ store, of, view: byKey, partition: 0, onSkipped: () => assert.fail() });
  const rows = await state.read(['0', '1', '2'].map((key) => [allTime, key]));
  // of a key 20,000 visitors, of whom half come for a second, and half for another first
  for (const row of rows) assert.deepEqual(row?.parts, [['2017', [30_000, 10_000]]]);
});
