/** A log that takes everything at once and keeps nothing: what ingest costs without one. */
import type { Batch, Log, NewRecord } from '../../src/log/log.ts';

class NullBatch implements Batch {
  count = 0;
  bytes = 0;

  add({ value, headers }: NewRecord): void {
    this.count += 1;
    this.bytes += value.length;
    for (const [, header] of headers) this.bytes += header.length;
  }
}

const nothing = (): Promise<void> => Promise.resolve();

export function createNullLog(): Log {
  return {
    id: 'null',
    topics: () => Promise.resolve([]),
    range: () => Promise.resolve({ start: 0, end: 0 }),
    read: (_at, from) => Promise.resolve({ records: [], next: from }),
    offsetAtTime: () => Promise.resolve(0),
    waitPast: () => new Promise(() => undefined),
    ensureTopics: nothing,
    batch: () => new NullBatch(),
    append: nothing,
    room: nothing,
    join: () => Promise.resolve({ term: () => 0, landed: () => undefined, leave: nothing }),
    retain: nothing,
    close: nothing,
  };
}
