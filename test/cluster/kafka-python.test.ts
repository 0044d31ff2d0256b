/** Another client, which we did not write, reads what we append, and we read what it sends: librdkafka's for Python. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { appendTexts, topicOf } from '../support/kafka-records.ts';
import { recordsIn } from '../support/records-in.ts';
import { cleanEnvironment } from '../support/program.ts';
import { pythonWith } from '../support/python.ts';

const requirement = 'confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.0';
const run = promisify(execFile);

suite('a Kafka client that we did not write', { timeout: 480_000 }, () => {
  test('reads key, value, headers and time as they went in, and is read whatever way it compresses', async (t) => {
    const found = await pythonWith(requirement);
    if ('missing' in found) {
      t.skip(found.missing);
      return;
    }
    const log = await openLog(sharedBroker);
    t.after(() => log.close());
    const topic = await topicOf(log);
    const startedMs = Date.now();
    const batch = log.batch();
    batch.add({
      topic,
      key: 'ü€',
      value: Buffer.from([0, 255]),
      headers: [
        ['correlationId', 'ü'],
        ['raw', Buffer.from([0])],
      ],
    });
    batch.add({ topic, key: null, value: Buffer.alloc(0), headers: [] });
    await log.append(batch);
    const many = Array.from({ length: 300 }, (_, i) => `text ${i}`);
    await appendTexts(log, topic, many);

    const script = join(import.meta.dirname, 'kafka-client.py');
    const { host, port } = sharedBroker;
    const { stdout } = await run(found.python, [script, `${host}:${port}`, topic, '302'], {
      env: cleanEnvironment(),
      timeout: 60_000,
    });
    const read = stdout
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            key: string | null;
            value: string;
            headers: [string, string][];
            timestamp: [number, number];
          },
      );
    assert.deepEqual(
      read.slice(0, 2).map(({ key, value, headers }) => ({ key, value, headers })),
      [
        {
          key: Buffer.from('ü€').toString('hex'),
          value: '00ff',
          headers: [
            ['correlationId', 'c3bc'],
            ['raw', '00'],
          ],
        },
        { key: null, value: '', headers: [] },
      ],
    );
    assert.deepEqual(
      read.slice(2).map(({ value }) => Buffer.from(value, 'hex').toString()),
      many,
    );
    const logAppendTime = 2;
    for (const { timestamp } of read) {
      assert.equal(timestamp[0], logAppendTime);
      assert.ok(timestamp[1] >= startedMs - 1000 && timestamp[1] <= Date.now() + 1000);
    }

    const theirs = (await recordsIn(log, { topic, partition: 0 })).slice(302);
    assert.deepEqual(
      theirs.map(({ key, headers }) => [key, headers.map(([name, value]) => [name, value.toString('hex')])]),
      ['none', 'gzip', 'snappy', 'lz4', 'zstd'].flatMap((compression) =>
        [0, 1, 2].map((i) => [
          `${compression} ${i}`,
          [
            ['h', '00ff'],
            ['none', ''],
          ],
        ]),
      ),
    );
    for (const { value } of theirs) assert.equal(value.toString(), 'compressed '.repeat(50));
  });
});
