/** Dumps in pieces of any size, and files that are none. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { array, assert as assertProperty, asyncProperty, constantFrom, integer, string } from 'fast-check';
import { isFault } from '../../src/errors.ts';
import { DumpLines } from '../../src/dataset/dump-lines.ts';
import { readDump } from '../../src/dataset/read-dump.ts';
import { dumpWithoutKeys, wholeDump } from './dumps.ts';

async function* piecesOf(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function blocksOf(text: string, sizes: readonly number[] = [65_536]) {
  const blocks: object[] = [];
  for await (const { rows, ...block } of readDump(new DumpLines(piecesOf(text, sizes))))
    blocks.push({ ...block, rows: (await buffer(rows)).toString() });
  return blocks;
}

const blocks = [
  {
    table: 'ports',
    columns: ['code', 'name', 'parent_slug'],
    line: 39,
    rows: 'AAAAA\tÅlesund\\tand\\nmore\tnorth\nBBBBB\tOslo; -- "\tsouth\n',
  },
  {
    table: 'prices',
    columns: ['day', 'orig_code', 'dest_code', 'price'],
    line: 44,
    rows: [1244, 1140, 1079].map((price) => `2021-01-31\tAAAAA\tBBBBB\t${price}\n`).join(''),
  },
  {
    table: 'regions',
    columns: ['slug', 'name', 'parent_slug'],
    line: 50,
    rows: 'north\tNorth\tworld\nworld\tWorld\t\\N\nsouth\tSouth\tworld\n',
  },
];

suite('a dump', () => {
  test('is its rows, however it comes', async () => {
    const sizes = array(integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 });
    await assertProperty(
      asyncProperty(sizes, async (some) => assert.deepEqual(await blocksOf(wholeDump, some), blocks)),
    );
    assert.deepEqual(await blocksOf(''), []);
  });

  test('with line ends of Windows has the same blocks', async () => {
    const found = await blocksOf(wholeDump.replaceAll('\n', '\r\n'));
    assert.deepEqual(
      found.map((block) => ({ ...block, rows: undefined })),
      blocks.map((block) => ({ ...block, rows: undefined })),
    );
  });

  for (const [what, text, message] of [
    ['INSERT', 'SET a = 1;\n\nINSERT INTO public.ports VALUES (1);\n', /^line 3: expected .* got "INSERT INTO/],
    ['a program', `COPY public.ports (code) FROM PROGRAM 'true';\n`, /^line 1: expected/],
    ['a function', 'CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$;\n', /^line 1: expected/],
    ['a command of psql', '\\! true\nSELECT 1;\n', /^line 1: expected/],
    ['two statements in one', `SELECT pg_catalog.set_config('search_path', '', false); DROP TABLE a;\n`, /^line 1:/],
    ['another encoding', "\nSET client_encoding = 'LATIN1';\n", /^line 2: the encoding is "LATIN1"; expected UTF8/],
    ['a cut in a statement', wholeDump.slice(0, 300), /^line 13: the file ends in the middle of a statement/],
    ['a cut in rows', wholeDump.slice(0, wholeDump.indexOf('1140')), /^line 44: the file ends in .* rows of prices/],
    ['no end of a statement', `CREATE TABLE a (\n${'  b int,\n'.repeat(10_000)}`, /^line 1: a statement has no end/],
    ['a line without end', '\n\n' + 'x'.repeat(3_000_000), /^line 3 is longer than/],
    ['the form of pg_restore', 'PGDMP\x01\x0e\0\x04\b\n;\n', /^line 1: expected .* got "PGDMP/],
  ] as const)
    test(`is none with ${what}: refused with the line`, async () => {
      await assert.rejects(blocksOf(text), (error) => isFault(error, 'DUMP_INVALID') && message.test(error.message));
    });

  test('is whole or refused, whatever stands in it', async () => {
    const parts = array(string({ unit: constantFrom("'", '"', ';', '\n', '\\', '.', 'C', ' ', '\0', '-') }));
    await assertProperty(
      asyncProperty(parts, integer({ min: 0, max: dumpWithoutKeys.length }), async (some, at) => {
        const text = dumpWithoutKeys.slice(0, at) + some.join('\n') + dumpWithoutKeys.slice(at);
        await blocksOf(text).catch((error: unknown) => assert.ok(isFault(error, 'DUMP_INVALID'), String(error)));
      }),
    );
  });
});
