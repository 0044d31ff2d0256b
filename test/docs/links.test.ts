import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { documents, readDocument, root } from './markdown.ts';

test('links between documents lead somewhere, sections included', () => {
  let checked = 0;
  for (const file of documents()) {
    const prose = readDocument(file).replaceAll(/```[\s\S]*?```/g, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', section] = target.split('#');
      const to = path === '' ? file : normalize(join(dirname(file), path));
      assert.ok(existsSync(join(root, to)), `${file}: ${target}`);
      if (section !== undefined) assert.ok(sectionsOf(to).includes(section), `${file}: ${target}`);
      checked += 1;
    }
  }
  assert.ok(checked > 5, `only ${checked} links were found`);
});

/** As GitHub names the headings of a page. */
function sectionsOf(file: string): readonly string[] {
  return [...readDocument(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
