/** TypeScript in the documentation compiles, as strictly as our own, against the public entry. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../support/program.ts';
import { allBlocks, namedBlock, root } from './markdown.ts';

interface Compiled {
  readonly status: number | null;
  readonly output: string;
}

/** @param files TypeScript by name */
async function compile(dir: string, files: Readonly<Record<string, string>>): Promise<Compiled> {
  await mkdir(join(dir, 'node_modules'), { recursive: true });
  await symlink(root, join(dir, 'node_modules/tributary'));
  await symlink(join(root, 'node_modules/@types'), join(dir, 'node_modules/@types'));
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  const config = { extends: join(root, 'tsconfig.json'), include: ['*.ts'] };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', dir], { encoding: 'utf8' });
  return { status, output: stdout };
}

test('every ts block compiles', { timeout: 120_000 }, async (t) => {
  const blocks = allBlocks('ts').map(({ file, line, name, text }) => {
    const where = `${file.replaceAll(/[/.]/g, '-')}-${line}`;
    return [name ?? `${where}.ts`, `// ${file}:${line}\n${text}`];
  });
  assert.ok(blocks.length > 0);
  const { status, output } = await compile(await scratch(t), Object.fromEntries(blocks));
  assert.equal(status, 0, output);
});

test('as the README says, a column that does not exist or has the wrong type does not compile', async (t) => {
  const right = namedBlock('README.md', 'orders.ts');
  const wrong = {
    'column.ts': right.replace('total: String(order.total)', 'totl: String(order.total)'),
    'type.ts': right.replace('placed_at: timeOf(order),', 'placed_at: order.placedAt,'),
  };
  for (const text of Object.values(wrong)) assert.notEqual(text, right);
  const { output } = await compile(await scratch(t), wrong);
  for (const name of Object.keys(wrong))
    assert.match(output, new RegExp(`^\\S*${name}\\(\\d+,\\d+\\): error`, 'm'), name);
});
