import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { splitJson } from '../../../src/ingest/split-json.ts';
import { splitNdjson } from '../../../src/ingest/split-ndjson.ts';
import { CsvRows } from '../../../src/sources/bulk/csv-rows.ts';
import { formatOf, fromFirstCharacter } from '../../../src/sources/bulk/first-character.ts';
import { JsonRows } from '../../../src/sources/bulk/json-rows.ts';
import { RowBuffer } from '../../../src/sources/bulk/row-buffer.ts';
import { RowChecker } from '../../../src/sources/bulk/row-checker.ts';
import { type RowError, RowErrors } from '../../../src/sources/bulk/row-errors.ts';
import { type RowReader, StopReading } from '../../../src/sources/bulk/row-reader.ts';
import { pricesBulk } from '../../support/bulk-server.ts';

type Cut = (rows: RowChecker) => RowReader;
const csv: Cut = (rows) => new CsvRows(rows);
const ndjson: Cut = (rows) => new JsonRows(rows, splitNdjson());
const array: Cut = (rows) => new JsonRows(rows, splitJson());

/** The errors of a body that comes in pieces of some bytes. */
async function errorsOf(cut: Cut, body: string, pieceBytes: number): Promise<readonly RowError[]> {
  const errors = new RowErrors();
  const reader = cut(new RowChecker(pricesBulk(), true, errors, new RowBuffer()));
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += pieceBytes) await reader.push(bytes.subarray(at, at + pieceBytes));
  await reader.end();
  reader.close();
  return errors.found.first;
}

const text = fc.string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', '\r\n', ' '), maxLength: 6 });
const rowsOf = fc.array(fc.record({ text, isBad: fc.boolean() }), { maxLength: 30 });
const pieceBytes = fc.integer({ min: 1, max: 200 });
const lineEndsIn = (one: string): number => one.split('\n').length - 1;

test('of a CSV with quotes, line ends in them, LF or CRLF, each bad row is told with its line', async () => {
  await fc.assert(
    fc.asyncProperty(
      rowsOf,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      pieceBytes,
      async (rows, end, hasHeader, endsOpen, piece) => {
        const expected: number[] = [];
        let body = hasHeader ? `price,day,orig_code,dest_code${end}` : '';
        let line = hasHeader ? 2 : 1;
        for (const [i, row] of rows.entries()) {
          const quoted = `"${row.text.replaceAll('"', '""')}"`;
          const price = row.isBad ? 'x' : '1';
          const isLast = i === rows.length - 1;
          const fields = hasHeader ? [price, '2021-01-01', quoted, 'B'] : [quoted, 'B', '2021-01-01', price];
          body += fields.join(',') + (isLast && endsOpen ? '' : end);
          if (row.isBad) expected.push(line);
          line += 1 + lineEndsIn(row.text);
        }
        const errors = await errorsOf(csv, body, piece);
        assert.deepEqual(
          errors.map((error) => [error.line, error.field]),
          expected.map((one) => [one, 'price']),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('of NDJSON and of an array, with blank lines between, each bad row is told with its line', async () => {
  const blanks = fc.array(fc.constantFrom(1, 2, 3), { minLength: 31, maxLength: 31 });
  await fc.assert(
    fc.asyncProperty(rowsOf, blanks, fc.boolean(), pieceBytes, async (rows, ends, isArray, piece) => {
      const expected: number[] = [];
      let body = isArray ? '[\n' : '';
      let line = isArray ? 2 : 1;
      for (const [i, row] of rows.entries()) {
        body += JSON.stringify({ orig_code: row.text, dest_code: 'B', day: '2021-01-01', price: row.isBad ? 0 : 1 });
        if (isArray && i < rows.length - 1) body += ',';
        body += '\n'.repeat(ends[i] as number);
        if (row.isBad) expected.push(line);
        line += ends[i] as number;
      }
      const errors = await errorsOf(isArray ? array : ndjson, isArray ? `${body}]` : body, piece);
      assert.deepEqual(
        errors.map((error) => [error.line, error.field]),
        expected.map((one) => [one, 'price']),
      );
    }),
    { numRuns: 300 },
  );
});

test('what is no CSV is an error of its line, and what follows is read', async () => {
  const body = 'A,B,2021-01-01,1\nA,B"x,2021-01-01,1\nA,B,2021-01-01,0\n\nA,B,2021-01-01,1\n';
  const errors = await errorsOf(csv, body, 10);
  assert.deepEqual(
    errors.map(({ line, field }) => [line, field]),
    [
      [2, null],
      [3, 'price'],
      [4, null],
    ],
  );
});

test('a row that is no CSV is one error, on the line on which it begins, and no other row is lost or told with another line for it', async () => {
  const bad = fc.constantFrom(
    ['"a"x,B,2021-01-01,1'],
    ['"a', 'b"x,B,2021-01-01,1'],
    ['"a"b"c",B,2021-01-01,1'],
    ['"a', 'b",B"x,2021-01-01,1'],
    ['A,B"x,"2021', '-01', '-01",1'],
    ['A,"B","2021-01-01""",1"'],
    ['"A" ,B,2021-01-01,1'],
  );
  const good = fc.constantFrom(['"A",B,2021-01-01,0'], ['A,B,2021-01-01,0'], ['"', '', '""",B,2021-01-01,0']);
  const rows = fc.array(fc.oneof(bad, good), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      pieceBytes,
      async (given, end, endsOpen, piece) => {
        let line = 1;
        const expected: [number, string | null][] = [];
        for (const row of given) {
          expected.push([line, row.at(-1)?.endsWith(',0') ? 'price' : null]);
          line += row.length;
        }
        const body = given.map((row) => row.join(end)).join(end) + (endsOpen ? '' : end);
        const errors = given.length === 0 ? [] : await errorsOf(csv, body, piece);
        assert.deepEqual(
          errors.map((error) => [error.line, error.field]),
          expected,
          JSON.stringify(body),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a quote that is not closed is told with the line on which its row begins', async () => {
  const errors = await errorsOf(csv, 'A,B,2021-01-01,1\r\n"A,B\r\n\r\nA', 5);
  assert.deepEqual(
    errors.map(({ line, reason }) => [line, reason]),
    [[2, 'this is no CSV: a quote is not closed']],
  );
});

test('a quote that is never closed ends the reading after 1 MiB', async () => {
  const body = `A,B,2021-01-01,1\n"${'A,B,2021-01-01,1\n'.repeat(80_000)}`;
  await assert.rejects(errorsOf(csv, body, 64 * 1024), StopReading);
  assert.equal((await errorsOf(csv, 'A,B,2021-01-01,1\n"A,B\nA', 7)).length, 1);
});

test('a JSON row of more than 1 MiB ends the reading', async () => {
  const body = `{"orig_code":"${'x'.repeat(1_200_000)}"}`;
  for (const cut of [ndjson, array]) await assert.rejects(errorsOf(cut, body, 64 * 1024), StopReading);
});

async function is(day: string, price: string): Promise<boolean> {
  return (await errorsOf(csv, `A,B,${day},${price}`, 100)).length === 0;
}

test('days are those of the calendar, and integers are digits', async () => {
  for (const day of ['2021-01-31', '2020-02-29', '0001-01-01', '9999-12-31']) assert.ok(await is(day, '1'), day);
  for (const day of ['2021-02-29', '0000-01-01', '2021-1-5', '2021-13-01', '20210101', ' 2021-01-01', ''])
    assert.ok(!(await is(day, '1')), day);
  for (const price of ['1', '2147483647']) assert.ok(await is('2021-01-01', price), price);
  for (const price of ['0', '-1', '1.5', '1e3', ' 1', '', '2147483648', '0x1', '+1', 'NaN'])
    assert.ok(!(await is('2021-01-01', price)), price);
});

function errorsWithPrice(price: string): Promise<readonly RowError[]> {
  return errorsOf(ndjson, `{"orig_code":"A","dest_code":"B","day":"2021-01-01","\\u0070rice":${price}}`, 100);
}

test('a number of JSON is the integer that was sent, and not one to which it is rounded', async () => {
  for (const price of ['1', '1.0', '1e0', '100e-2', '0.1E+1', '2147483647.000', '1000', '1e3', '10.0e2'])
    assert.deepEqual(await errorsWithPrice(price), [], price);
  for (const price of ['1.00000000000000000001', '0.99999999999999999999', '100000000000000000001e-20', '1.5', '0.0'])
    assert.deepEqual(
      (await errorsWithPrice(price)).map(({ field, value }) => [field, value]),
      [['price', price]],
    );
});

test('what a body is, is found in whatever pieces its beginning comes', async () => {
  const bodies = [
    ['\uFEFF{"a":1}\n', 'lines'],
    ['\r\n \n[1]', 'array'],
    [`${' '.repeat(2_000)}[1]`, 'array'],
    ['\uFEFFé,1\n', 'csv'],
    ['\n\na,1\n', 'csv'],
    [' ', 'csv'],
  ] as const;
  for (const [sent, format] of bodies)
    for (const size of [1, 2, 3, 5_000]) {
      const body = Buffer.from(sent);
      const parts = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
        body.subarray(i * size, (i + 1) * size),
      );
      const chunks = await Array.fromAsync(fromFirstCharacter(ReadableStream.from(parts)));
      assert.equal(formatOf(chunks[0] as Buffer), format, JSON.stringify([sent, size]));
      assert.deepEqual(Buffer.concat(chunks), body);
    }
});
