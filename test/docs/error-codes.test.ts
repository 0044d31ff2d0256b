import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../../src/errors.ts';
import { codesIn, root, tableOf } from './markdown.ts';

/** Codes that stand where a fault is made, also in a choice between two. */
function codesThrownIn(...rooms: readonly string[]): ReadonlySet<string> {
  const files = rooms.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join(root, room, path), 'utf8')),
  );
  const made = files.flatMap((text) => [...text.matchAll(/\bnew (?:Registry)?Fault\(([^,]*),/g)]);
  return new Set(
    made.flatMap(([, first = '']) => [...first.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code as string)),
  );
}

test('the catalogue has every code that is thrown, and no other', () => {
  assert.deepEqual([...codesThrownIn('src')].toSorted(), Object.keys(catalogue).toSorted());
});

test('what happened and what to do are sentences, and the reference shows both', () => {
  const shown = tableOf('docs/reference/errors.md', 'code').map((row) => row.map((cell) => cell.replaceAll('\\', '')));
  assert.deepEqual(
    shown,
    Object.entries(catalogue).map(([code, { status, what, todo }]) => [`\`${code}\``, String(status), what, todo]),
  );
  for (const [code, { what, todo }] of Object.entries(catalogue))
    for (const text of [what, todo]) assert.match(text, /^[A-Za-z].*\.$/, code);
});

test('the table of statuses in the README is the catalogue of what a producer may be answered', () => {
  const told = tableOf('README.md', 'status').flatMap(([status, codes = '']) =>
    codesIn(codes).map((code) => [code, Number(status)] as const),
  );
  assert.ok(told.length > 5);
  for (const [code, status] of told) {
    assert.ok(Object.hasOwn(catalogue, code), code);
    assert.equal(catalogue[code as keyof typeof catalogue].status, status, code);
  }
  const names = told.map(([code]) => code);
  assert.deepEqual(
    [...codesThrownIn('src/ingest', 'src/sources/http', 'src/sources/bulk')].filter((code) => !names.includes(code)),
    [],
  );
});
