import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CsvHeader, type CsvOptions } from '../../../src/sources/bulk/csv-header.ts';
import { CsvRows } from '../../../src/sources/bulk/csv-rows.ts';
import { QuotedRows } from '../../../src/sources/bulk/quoted-rows.ts';
import { RowBuffer } from '../../../src/sources/bulk/row-buffer.ts';
import { RowChecker } from '../../../src/sources/bulk/row-checker.ts';
import { RowErrors } from '../../../src/sources/bulk/row-errors.ts';
import { type RowReader, StopReading } from '../../../src/sources/bulk/row-reader.ts';
import { pricesBulk } from '../../support/bulk-server.ts';

const { names } = new RowChecker(pricesBulk(), false, new RowErrors(), new RowBuffer());
type Cut = (rows: RowChecker, options: CsvOptions) => RowReader;
const ours: Cut = (rows, options) => new CsvRows(rows, options);
/** The parser from the first byte on. */
const parser: Cut = (rows, options) => new QuotedRows(rows, new CsvHeader(names, options), 1);

/** All that becomes of a body: what is staged, errors, and where the reading ends. */
async function outcomeOf(cut: Cut, body: Buffer, pieceBytes: number, options: CsvOptions): Promise<object> {
  const errors = new RowErrors();
  const buffer = new RowBuffer();
  const rows = new RowChecker(pricesBulk(), true, errors, buffer);
  const reader = cut(rows, options);
  let stopped: StopReading | undefined;
  try {
    for (let at = 0; at < body.length; at += pieceBytes) await reader.push(body.subarray(at, at + pieceBytes));
    await reader.end();
  } catch (error) {
    assert.ok(error instanceof StopReading);
    stopped = error;
  } finally {
    reader.close();
  }
  if (stopped) return { line: stopped.line, reason: stopped.message };
  const staged = buffer.finish().toString('hex');
  return { errors: errors.found, rows: rows.rows, digest: rows.digest(), staged };
}

const values = ['A', 'CNGGZ', 'é', '\u{1F6A2}', '\uFEFF', '\0', ' ', '-', '0', '7', '2147483647', '2147483648'];
const rowParts = ['2021-02-28', '2021-02-29', ',', ',', ',', '\n', '\n', '\r\n', '\r', 'price'];
const wholeRows = ['orig_code,dest_code,day,price\n', 'A,B,2021-01-01,1\n', 'A,B,2021-01-01,1\r\n'];
const pieces = [...values, ...rowParts, ...wholeRows].map((piece) => Buffer.from(piece));
const bytes = fc.constantFrom(...pieces, Buffer.from([0xff]), Buffer.from([0xc3]));
const quote = fc.constant(Buffer.from('"'));

test('rows without quotes are what the parser of quoted ones makes of them, to the byte, also where a quote comes', async () => {
  const some = fc.array(fc.oneof({ weight: 60, arbitrary: bytes }, { weight: 1, arbitrary: quote }), { maxLength: 60 });
  const header = fc.constantFrom(undefined, 'present', 'absent');
  await fc.assert(
    fc.asyncProperty(some, fc.integer({ min: 1, max: 80 }), header, async (parts, pieceBytes, is) => {
      const body = Buffer.concat([...parts, Buffer.from('A')]); // the parser does not count a last return as a line
      assert.deepEqual(
        await outcomeOf(ours, body, pieceBytes, { header: is }),
        await outcomeOf(parser, body, pieceBytes, { header: is }),
      );
    }),
    { numRuns: 1_000 },
  );
});

test('a row without quotes of more than 1 MiB ends the reading, in whatever pieces it comes', async () => {
  const body = Buffer.from(`A,B,2021-01-01,1\nA,${'B'.repeat(1_100_000)},2021-01-01,1\n`);
  for (const pieceBytes of [1_000, 64 * 1024, body.length])
    assert.deepEqual(await outcomeOf(ours, body, pieceBytes, {}), {
      line: 2,
      reason: 'the row is longer than 1048576 bytes',
    });
});

test('all of the line of a row is kept, beyond 32 bits too', () => {
  const buffer = new RowBuffer();
  const rows = new RowChecker(pricesBulk(), false, new RowErrors(), buffer);
  const line = 2 ** 33 + 5;
  const fields = { bytes: Buffer.from('A,B,2021-01-01,1'), bounds: Int32Array.of(0, 1, 2, 3, 4, 14, 15, 16) };
  assert.ok(rows.addPlain(line, fields, undefined));
  assert.equal(buffer.finish().readBigInt64BE(19 + 2 + 4), BigInt(line));
});

test('a carriage return at the end of the body, with no line feed behind it, is a part of the field', async () => {
  const outcome = await outcomeOf(ours, Buffer.from('A,B,2021-01-01,1\r\nA,B,2021-01-01,1\r'), 100, {});
  const { errors } = outcome as {
    readonly errors: { readonly first: readonly { readonly line: number; readonly field: string }[] };
  };
  assert.deepEqual(
    errors.first.map(({ line, field }) => [line, field]),
    [[2, 'price']],
  );
});

test('D6: a line that comes byte by byte takes little more than itself', () => {
  const reader = new CsvRows(new RowChecker(pricesBulk(), false, new RowErrors(), new RowBuffer()), {});
  const byte = Buffer.from('x');
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1_000_000; i++) void reader.push(byte.subarray(0));
  const heldMegabytes = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  assert.throws(() => void reader.push(Buffer.alloc(100_000, 'x')), StopReading);
  assert.ok(heldMegabytes < 64, `${heldMegabytes} MB for one`);
});
