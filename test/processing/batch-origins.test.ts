import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { LogRecord } from '../../src/log/log.ts';
import { BatchOrigins, maxLinks } from '../../src/processing/batch-origins.ts';

const nothing = Buffer.alloc(0);

function record(traceparent: string | undefined): LogRecord {
  const headers = [['correlationId', nothing] as const];
  if (traceparent !== undefined) headers.push(['traceparent', Buffer.from(traceparent)] as never);
  return { offset: 0, timeMs: 0, key: null, value: nothing, headers };
}

const traceparentOf = (id: number): string => `00-${id.toString(16).padStart(32, '0')}-b7ad6b7169203331-01`;

suite('where the events of a batch came from', () => {
  test('each traced package once, the first of them', () => {
    const ids = fc.array(fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }), { maxLength: 1000 });
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 5 }), (pages) => {
        const origins = new BatchOrigins();
        for (const page of pages) origins.add(page.map((id) => record(id === undefined ? id : traceparentOf(id))));
        const distinct = new Set(pages.flat().filter((id) => id !== undefined));
        assert.deepEqual([...origins.links], [...distinct].slice(0, maxLinks).map(traceparentOf));
      }),
    );
  });

  test('of 300 packages in one batch 128 are remembered (D6)', () => {
    const all = Array.from({ length: 300 }, (_, id) => traceparentOf(id + 1));
    const origins = new BatchOrigins();
    origins.add(all.map(record));
    assert.deepEqual([...origins.links], all.slice(0, maxLinks));
  });

  test('what others wrote under the name, and is none, is not kept', () => {
    const origins = new BatchOrigins();
    origins.add(['', 'x', 'y'.repeat(1 << 20), `${traceparentOf(1)}-more`].map(record));
    assert.deepEqual([...origins.links], []);
  });

  test('begins with its first records, and is filled when it says so', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1000 });
    const origins = new BatchOrigins();
    origins.add([record(undefined)]);
    t.mock.timers.setTime(2000);
    origins.add([record(undefined)]);
    origins.filled();
    t.mock.timers.setTime(3000);
    assert.deepEqual([origins.fromMs, origins.filledMs], [1000, 2000]);
  });
});
