/** What is committed of a page, wherever it begins and however transactions of several producers lie in it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { committedRecords } from '../../../src/log/kafka/committed-records.ts';
import type { ReadBatch } from '../../../src/log/kafka/record-batch.ts';
import type { LogRecord } from '../../../src/log/log.ts';

interface Step {
  readonly producer: number;
  readonly does: 'send' | 'commit' | 'abort' | 'plain';
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  producer: fc.nat(2),
  does: fc.constantFrom('send', 'send', 'commit', 'abort', 'plain'),
  count: fc.integer({ min: 1, max: 4 }),
});

interface Transaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
  readonly offsets: number[];
}

/** A partition as brokers have it: batches, the transactions that were aborted and where their ends stand, and what was committed. */
function partitionOf(steps: readonly Step[]) {
  const batches: ReadBatch[] = [];
  const open = new Map<number, Transaction>();
  const aborted: (Transaction & { readonly endOffset: number })[] = [];
  const committed: number[] = [];
  let next = 0;
  const add = (producer: number, count: number, kind: 'plain' | 'transaction' | 'commit' | 'abort'): number[] => {
    const offsets = Array.from({ length: count }, (_, i) => next + i);
    const control = kind === 'commit' || kind === 'abort' ? kind : undefined;
    const records = (): LogRecord[] =>
      offsets.map((offset) => ({ offset, timeMs: 0, key: null, value: Buffer.alloc(0), headers: [] }));
    const isTransactional = kind !== 'plain';
    batches.push({
      baseOffset: next,
      next: next + count,
      producerId: BigInt(producer),
      isTransactional,
      control,
      records,
    });
    next += count;
    return offsets;
  };
  const end = (producer: number, how: 'commit' | 'abort'): void => {
    const transaction = open.get(producer);
    if (transaction === undefined) return;
    open.delete(producer);
    const [endOffset] = add(producer, 1, how);
    if (how === 'commit') committed.push(...transaction.offsets);
    else aborted.push({ ...transaction, endOffset: endOffset! });
  };
  for (const { producer, does, count } of steps) {
    if (does === 'plain') committed.push(...add(9, count, 'plain'));
    else if (does === 'send') {
      const offsets = add(producer, count, 'transaction');
      const transaction = open.get(producer);
      if (transaction) transaction.offsets.push(...offsets);
      else open.set(producer, { producerId: BigInt(producer), firstOffset: offsets[0]!, offsets: [...offsets] });
    } else end(producer, does);
  }
  for (const producer of open.keys()) end(producer, 'abort');
  return { batches, aborted, committed: committed.toSorted((a, b) => a - b), end: next };
}

suite('committed records', () => {
  test('D1: read in pages of any size, just what was committed comes, once', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (steps, sizes) => {
          const { batches, aborted, committed, end } = partitionOf(steps);
          const found: number[] = [];
          for (let from = 0, turn = 0; from < end; turn += 1) {
            const first = batches.findIndex((batch) => batch.next > from);
            const page = batches.slice(first, first + sizes[turn % sizes.length]!);
            const last = page.at(-1)!.next;
            // As a broker tells: those that reach into the page.
            const told = aborted.filter(
              ({ firstOffset, endOffset }) => firstOffset < last && endOffset >= page[0]!.baseOffset,
            );
            const { records, next } = committedRecords(page, told.toReversed(), { from, to: end });
            found.push(...records.map(({ offset }) => offset));
            assert.equal(next, last);
            from = next;
          }
          assert.deepEqual(found, committed);
        },
      ),
    );
  });

  test('a page that begins within a batch has what comes from there on; nothing that is undecided is looked at', () => {
    const { batches } = partitionOf([
      { producer: 0, does: 'plain', count: 4 },
      { producer: 0, does: 'plain', count: 4 },
    ]);
    const { records, next } = committedRecords(batches, [], { from: 2, to: 4 });
    assert.deepEqual(
      records.map(({ offset }) => offset),
      [2, 3],
    );
    assert.equal(next, 4);
  });
});
