import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { record } from '../contracts/registry.ts';

const unknown = (error: unknown): boolean => isFault(error, 'SCHEMA_UNKNOWN');

describe('codecs', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-codecs-'));
  });
  after(() => rm(dir, { recursive: true }));

  it('compile a schema once, and follow the newest version', async () => {
    const registry = await openFileRegistry({ dir });
    const codecs = createCodecs(registry);
    await assert.rejects(codecs.latest('a'), unknown);
    await assert.rejects(codecs.byId(1), unknown);
    const first = await registry.register('a', 'AVRO', record('A'));
    const codec = await codecs.latest('a');
    assert.equal(codec.schemaId, first.id);
    assert.equal(await codecs.latest('a'), codec);
    assert.equal(await codecs.byId(first.id), codec);
    const second = await registry.register('a', 'AVRO', record('A', '["string","null"]'));
    const newer = await codecs.latest('a');
    assert.equal(newer.schemaId, second.id);
    assert.equal(await codecs.byId(second.id), newer);
    assert.equal(await codecs.byId(first.id), codec);
  });
});
