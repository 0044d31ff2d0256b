/** Events of void packages are dropped, whatever they would have become; packages without a key are not asked about (D5). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { correlationId, createPackageIds, packageOf } from '../../src/event/correlation-id.ts';
import { Reject } from '../../src/event/reject.ts';
import { keyedHeader } from '../../src/ingest/keyed-record.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { BatchInHand } from '../../src/processing/batch-in-hand.ts';
import { voided, withoutVoid } from '../../src/processing/void-packages.ts';

const nextPackage = createPackageIds({ now: Date.now });
const [one, other, plain] = [nextPackage(), nextPackage(), nextPackage()];

function record(offset: number, id: string, isKeyed: boolean): LogRecord {
  const headers = [['correlationId', id] as const, ...(isKeyed ? [keyedHeader] : [])];
  const bytes = headers.map(([name, value]) => [name, Buffer.from(value)] as const);
  return { offset, timeMs: 0, key: null, value: Buffer.from('event'), headers: bytes };
}

const records = [
  record(0, correlationId(one, 0), true),
  record(1, correlationId(other, 0), true),
  record(2, correlationId(plain, 0), false),
  record(3, correlationId(one, 1), true),
];
const refused = new Reject('data', 'something else');
const convert = async (all: readonly LogRecord[]) => all.map(({ offset }) => (offset === 3 ? refused : String(offset)));

suite('void packages', () => {
  test('D5: their events are dropped, valid and invalid ones; all others are as they were', async () => {
    const asked: (readonly string[])[] = [];
    const voidAmong = async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
      asked.push(ids);
      return new Set([packageOf(correlationId(one, 0))]);
    };
    const outputs = await withoutVoid(convert, { voidAmong })(records);
    assert.deepEqual(outputs, [voided, '1', '2', voided]);
    assert.deepEqual(asked, [[one, other].map((prefix) => correlationId(prefix, 0))]);
    const batch = new BatchInHand<string>(0, [], false);
    batch.add({ records, next: 5, bytes: 0 }, outputs, new Set());
    assert.deepEqual([batch.events, batch.voided, batch.invalid.length, batch.to], [2, 2, 0, 5]);
  });

  test('nobody is asked where no package has a key', async () => {
    assert.deepEqual(await withoutVoid(convert, { voidAmong: () => assert.fail('asked') })(records.slice(2, 3)), ['2']);
    assert.equal(withoutVoid(convert, undefined), convert);
  });

  test('D2: where it is not known nothing goes on', async () => {
    const away = { voidAmong: () => Promise.reject(new Error('the view is away')) };
    await assert.rejects(withoutVoid(convert, away)(records), /away/);
  });
});
