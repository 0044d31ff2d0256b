/** What lands of packages sent to the real program: rows with all their columns, object keys and exact lines, dead letters. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { attachEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { collectEvent, packageOf, someUuid, stampNames } from '../support/collect-event.ts';
import { type PackageAnswer, taken } from '../support/http-request.ts';
import { caughtUp, deadLettersOf, eventLinesOf, type LandedLine, objectsOf } from '../support/landed.ts';
import { type Program, startProgram } from '../support/program.ts';

const names = stampNames();
const context = { accountId: someUuid, userId: someUuid };

/** In its package. */
const indexOf = (id: string): number => Number.parseInt(id.slice(30), 16);

/** As the message framework encodes it. */
const encoded = (stamp: unknown): string => JSON.stringify([{ id: 'older', accountId: 'x', dispatchedAt: 'x' }, stamp]);

interface Row {
  readonly time: string;
  readonly message: string;
  readonly id: string;
  readonly type: string;
  readonly target: string;
  readonly account: string;
  readonly user: string;
  readonly data: string;
}

interface StoredEvent {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly correlationId: string; readonly publishTime: string; readonly schemaId: number };
}

suite('what lands of collect', () => {
  let dataDir: string;
  let program: Program;
  let warehouse: Warehouse | undefined;

  /** Everything of one package once it has landed, by index. */
  async function land(events: readonly string[]): Promise<{
    answer: PackageAnswer;
    rows: ReadonlyMap<number, Row>;
    lines: ReadonlyMap<number, LandedLine>;
  }> {
    const answer = await taken(program.url, packageOf(events));
    const { packageId } = answer;
    const prefix = packageId.slice(0, 30);
    await caughtUp(dataDir);
    warehouse ??= await attachEmbeddedWarehouse({ dir: join(dataDir, 'postgres') });
    const { rows } = await warehouse.pool.query<Row>(
      `SELECT to_char(timestamp_stamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS time, message_id_stamp AS message,
           correlation_id AS id, type, target_subscription AS target, new_context_account_id AS account,
           new_context_user_id AS user, data::text AS data
       FROM events WHERE correlation_id BETWEEN $1 AND $2`,
      [packageId, `${prefix}ffffff`],
    );
    const lines = await eventLinesOf(dataDir);
    return {
      answer,
      rows: new Map(rows.map((row) => [indexOf(row.id), row])),
      lines: new Map([...lines].filter(([id]) => id.startsWith(prefix)).map(([id, line]) => [indexOf(id), line])),
    };
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-collect-landing-'));
    program = await startProgram({ dataDir });
  });
  after(async () => {
    await warehouse?.close();
    await program.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('an event: its row, its object, its line (D2, D3)', async () => {
    const event = JSON.stringify({
      data: { id: 'a', amount: 2.5, more: [1, { b: null }] },
      attributes: {
        type: 'App\\Event\\Paid',
        targetSubscription: 'billing',
        'Content-Type': 'application/json',
        [names.newContext]: {
          accountId: '65F1A2B3C4D5E6F708192A3B',
          userId: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
          requestPlatform: 'ios',
        },
        [names.timestamp]: '2026-12-31T23:59:59.1234567-05:30',
        [names.messageId]: '0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B',
        [names.amplitudeTrack]: { id: 7, trackedDevice: 'phone' },
      },
    });
    const beforeMs = Date.now();
    const { answer, rows, lines } = await land([event]);
    assert.deepEqual(rows.get(0), {
      time: '2027-01-01 05:29:59.123456',
      message: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
      id: answer.packageId,
      type: 'App\\Event\\Paid',
      target: 'billing',
      account: '00000000-65f1-a2b3-c4d5-e6f708192a3b',
      user: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      data: '{"id": "a", "more": [1, {"b": null}], "amount": 2.5}',
    });
    const { key, line } = lines.get(0)!;
    assert.match(key, /^events\/date=2027-01-01\/type=App%5CEvent%5CPaid\/events\.raw-\d+-\d+\.json$/);
    const { metadata } = JSON.parse(line) as StoredEvent;
    const published = Date.parse(metadata.publishTime);
    assert.ok(published >= beforeMs && published <= Date.now());
    assert.match(metadata.publishTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Number.isInteger(metadata.schemaId));
    const attributes =
      '{"timestampStamp":"2026-12-31T23:59:59.1234567-05:30","messageIdStamp":"0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B",' +
      String.raw`"type":"App\\Event\\Paid","targetSubscription":"billing",` +
      '"newContextStamp":{"accountId":"65F1A2B3C4D5E6F708192A3B","userId":"7ZZZZZZZZZZZZZZZZZZZZZZZZZ","requestPlatform":"ios"},' +
      '"amplitudeTrackStamp":{"id":7,"trackedDevice":"phone"}}';
    const data = '{"id":"a","amount":2.5,"more":[1,{"b":null}]}';
    const meta = JSON.stringify({
      correlationId: answer.packageId,
      publishTime: metadata.publishTime,
      schemaId: metadata.schemaId,
    });
    assert.equal(line, `{"data":${data},"attributes":${attributes},"metadata":${meta}}`);
  });

  test('all variants of one event mean the same', async () => {
    const time = '2026-11-21T10:00:00.000Z';
    const canonical = {
      type: 't',
      targetSubscription: 's',
      [names.newContext]: context,
      [names.timestamp]: time,
      [names.messageId]: someUuid,
    };
    const data = { id: 'a', amount: 1 };
    const variants: readonly object[] = [
      { data, attributes: canonical },
      { data, headers: canonical },
      { data, headers: { ...canonical, type: 'lost', extra: 1 }, attributes: { type: 't' } },
      {
        data,
        attributes: { ...canonical, [names.timestamp]: { dispatchedAt: time }, [names.messageId]: { id: someUuid } },
      },
      { data, attributes: { ...canonical, [names.newContext]: JSON.stringify(context) } },
      {
        data,
        attributes: {
          ...canonical,
          [names.newContext]: encoded(context),
          [names.timestamp]: encoded({ dispatchedAt: time }),
          [names.messageId]: encoded({ id: someUuid }),
        },
      },
      { data, attributes: { ...canonical, [names.timestamp]: Date.parse(time) } },
      {
        data,
        attributes: {
          ...canonical,
          [names.amplitudeTrack]: null,
          'Content-Type': 'x',
          'X-Message-Stamp-A\\ContextStamp': 1,
        },
      },
      { data, attributes: { ...canonical, 'X-Message-Stamp-Acme\\TransportMessageIdStamp': 'other' } },
    ];
    const { answer, rows, lines } = await land(variants.map((variant) => JSON.stringify(variant)));
    assert.deepEqual(answer.errors, []);
    const stored = {
      timestampStamp: time,
      messageIdStamp: someUuid,
      type: 't',
      targetSubscription: 's',
      newContextStamp: context,
    };
    for (const [index] of variants.entries()) {
      assert.deepEqual((JSON.parse(lines.get(index)!.line) as StoredEvent).attributes, stored, `variant ${index}`);
      assert.deepEqual({ ...rows.get(index), id: '' }, { ...rows.get(0), id: '' }, `variant ${index}`);
    }
  });

  test('data is kept digit by digit, in objects as it was sent and in JSONB by value', async () => {
    const nines = '9'.repeat(400);
    const cases: readonly (readonly [sent: string, stored: string])[] = [
      ['{"id":"a","amount":1e400}', `{"id": "a", "amount": 1${'0'.repeat(400)}}`],
      ['{"id":"a","amount":0.1234567890123456789012345}', '{"id": "a", "amount": 0.1234567890123456789012345}'],
      ['{"amount":9007199254740993,"id":"a"}', '{"id": "a", "amount": 9007199254740993}'],
      [`{"id":"a","amount":-${nines}}`, `{"id": "a", "amount": -${nines}}`],
      ['{"id":"a","amount":1.50}', '{"id": "a", "amount": 1.50}'],
      [
        '{"id":"a","amount":1,"__proto__":{"x":1},"constructor":2,"hasOwnProperty":3}',
        '{"id": "a", "amount": 1, "__proto__": {"x": 1}, "constructor": 2, "hasOwnProperty": 3}',
      ],
      ['{"id":"lost","amount":"x","id":"a","amount":1}', '{"id": "a", "amount": 1}'],
      ['{ "id" :\t"a" , "amount": 1, "n": [ ] }', '{"n": [], "id": "a", "amount": 1}'],
      ['{"id":"\\u00e9\\ud83d\\ude00","amount":1}', '{"id": "é😀", "amount": 1}'],
    ];
    const { answer, rows, lines } = await land(cases.map(([sent]) => collectEvent({ data: sent })));
    assert.deepEqual(answer.errors, []);
    for (const [index, [sent, stored]] of cases.entries()) {
      assert.ok(lines.get(index)!.line.startsWith(`{"data":${sent},"attributes":`), sent.slice(0, 60));
      assert.equal(rows.get(index)!.data, stored, sent.slice(0, 60));
    }
  });

  test('of duplicate members of an event the last counts, also where an earlier one is invalid', async () => {
    const event = collectEvent({ data: '{"id":"kept","amount":1}' });
    const { rows, lines } = await land([`{"data":5,"attributes":[],${event.slice(1)}`]);
    assert.equal(rows.get(0)?.data, '{"id": "kept", "amount": 1}');
    assert.ok(lines.get(0)!.line.startsWith('{"data":{"id":"kept","amount":1},"attributes":{"timestampStamp"'));
  });

  test('types become one segment of the object key, whatever they are', async () => {
    const cases: Readonly<Record<string, string | RegExp>> = {
      'App\\Event\\X': 'App%5CEvent%5CX',
      '.': '%2E',
      '..': '%2E.',
      '...': '...',
      CON: 'CON',
      'a/b': 'a%2Fb',
      '../../etc': '..%2F..%2Fetc',
      'é ~%': '%C3%A9%20%7E%25',
      [`${'x'.repeat(299)}1`]: /^x{180}~[0-9a-f]{16}$/,
      [`${'x'.repeat(299)}2`]: /^x{180}~[0-9a-f]{16}$/,
    };
    const types = Object.keys(cases);
    const { rows, lines } = await land(types.map((type) => collectEvent({ type })));
    const segments = types.map((type, index) => {
      assert.equal(rows.get(index)?.type, type);
      const [, date, segment, object, ...more] = lines.get(index)!.key.split('/');
      assert.deepEqual([date, more], ['date=2026-11-21', []]);
      assert.match(object!, /^events\.raw-\d-\d+\.json$/);
      const found = segment!.replace(/^type=/, '');
      const expected = cases[type]!;
      if (typeof expected === 'string') assert.equal(found, expected);
      else assert.match(found, expected);
      return found;
    });
    assert.equal(new Set(segments).size, types.length, 'long types that differ have objects of their own');
  });

  test('any year from 1 to 9999 has its partition and its date', async () => {
    const times = [
      '0001-01-01T00:00:00Z',
      '1600-02-29T12:00:00Z',
      '9999-12-31T23:59:59.999999Z',
      '2026-11-21T23:30:00-01:00',
    ];
    const { rows, lines } = await land(times.map((time) => collectEvent({ time })));
    assert.deepEqual(
      times.map((_, index) => rows.get(index)?.time.slice(0, 10)),
      ['0001-01-01', '1600-02-29', '9999-12-31', '2026-11-22'],
    );
    assert.deepEqual(
      times.map((_, index) => lines.get(index)?.key.split('/')[1]),
      ['date=0001-01-01', 'date=1600-02-29', 'date=9999-12-31', 'date=2026-11-22'],
    );
  });

  test('an invalid event is a dead letter as it was received, in the list and as an object (D2)', async () => {
    const actor = `{ "data": {"id":"a","amount":1e400},\n"attributes":${JSON.stringify({
      type: 't',
      targetSubscription: 's',
      [names.newContext]: { accountId: someUuid, actor: 'key' },
      [names.timestamp]: '2026-11-21T10:00:00Z',
      [names.messageId]: someUuid,
    })} }`;
    const noId = collectEvent({ messageId: 'none' });
    const { answer, rows, lines } = await land([actor, collectEvent(), noId]);
    assert.deepEqual([...rows.keys(), ...lines.keys()], [1, 1]);
    assert.deepEqual([answer.accepted, answer.rejected], [2, 1]);
    const letters = await deadLettersOf(dataDir);
    assert.deepEqual(
      letters.map(({ index, at, error, event }) => ({ index, at, path: error.path, event })),
      [
        { index: 0, at: 'ingest', path: 'attributes.newContextStamp.userId', event: actor },
        { index: 2, at: 'processor', path: 'attributes.messageIdStamp', event: noId },
      ],
    );
    const objects = await objectsOf(dataDir);
    for (const { packageId, index, correlationId, receivedAt, at, error, event } of letters) {
      assert.match(error.message, /^expected /);
      const key = `dead-letter/collect/date=${receivedAt.slice(0, 10)}/${packageId}/${index}.json`;
      assert.deepEqual(JSON.parse(objects.get(key)!), {
        correlationId,
        packageId,
        index,
        receivedAt,
        at,
        error,
        event,
      });
    }
  });
});
