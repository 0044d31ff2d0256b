import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codesIn, root, tableOf } from './markdown.ts';

test('where docs/delivery.md says that a promise is tested, tests cite its number', () => {
  const promises = tableOf('docs/delivery.md', '').map(([number = '', , , tested = '']) => ({
    number: number.replaceAll('*', ''),
    places: codesIn(tested).filter((code) => code.startsWith('test/')),
  }));
  assert.deepEqual(
    promises.map(({ number }) => number),
    ['D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'D7', 'D8', 'D9'],
  );
  for (const { number, places } of promises) {
    assert.ok(places.length > 0, `${number} names no test`);
    for (const place of places) assert.ok(namesOf(place, number) > 0, `no test of ${place} cites ${number}`);
  }
});

/** How many names of tests under the path cite the number. */
function namesOf(path: string, number: string): number {
  const full = join(root, path);
  assert.ok(existsSync(full), path);
  const files = statSync(full).isDirectory()
    ? readdirSync(full, { recursive: true, encoding: 'utf8' }).map((name) => join(full, name))
    : [full];
  const cited = new RegExp(`^\\s*(?:test|it|suite|describe|attack)\\(\\s*['"\`].*\\b${number}\\b`, 'gm');
  return files
    .filter((file) => file.endsWith('.ts'))
    .reduce((sum, file) => sum + [...readFileSync(file, 'utf8').matchAll(cited)].length, 0);
}
