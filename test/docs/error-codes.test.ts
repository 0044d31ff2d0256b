import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../../src/errors.ts';
import { codesIn, root, tableOf } from './markdown.ts';

test('every code of the catalogue is used', () => {
  const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== 'errors.ts')
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
    .join('\n');
  const unused = Object.keys(catalogue).filter((code) => !source.includes(`Fault('${code}'`) && !multiLine(code));
  assert.deepEqual(unused, []);

  function multiLine(code: string): boolean {
    return new RegExp(`Fault\\(\\s*'${code}'`).test(source);
  }
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
  const thrown = ['src/ingest', 'src/sources'].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => [...readFileSync(join(root, room, path), 'utf8').matchAll(/new Fault\(\s*'([A-Z_]+)'/g)])
      .map(([, code]) => code as string),
  );
  const names = told.map(([code]) => code);
  assert.deepEqual(
    [...new Set(thrown)].filter((code) => !names.includes(code)),
    [],
  );
});
