/** What the configuration says of objects is said of pipelines that have some, and is what they get. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { checkObjectFormats, objectFormatOf } from '../../src/engine/object-formats.ts';
import type { SchemaRegistry } from '../../src/schemas/registry.ts';
import { pipeline as notes } from '../support/notes.ts';
import { lakeSchema } from '../support/parquet-events.ts';

const registry = { latest: async () => lakeSchema } as unknown as SchemaRegistry;

async function extension(objectFormat: unknown): Promise<string> {
  const config = { objectFormat } as Parameters<typeof objectFormatOf>[1];
  return (await objectFormatOf(notes, config, registry)).extension;
}

function checked(name: string): void {
  checkObjectFormats([notes], { objectFormat: { [name]: 'parquet' } });
}

test('a format of all pipelines, or of those that are named, from the file, the environment or a flag', async () => {
  assert.equal(await extension(loadConfig({ env: {}, flags: {} }).objectFormat), 'json');
  assert.equal(await extension({ [notes.name]: 'parquet', other: 'ndjson' }), 'parquet');
  assert.equal(await extension({ other: 'parquet' }), 'json');
  const env = { TRIBUTARY_OBJECT_FORMAT: 'parquet' };
  assert.equal(await extension(loadConfig({ env, flags: {} }).objectFormat), 'parquet');
  assert.equal(await extension(loadConfig({ env, flags: { objectFormat: 'ndjson' } }).objectFormat), 'json');
});

test('another format, or one for a pipeline without objects, is told', () => {
  assert.throws(
    () => loadConfig({ env: { TRIBUTARY_OBJECT_FORMAT: 'csv' }, flags: {} }),
    /TRIBUTARY_OBJECT_FORMAT in the environment: expected ndjson or parquet, .*, got "csv"/,
  );
  checked(notes.name);
  assert.throws(
    () => checked('cards'),
    /objectFormat\.cards: no pipeline of that name has objects; those that do: notes$/,
  );
});
