/**
 * Writes the TypeScript types of events from the Avro schemas in `schemas/`. With --check it writes nothing and exits 1
 * where a file is not what it would write.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateTypes } from '../src/schemas/typescript.ts';

const outputs = [
  { subject: 'events.raw-value', path: 'apps/collect/events-raw-value.ts' },
  { subject: 'cards.raw-value', path: 'apps/cards/cards-raw-value.ts' },
];

const root = join(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');

for (const { subject, path } of outputs) {
  const source = `schemas/${subject}.avsc`;
  const header = `/**\n * Generated from ${source} by \`node scripts/schema-types.ts\`: change the schema, then run that.\n */\n`;
  const types = generateTypes({ subject, schema: readFileSync(join(root, source), 'utf8') });
  const text = format(path, `${header}\n${types}`);
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (isCheck) {
    process.stderr.write(`${path} is stale: run node scripts/schema-types.ts\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    process.stdout.write(`${path} written\n`);
  }
}

function format(path: string, text: string): string {
  const formatter = join(root, 'node_modules/oxfmt/bin/oxfmt');
  const { status, stdout, stderr } = spawnSync(process.execPath, [formatter, `--stdin-filepath=${path}`], {
    cwd: root,
    input: text,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`oxfmt failed for ${path}: ${stderr}`);
  return stdout;
}
