import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import type { Header, Log } from '../../src/log/log.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { scratch } from '../support/program.ts';
import { cli, type CliOptions } from './run-cli.ts';

interface Written {
  readonly value: string | Uint8Array;
  readonly key?: string | null;
  readonly headers?: readonly Header[];
}

interface Tailed {
  readonly log: Log;
  readonly dataDir: string;
  readonly setTime: (ms: number) => void;
  readonly append: (...records: readonly Written[]) => Promise<void>;
  readonly tail: (args: readonly string[], options?: CliOptions) => ReturnType<typeof cli>;
}

/** A log with the topic `t`, which this process writes. */
async function open(t: TestContext, partitions = 1): Promise<Tailed> {
  const dataDir = await scratch(t);
  let nowMs = Date.UTC(2026, 10, 20);
  const log = await openSegmentLog({ dir: join(dataDir, 'log'), now: () => nowMs });
  t.after(() => log.close());
  await log.ensureTopics([{ name: 't', partitions }]);
  return {
    log,
    dataDir,
    setTime: (ms) => (nowMs = ms),
    append: async (...records) => {
      const batch = log.batch();
      for (const { value, key = 'k', headers = [] } of records)
        batch.add({ topic: 't', key, value: Buffer.from(value as string), headers });
      await log.append(batch);
    },
    tail: (args, options) => cli(['tail', 't', ...args, '--data-dir', dataDir], options),
  };
}

const valuesOf = (stdout: string): readonly unknown[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { value: unknown }).value);

suite('tributary tail', { timeout: 240_000 }, () => {
  test('D4: follows each partition in order, from where it is told, as records come', async (t) => {
    const { append, tail, setTime } = await open(t, 3);
    for (let i = 0; i < 5; i++) await append({ value: `${i}` });
    setTime(Date.UTC(2026, 10, 21));
    for (let i = 5; i < 10; i++) await append({ value: `${i}` });
    const start = await tail(['--from', 'start', '--limit', '10', '--json']);
    assert.deepEqual(
      [start.code, start.stderr, valuesOf(start.stdout)],
      [0, '', Array.from({ length: 10 }, (_, i) => `${i}`)],
    );
    assert.deepEqual(valuesOf((await tail(['--from', '7', '--limit', '2', '--json'])).stdout), ['7', '8']);
    assert.deepEqual(valuesOf((await tail(['--from', '2026-11-21T00:00:00Z', '--limit', '1', '--json'])).stdout), [
      '5',
    ]);

    let shown = 0;
    const following = await tail(['--from', '8', '--json', '--limit', '22'], {
      onSpawn: (child) =>
        child.stdout.on('data', () => {
          if (shown++ === 0)
            void (async () => {
              for (let i = 10; i < 30; i++) await append({ value: `${i}` });
            })();
        }),
    });
    assert.deepEqual(
      valuesOf(following.stdout),
      Array.from({ length: 22 }, (_, i) => `${i + 8}`),
    );
  });

  test('shows a value by its schema, else as text, else in base64', async (t) => {
    const { append, tail, dataDir } = await open(t);
    const registry = await openFileRegistry({ dir: join(dataDir, 'registry') });
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'n', type: 'long' },
        { name: 's', type: 'string' },
      ],
    };
    const { id } = await registry.register('t-value', 'AVRO', JSON.stringify(schema));
    const codec = await createCodecs(registry).latest('t-value');
    const encoded = Buffer.from(codec.encode({ n: 7, s: '\u001B]0;x\u0007\u202E' }));
    const unknown = Buffer.from(encoded);
    unknown.writeUInt32BE(id + 1, 1);
    await append(
      {
        value: encoded,
        headers: [
          ['schemaId', String(id)],
          ['__proto__', Buffer.from([0xff])],
        ],
      },
      { value: 'text', key: null },
      { value: Buffer.from([0xff, 0xfe]) },
      { value: unknown },
      { value: encoded.subarray(0, 6) },
      { value: '' },
    );
    const json = (await tail(['--from', 'start', '--limit', '6', '--json'])).stdout;
    assert.doesNotMatch(json, /[\p{Bidi_Control}]|(?!\n)\p{Control}/u);
    const rows = json
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(rows[0], {
      topic: 't', partition: 0, offset: 0, time: '2026-11-20T00:00:00.000Z', key: 'k',
      headers: [{ name: 'schemaId', value: String(id) }, { name: '__proto__', valueBase64: '/w==' }],
      schemaId: id, value: { n: 7, s: '\u001B]0;x\u0007\u202E' },
    }); // prettier-ignore
    assert.deepEqual([rows[1]?.['value'], rows[1]?.['key']], ['text', null]);
    assert.equal(rows[2]?.['valueBase64'], '//4=');
    for (const row of [rows[3], rows[4]]) assert.equal(row?.['schemaId'], undefined);
    assert.equal(rows[5]?.['value'], '');
    const people = await tail(['--from', 'start', '--limit', '3']);
    assert.match(
      people.stdout,
      /^t-0 @ 0 {2}2026-11-20T00:00:00\.000Z {2}key=k {2}schemaId=1 {2}__proto__=base64:\/w==\n {2}\{"n":7/,
    );
    assert.match(people.stdout, /\n {2}text\n.*\n {2}base64:\/\/4=\n$/);
  });

  test('what others wrote reaches no terminal as it is', async (t) => {
    const { append, tail } = await open(t);
    const evil = '\u001B[2J\u009B31m\r\nroot# \u202E\u0000';
    await append({ value: evil, key: evil, headers: [[evil, evil]] }, { value: JSON.stringify({ [evil]: evil }) });
    for (const json of [[], ['--json']]) {
      const { stdout } = await tail(['--from', 'start', '--limit', '2', ...json]);
      assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Control}\p{Bidi_Control}]/u);
      assert.equal(stdout.trimEnd().split('\n').length, json.length === 0 ? 4 : 2);
    }
  });

  test('Ctrl-C ends it with exit code 130; it ends quietly when its reader has seen enough', async (t) => {
    const { append, tail } = await open(t);
    await append({ value: 'first' });
    const ended = await tail(['--from', 'start'], {
      onSpawn: (child) => child.stdout.once('data', () => child.kill('SIGINT')),
    });
    assert.deepEqual([ended.code, ended.stderr], [130, '']);
    await append(...Array.from({ length: 20_000 }, () => ({ value: 'x'.repeat(100) })));
    const left = await tail(['--from', 'start'], {
      onSpawn: (child) => child.stdout.once('data', () => child.stdout.destroy()),
    });
    assert.deepEqual([left.code, left.stderr], [0, '']);
  });

  test('one partition, where it is asked for', async (t) => {
    const { append, tail } = await open(t, 2);
    await append(...Array.from({ length: 50 }, (_, i) => ({ value: `${i}`, key: `${i}` })));
    const { stdout } = await tail(['--partition', '1', '--from', 'start', '--limit', '5', '--json']);
    assert.match(stdout, /^(?:\{"topic":"t","partition":1,[^\n]*\n){5}$/);
  });

  test('nonsense is told in one line', async (t) => {
    const { tail, dataDir } = await open(t);
    for (const [args, code, message] of [
      [['--from', 'yesterday'], 2, /Expected start, end, an offset, or a time/],
      [['--partition', '1'], 2, /the topic t has 1, counted from 0/],
    ] as const) {
      const ran = await tail(args);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, message);
      assert.match(ran.stderr, /^error: [^\n]+\n$/);
    }
    const unknown = await cli(['tail', 'tt', '--data-dir', dataDir]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /there is no topic "tt"; did you mean t\?/);
  });
});
