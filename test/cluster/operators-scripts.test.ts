/** `scripts/create-topics.sh` and `scripts/create-connectors.sh` on a real Kafka and a real Kafka Connect worker, which tests share. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { connect } from '../../src/services/connect.ts';
import { kafka } from '../../src/services/kafka.ts';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { appendTexts, newTopic, topicOf } from '../support/kafka-records.ts';
import { scratch } from '../support/program.ts';
import { runScript } from '../support/run-script.ts';
import { untilAnswered } from '../support/until-answered.ts';

suite('create-topics.sh', { timeout: 120_000 }, () => {
  test('makes what is listed, and nothing the second time; tells what differs', async (t) => {
    const list = join(await scratch(t), 'topics');
    const [one, two] = [newTopic(), newTopic()];
    const run = async (text: string) => {
      await writeFile(list, text);
      return runScript('create-topics.sh', ['--brokers', kafka.address, list]);
    };
    const first = await run(`${one}:2:1\n${two},1,1 # small\n`);
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.stdout, `${one}: created, with 2 partitions\n${two}: created, with 1 partitions\n`);
    const again = await run(`${one}:2:1\n${two}:1:1\n`);
    assert.deepEqual([again.code, again.stdout.match(/is there/g)?.length], [0, 2], again.stdout + again.stderr);
    const fewer = await run(`${one}:1:1\n`);
    assert.equal(fewer.code, 1);
    assert.match(fewer.stdout, /: differs: it has 2 partitions, and 1 are listed/);
  });

  test('says what it needs', async () => {
    for (const [args, message] of [
      [[], /neither --brokers nor KAFKA_BROKERS/],
      [['--brokers'], /needs host:port/],
      [['--brokers', 'a:1', 'b', 'c'], /one list/],
    ] as const) {
      const ran = await runScript('create-topics.sh', args);
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, message);
    }
  });
});

suite('create-connectors.sh', { timeout: 180_000 }, () => {
  test('makes a connector that brings records of a topic into a file, once; tells what differs, and changes it where told to', async (t) => {
    const dir = await scratch(t);
    const log = await openLog(sharedBroker);
    t.after(() => log.close());
    const topic = await topicOf(log);
    await appendTexts(log, topic, ['{"one":1}', 'two, "äöü"']);
    const name = `test-${randomUUID()}`;
    t.after(async () => void (await fetch(`${connect.address}/connectors/${name}`, { method: 'DELETE' })));
    const out = join(dir, 'records.txt');
    const file = join(dir, `${name}.json`);
    const listed = JSON.parse(
      await readFile(join(import.meta.dirname, '../../connectors/dead-letters-file.json'), 'utf8'),
    ) as Record<string, string>;
    const run = async (more: Readonly<Record<string, string>>, ...args: readonly string[]) => {
      await writeFile(file, JSON.stringify({ ...listed, 'topics.regex': topic, file: out, ...more }, undefined, 2));
      return runScript('create-connectors.sh', [...args, file], { CONNECT_URL: connect.address });
    };
    const first = await run({});
    assert.deepEqual([first.code, first.stdout], [0, `${name}: created, RUNNING RUNNING\n`], first.stderr);
    const again = await run({});
    assert.deepEqual([again.code, again.stdout], [0, `${name}: is there, RUNNING RUNNING\n`], again.stderr);
    const lines = await untilAnswered(async () => {
      const text = await readFile(out, 'utf8');
      assert.equal(text.split('\n').length, 3);
      return text;
    });
    assert.equal(lines, '{"one":1}\ntwo, "äöü"\n');

    const more = { 'errors.log.enable': 'true', 'some.password': 's3cret', label: 'a, "b": {c} \\ =' };
    const told = await run(more);
    assert.equal(told.code, 1);
    assert.equal(
      told.stdout,
      `${name}: differs\n  errors.log.enable: nothing there, true in the file\n  label: nothing there, a, \\"b\\": {c} \\\\ = in the file\n` +
        '  some.password: nothing there, *** in the file\n',
    );
    const changed = await run(more, '--apply');
    assert.deepEqual([changed.code, changed.stdout], [0, `${name}: changed, RUNNING RUNNING\n`], changed.stderr);
    assert.match((await run(more)).stdout, /is there, RUNNING RUNNING/);
    assert.match((await run({})).stdout, /label: a, .* there, nothing in the file/);
  });

  test('tells what the worker refuses, and a connector that has failed', async (t) => {
    const dir = await scratch(t);
    const run = async (settings: Readonly<Record<string, string>>) => {
      const name = `test-${randomUUID()}`;
      t.after(async () => void (await fetch(`${connect.address}/connectors/${name}`, { method: 'DELETE' })));
      await writeFile(join(dir, `${name}.json`), JSON.stringify(settings));
      return runScript('create-connectors.sh', ['--url', connect.address, join(dir, `${name}.json`)]);
    };
    const unknown = await run({ 'connector.class': 'NoSuchConnector', topics: 'none' });
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /refused \(\d+\): .*NoSuchConnector/);
    const failing = await run({
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      topics: newTopic(),
      file: dir, // a directory is no file
    });
    assert.equal(failing.code, 1, failing.stdout);
    assert.match(failing.stdout, /: created, RUNNING FAILED$/m);
  });

  test('says what it needs, and when nothing answers, without the password', async (t) => {
    const file = join(await scratch(t), 'a.json');
    await writeFile(file, '{}');
    for (const [args, code, message] of [
      [['--nonsense'], 2, /there is no option/],
      [['--url', 'nothing'], 2, /begins neither/],
      [[`${file}x`], 2, /cannot be read/],
      [['--url', 'http://me:s3cret@127.0.0.1:1', file], 1, /cannot be reached/],
    ] as const) {
      const ran = await runScript('create-connectors.sh', args);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, message);
      assert.doesNotMatch(ran.stderr, /s3cret/);
    }
    assert.match((await runScript('create-connectors.sh', ['--help'])).stdout, /^usage: /);
  });
});
