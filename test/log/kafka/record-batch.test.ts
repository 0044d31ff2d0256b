/** Record batches: what we write the client's own reader takes, what its writer makes we read, and damage is told. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka';
import * as fc from 'fast-check';
import { isFault } from '../../../src/errors.ts';
import { KafkaBatch, Turns } from '../../../src/log/kafka/kafka-batch.ts';
import { encodeRecordBatch, readRecordBatches } from '../../../src/log/kafka/record-batch.ts';
import { readVarint, varintBytes, writeVarint } from '../../../src/log/kafka/varint.ts';
import type { NewRecord } from '../../../src/log/log.ts';

const producer = { id: 2n ** 40n, epoch: 7 };
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const newRecords = fc.array(
  fc.record({
    topic: fc.constant('t'),
    key: fc.option(text),
    value: fc.uint8Array({ maxLength: 3_000 }),
    headers: fc.array(fc.tuple(text, fc.oneof(text, fc.uint8Array({ maxLength: 9 }))), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 200 },
);

const hex = (value: string | Uint8Array): string => Buffer.from(value as string).toString('hex');
const comparable = ({ key, value, headers }: Omit<NewRecord, 'topic'>): unknown => [
  key,
  hex(value),
  headers.map(([name, content]) => [name, hex(content)]),
];

function encoded(records: readonly NewRecord[], timeMs = 1_700_000_000_000): Buffer {
  const batch = new KafkaBatch(() => 1, new Turns());
  for (const one of records) batch.add(one);
  assert.equal(batch.count, records.length);
  const chunks = [...batch.parts()].flatMap((part) => part.chunks);
  return encodeRecordBatch(chunks, producer, { sequence: 5, timeMs, isTransactional: true });
}

function valuesIn(batch: KafkaBatch): string[] {
  const at = { sequence: 0, timeMs: 1, isTransactional: true };
  const written = [...batch.parts()].map(({ chunks }) => encodeRecordBatch(chunks, producer, at));
  const batches = written.flatMap((bytes) => [...readRecordBatches(bytes, 't/0')]);
  return batches.flatMap((one) => one.records().map(({ value }) => hex(value))).toSorted();
}

suite("Kafka's record batches", () => {
  test('D1: memory that a stored batch gives back is of no batch that is still on its way', () => {
    const turns = new Turns();
    const filled = (values: readonly Buffer[]): KafkaBatch => {
      const batch = new KafkaBatch(() => 3, turns);
      for (const value of values) batch.add({ topic: 't', key: null, value, headers: [] });
      return batch;
    };
    const values = fc.array(
      fc.tuple(fc.nat(255), fc.nat(100_000)).map(([byte, size]) => Buffer.alloc(size, byte)),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(values, fc.boolean()), { maxLength: 8 }), (packages) => {
        const open: { readonly batch: KafkaBatch; readonly expected: readonly string[] }[] = [];
        for (const [own, isStored] of packages) {
          open.push({ batch: filled(own), expected: own.map(hex).toSorted() });
          if (!isStored) continue;
          const { batch, expected } = open.shift()!;
          assert.deepEqual(valuesIn(batch), expected);
          batch.release();
          assert.deepEqual([...batch.parts()], []);
        }
        for (const { batch, expected } of open) assert.deepEqual(valuesIn(batch), expected);
      }),
      { numRuns: 60 },
    );
  });

  test('what was added is read, in order, by us and by the client', () => {
    fc.assert(
      fc.property(newRecords, (records) => {
        const bytes = encoded(records);
        const [batch] = [...readRecordBatches(bytes, 't-0')];
        assert.deepEqual(batch!.records().map(comparable), records.map(comparable));
        assert.deepEqual([batch!.next, batch!.producerId, batch!.control], [records.length, producer.id, undefined]);
        const theirs = readRecordsBatch(Reader.from(bytes));
        assert.deepEqual([theirs.producerEpoch, theirs.firstSequence, theirs.records.length], [7, 5, records.length]);
        for (const [i, one] of theirs.records.entries()) {
          assert.equal(one.offsetDelta, i);
          assert.equal(hex(one.value ?? Buffer.alloc(0)), hex(records[i]!.value));
        }
      }),
    );
  });

  test('what the client writes is read, each record at its own time', () => {
    const messages = [
      {
        key: Buffer.from('a'),
        value: Buffer.from('1'),
        topic: 't',
        timestamp: 1_000n,
        headers: new Map([[Buffer.from('h'), Buffer.from('x')]]),
      },
      { value: Buffer.from('2'), topic: 't', timestamp: 900n },
      { key: Buffer.from('c'), value: Buffer.from('3'), topic: 't', timestamp: 61_000n },
    ];
    const [batch] = [...readRecordBatches(createRecordsBatch(messages).buffer, 't-0')];
    assert.deepEqual(
      batch!.records().map(({ offset, timeMs, key, value }) => [offset, timeMs, key, value.toString()]),
      [
        [0, 1_000, 'a', '1'],
        [1, 900, null, '2'],
        [2, 61_000, 'c', '3'],
      ],
    );
  });

  test('a batch that is there in part is left; each flipped bit of its records is told', () => {
    const bytes = encoded([{ topic: 't', key: 'k', value: Buffer.alloc(40, 1), headers: [] }]);
    const two = Buffer.concat([bytes, bytes]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (cut) => {
        assert.equal([...readRecordBatches(two.subarray(0, bytes.length + cut), 't-0')].length, 1);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 17, max: bytes.length - 1 }), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= 1 << bit;
        assert.throws(
          () => [...readRecordBatches(damaged, 't-0')],
          (error) => isFault(error, 'LOG_ROTTEN'),
        );
      }),
    );
  });

  test('numbers of variable length come back, and take as many bytes as they say', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
        const bytes = Buffer.alloc(10);
        const next = writeVarint(bytes, 1, value);
        assert.equal(next - 1, varintBytes(value));
        assert.deepEqual(readVarint(bytes, 1), { value, next });
      }),
    );
    assert.throws(() => readVarint(Buffer.from([0x80]), 0), RangeError);
  });
});
