/** What every driver of the log promises, whatever stands behind it (src/log/log.ts). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { Log, LogReader, LogRecord, NewRecord, Page, TopicPartition } from '../../src/log/log.ts';
import { partitionFor } from '../../src/log/partition.ts';

/** One log, which can be closed and opened again. Tests use topics of their own. */
export interface LogDriver {
  open(): Promise<Log>;
  /** As another process would. */
  openReader(): Promise<LogReader>;
  dispose(): Promise<void>;
}

const MAX_BYTES = 1 << 20;
const utf8 = new TextEncoder();

const fault = (code: string) => (error: unknown) => isFault(error) && error.code === code;
const newTopic = (): string => `t-${randomUUID()}`;
const at = (topic: string, partition = 0): TopicPartition => ({ topic, partition });
const record = (topic: string, value: string, key: string | null = 'k'): NewRecord => ({
  topic,
  key,
  value: utf8.encode(value),
  headers: [],
});
const text = (records: readonly LogRecord[]): string[] => records.map((one) => one.value.toString());

async function append(log: Log, records: readonly NewRecord[]): Promise<void> {
  const batch = log.batch();
  for (const one of records) batch.add(one);
  await log.append(batch);
}

async function readAll(log: LogReader, from: TopicPartition, maxBytes = MAX_BYTES): Promise<LogRecord[]> {
  const { start, end } = await log.range(from);
  const records: LogRecord[] = [];
  for (let offset = start; offset < end;) {
    const page = await log.read(from, offset, { maxBytes });
    for (const one of page.records) {
      assert.ok(one.offset >= offset && one.offset < page.next, `${one.offset} is not from ${offset} to ${page.next}`);
      offset = one.offset + 1;
    }
    assert.ok(page.next >= offset, `the page ends at ${page.next}, before its records do`);
    assert.ok(page.next > (page.records[0]?.offset ?? offset), `nothing at ${offset}, before the end ${end}`);
    offset = page.next;
    records.push(...page.records);
  }
  return records;
}

/** The first page from `from` on that is not only a hole. */
async function nextPage(log: LogReader, place: TopicPartition, from: number, maxBytes = MAX_BYTES): Promise<Page> {
  const page = await log.read(place, from, { maxBytes });
  return page.records.length > 0 || page.next === from ? page : nextPage(log, place, page.next, maxBytes);
}

export function logContract(name: string, makeDriver: () => Promise<LogDriver>): void {
  suite(`the log contract: ${name}`, () => {
    let driver: LogDriver;
    let log: Log;
    const topicOf = async (partitions = 1): Promise<string> => {
      const topic = newTopic();
      await log.ensureTopics([{ name: topic, partitions }]);
      return topic;
    };
    before(async () => {
      driver = await makeDriver();
      log = await driver.open();
    });
    after(async () => {
      await log.close();
      await driver.dispose();
    });

    test('a record comes back as it went in', async () => {
      const topic = await topicOf();
      const value = Buffer.from([0, 255, 10, 13, 0]);
      const headers = [
        ['correlationId', 'ü€𐍈'],
        ['raw', Buffer.from([0, 128])],
        ['correlationId', ''],
      ] as const;
      await append(log, [
        { topic, key: 'key ü€𐍈', value, headers },
        { topic, key: null, value: Buffer.alloc(0), headers: [] },
        { topic, key: '', value: Buffer.alloc(0), headers: [] },
      ]);
      const records = await readAll(log, at(topic));
      assert.deepEqual(
        records.map(({ key, value: read, headers: readHeaders }) => ({ key, read, readHeaders })),
        [
          {
            key: 'key ü€𐍈',
            read: value,
            readHeaders: headers.map(([header, content]) => [header, Buffer.from(content as string)]),
          },
          { key: null, read: Buffer.alloc(0), readHeaders: [] },
          { key: '', read: Buffer.alloc(0), readHeaders: [] },
        ],
      );
    });

    test('a batch copies what it is given, and says what it holds', async () => {
      const topic = await topicOf();
      const value = Buffer.from('before');
      const batch = log.batch();
      assert.equal(batch.count, 0);
      batch.add({ topic, key: null, value, headers: [['h', value]] });
      value.fill('x');
      assert.equal(batch.count, 1);
      assert.ok(batch.bytes >= 12);
      await log.append(batch);
      const [read] = await readAll(log, at(topic));
      assert.equal(read?.value.toString(), 'before');
      assert.equal(read.headers[0]?.[1].toString(), 'before');
    });

    test('an empty batch is appended at once and leaves nothing', async () => {
      const topic = await topicOf();
      await log.append(log.batch());
      assert.deepEqual(await log.range(at(topic)), { start: 0, end: 0 });
      assert.deepEqual(await log.read(at(topic), 0, { maxBytes: MAX_BYTES }), { records: [], next: 0 });
    });

    test('who is alone in its group is given every partition', async () => {
      const topic = newTopic();
      await log.ensureTopics([{ name: topic, partitions: 3 }]);
      const given: string[] = [];
      const failures: unknown[] = [];
      const member = await log.join({
        consumer: `alone-${topic}`,
        topic,
        stateId: async () => 'state',
        onAssigned: (partitions) => given.push(partitions.map(({ partition }) => partition).join(' ')),
        onError: (error) => failures.push(error),
      });
      await waitFor(async () => given.at(-1) === '0 1 2');
      await member.leave();
      assert.deepEqual([given, failures], [['0 1 2'], []]);
    });

    test('D1: when append resolves, all of the batch is there, in every topic and partition', async () => {
      const [a, b] = [await topicOf(3), await topicOf(1)];
      const records = Array.from({ length: 60 }, (_, i) => record(i % 2 ? a : b, `v${i}`, `key ${i}`));
      await append(log, records);
      const seen: string[] = [];
      for (const [topic, partition] of [
        [a, 0],
        [a, 1],
        [a, 2],
        [b, 0],
      ] as const)
        seen.push(...text(await readAll(log, at(topic, partition))));
      assert.deepEqual(seen.toSorted(), records.map((one) => Buffer.from(one.value).toString()).toSorted());
    });

    test('D4: appends of many producers keep the order of each, and batches stay together', async () => {
      const topic = await topicOf();
      const produce = async (producer: number): Promise<void> => {
        for (let i = 0; i < 25; i += 1)
          await append(log, [record(topic, `${producer}:${i}a`), record(topic, `${producer}:${i}b`)]);
      };
      await Promise.all(Array.from({ length: 8 }, (_, producer) => produce(producer)));
      const all = text(await readAll(log, at(topic), 300));
      for (let producer = 0; producer < 8; producer += 1)
        assert.deepEqual(
          all.filter((value) => value.startsWith(`${producer}:`)),
          Array.from({ length: 50 }, (_, i) => `${producer}:${i >> 1}${i % 2 ? 'b' : 'a'}`),
        );
      for (let i = 0; i < all.length; i += 2)
        assert.equal(all[i]?.slice(0, -1), all[i + 1]?.slice(0, -1), 'a batch stays together');
    });

    test("keys go where Kafka's partitioner puts them; records without a key spread evenly", async () => {
      const topic = await topicOf(4);
      const keys = Array.from({ length: 40 }, (_, i) => `account-${i}`);
      await append(
        log,
        keys.map((key) => record(topic, key, key)),
      );
      for (let partition = 0; partition < 4; partition += 1)
        assert.deepEqual(
          text(await readAll(log, at(topic, partition))),
          keys.filter((key) => partitionFor(key, 4) === partition),
        );
      const unkeyed = await topicOf(4);
      for (let i = 0; i < 200; i += 1) await append(log, [record(unkeyed, 'v', null)]);
      for (let partition = 0; partition < 4; partition += 1) {
        const { length } = await readAll(log, at(unkeyed, partition));
        assert.ok(length >= 20, `partition ${partition} has ${length} of 200`);
      }
    });

    test('read answers at least one record, then up to maxBytes', async () => {
      const topic = await topicOf();
      await append(
        log,
        Array.from({ length: 10 }, (_, i) => record(topic, String(i).repeat(1000))),
      );
      const { offset } = (await readAll(log, at(topic)))[3]!;
      assert.equal((await log.read(at(topic), offset, { maxBytes: 1 })).records.length, 1);
      const { records, next } = await log.read(at(topic), offset, { maxBytes: 5000 });
      assert.ok(records.length >= 2 && records.length <= 5, `${records.length}`);
      assert.equal(records[0]?.offset, offset);
      assert.equal(text((await nextPage(log, at(topic), next, 1)).records)[0]?.[0], `${3 + records.length}`);
      assert.equal((await readAll(log, at(topic), 1)).length, 10);
    });

    test('offsets that do not exist are refused, the end is not', async () => {
      const topic = await topicOf();
      await append(log, [record(topic, 'v')]);
      const { end } = await log.range(at(topic));
      assert.deepEqual(await log.read(at(topic), end, { maxBytes: MAX_BYTES }), { records: [], next: end });
      await assert.rejects(log.read(at(topic), end + 1, { maxBytes: MAX_BYTES }), fault('OFFSET_OUT_OF_RANGE'));
      await assert.rejects(log.read(at(topic), -1, { maxBytes: MAX_BYTES }), fault('OFFSET_OUT_OF_RANGE'));
    });

    test('topics that do not exist are refused', async () => {
      const topic = await topicOf(2);
      const missing = newTopic();
      assert.throws(() => log.batch().add(record(missing, 'v')), fault('TOPIC_UNKNOWN'));
      await assert.rejects(log.range(at(missing)), fault('TOPIC_UNKNOWN'));
      await assert.rejects(log.range(at(topic, 2)), fault('TOPIC_UNKNOWN'));
      await assert.rejects(log.read(at(missing), 0, { maxBytes: 1 }), fault('TOPIC_UNKNOWN'));
    });

    test('topics are made once; partitions can be added, not taken away', async () => {
      const topic = await topicOf(1);
      await append(log, [record(topic, 'v')]);
      await Promise.all([
        log.ensureTopics([{ name: topic, partitions: 3 }]),
        log.ensureTopics([{ name: topic, partitions: 3 }]),
      ]);
      assert.deepEqual(
        (await log.topics()).find((one) => one.name === topic),
        { name: topic, partitions: 3 },
      );
      assert.deepEqual(text(await readAll(log, at(topic, 0))), ['v']);
      assert.deepEqual(await log.range(at(topic, 2)), { start: 0, end: 0 });
      await assert.rejects(log.ensureTopics([{ name: topic, partitions: 2 }]), fault('TOPIC_MISMATCH'));
    });

    test('a record of many megabytes, and a batch of many', async () => {
      const topic = await topicOf();
      const value = Buffer.alloc(700_000, 'large');
      await append(
        log,
        Array.from({ length: 8 }, () => ({ topic, key: null, value, headers: [] })),
      );
      const large = Buffer.alloc(5 << 20, 'larger');
      await append(log, [{ topic, key: 'k', value: large, headers: [] }]);
      const records = await readAll(log, at(topic));
      assert.equal(records.length, 9);
      assert.ok(records.every((one, i) => one.value.equals(i < 8 ? value : large)));
    });

    test('time does not go back, and finds offsets', async () => {
      const topic = await topicOf();
      const startMs = Date.now();
      for (let i = 0; i < 20; i += 1) {
        await append(log, [record(topic, `${i}`)]);
        if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      }
      const records = await readAll(log, at(topic));
      assert.ok(records[0]!.timeMs >= startMs - 1000 && records[19]!.timeMs <= Date.now() + 1000);
      for (let i = 1; i < 20; i += 1) assert.ok(records[i]!.timeMs >= records[i - 1]!.timeMs);
      for (const { timeMs } of records)
        assert.equal(await log.offsetAtTime(at(topic), timeMs), records.find((one) => one.timeMs >= timeMs)?.offset);
      assert.equal(await log.offsetAtTime(at(topic), 0), records[0]?.offset);
      const { end } = await log.range(at(topic));
      assert.equal(await log.offsetAtTime(at(topic), records[19]!.timeMs + 60_000), end);
    });

    test('waitPast resolves when the record is there', async () => {
      const topic = await topicOf();
      await append(log, [record(topic, 'first')]);
      const { signal } = new AbortController();
      await log.waitPast(at(topic), 0, signal);
      const { end } = await log.range(at(topic));
      const waiting = log.waitPast(at(topic), end, signal).then(() => nextPage(log, at(topic), end));
      await append(log, [record(topic, 'second')]);
      assert.deepEqual(text((await waiting).records), ['second']);
    });

    test("waitPast rejects with the signal's reason", async () => {
      const topic = await topicOf();
      const controller = new AbortController();
      const waiting = log.waitPast(at(topic), 0, controller.signal);
      const reason = new Error('enough');
      controller.abort(reason);
      await assert.rejects(waiting, (error) => error === reason);
      await assert.rejects(log.waitPast(at(topic), 0, controller.signal), (error) => error === reason);
    });

    test('a batch whose signal is aborted before it is handed on is refused, and nothing of it stays', async () => {
      const topic = await topicOf();
      const batch = log.batch();
      batch.add(record(topic, 'v'));
      await assert.rejects(log.append(batch, { signal: AbortSignal.abort() }), fault('BUSY'));
      await append(log, [record(topic, 'after')]);
      assert.deepEqual(text(await readAll(log, at(topic))), ['after']);
    });

    test('there is room in an idle log, and none for an aborted signal', async () => {
      await log.room(new AbortController().signal);
      await assert.rejects(log.room(AbortSignal.abort()), fault('BUSY'));
    });

    test('another process reads the same, and sees what comes', async () => {
      const topic = await topicOf(2);
      await append(log, [record(topic, 'first', 'a')]);
      const partition = partitionFor('a', 2);
      const reader = await driver.openReader();
      try {
        const { signal } = new AbortController();
        assert.equal(reader.id, log.id);
        await reader.waitPast(at(topic, partition), 0, signal);
        assert.deepEqual(text(await readAll(reader, at(topic, partition))), ['first']);
        const { end } = await reader.range(at(topic, partition));
        const waiting = reader.waitPast(at(topic, partition), end, signal);
        await append(log, [record(topic, 'second', 'a')]);
        await waiting;
        assert.deepEqual(text(await readAll(reader, at(topic, partition))), ['first', 'second']);
        const later = await topicOf();
        await append(log, [record(later, 'third')]);
        await waitFor(async () => (await reader.topics()).some((one) => one.name === later));
        await reader.waitPast(at(later), 0, signal);
        assert.deepEqual(text(await readAll(reader, at(later))), ['third']);
      } finally {
        await reader.close();
      }
    });

    test('D1, D4: whatever is appended, in whatever batches, is there after reopening, with the same id and offsets', async () => {
      const batches = fc.array(
        fc.array(
          fc.record({
            key: fc.option(fc.string({ unit: 'grapheme', maxLength: 8 })),
            value: fc.uint8Array({ maxLength: 300 }),
            headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 5 })), { maxLength: 3 }),
          }),
          { maxLength: 20 },
        ),
        { maxLength: 8 },
      );
      await fc.assert(
        fc.asyncProperty(batches, async (appended) => {
          const topic = await topicOf(2);
          await Promise.all(
            appended.map((records) =>
              append(
                log,
                records.map((one) => ({ ...one, topic })),
              ),
            ),
          );
          const first = [await readAll(log, at(topic, 0)), await readAll(log, at(topic, 1), 100)];
          assert.equal(first.flat().length, appended.flat().length);
          const keyed = first.map((records) => records.filter((one) => one.key !== null).map(comparable));
          const expected = [0, 1].map((partition) =>
            appended
              .flat()
              .filter(({ key }) => key !== null && partitionFor(key, 2) === partition)
              .map(comparable),
          );
          assert.deepEqual(keyed, expected);
          const { id } = log;
          await log.close();
          log = await driver.open();
          assert.equal(log.id, id);
          assert.deepEqual([await readAll(log, at(topic, 0), 100), await readAll(log, at(topic, 1))], first);
        }),
        { numRuns: 25 },
      );
    });
  });
}

interface Comparable {
  readonly key: string | null;
  readonly value: Uint8Array;
  readonly headers: readonly (readonly [string, Uint8Array])[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const comparable = ({ key, value, headers }: Comparable): unknown => [
  key,
  hex(value),
  headers.map(([name, content]) => [name, hex(content)]),
];

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
