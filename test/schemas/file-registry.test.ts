import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { loadSchemaFiles } from '../../src/schemas/schema-files.ts';
import { administrationContract } from '../contracts/registry-administration.ts';
import { reachableContract } from '../contracts/reachable-registry.ts';
import { embeddedRegistryContract } from '../contracts/embedded-registry.ts';
import { type OpenRegistry, record, registryContract, variant } from '../contracts/registry.ts';

const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'tributary-registry-'));

async function openFiles(): Promise<OpenRegistry> {
  const dir = await newDirectory();
  return {
    registry: await openFileRegistry({ dir: join(dir, 'registry') }),
    restart: () => openFileRegistry({ dir: join(dir, 'registry') }),
    close: () => rm(dir, { recursive: true }),
  };
}

registryContract('files', openFiles);
embeddedRegistryContract('files', openFiles);

reachableContract('files', async () => {
  const dir = await newDirectory();
  const { administration: registry } = await openFileRegistry({ dir: join(dir, 'registry') });
  return { registry, close: () => rm(dir, { recursive: true }) };
});

administrationContract('files', async () => {
  const dir = await newDirectory();
  const open = async () => (await openFileRegistry({ dir: join(dir, 'registry') })).administration;
  return { administration: await open(), restart: open, close: () => rm(dir, { recursive: true }) };
});

const invalid =
  (...words: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(isFault(error, 'SCHEMA_INVALID'), String(error));
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
    return true;
  };

const field = (type: string): string =>
  `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"string"},{"name":"c","type":${type}}]}`;

describe('registry in files', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await newDirectory();
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('counts ids from 1, in files that people can read, none of them outside', async () => {
    const registry = await openFileRegistry({ dir: join(dir, 'registry') });
    assert.equal((await registry.register('../../x', 'AVRO', record('X'))).id, 1);
    assert.equal((await registry.register('events.raw-value', 'AVRO', record('Y'))).id, 2);
    assert.deepEqual(await readdir(dir), ['registry']);
    assert.deepEqual((await readdir(join(dir, 'registry'), { recursive: true })).toSorted(), [
      'changes',
      'ids',
      'ids/1.json',
      'ids/2.json',
      'settings',
      'subjects',
      'subjects/%2E.%2F..%2Fx',
      'subjects/%2E.%2F..%2Fx/1.json',
      'subjects/events.raw-value',
      'subjects/events.raw-value/1.json',
    ]);
    const file = JSON.parse(await readFile(join(dir, 'registry/ids/2.json'), 'utf8')) as object;
    assert.deepEqual(file, { id: 2, type: 'AVRO', schema: record('Y') });
  });

  it('takes up an id whose version a kill prevented, and passes by what was written aside', async () => {
    const registry = await openFileRegistry({ dir });
    await registry.register('a', 'AVRO', record('A'));
    const killed = await registry.register('b', 'AVRO', record('B'));
    await rm(join(dir, 'subjects/b'), { recursive: true });
    await writeFile(join(dir, 'ids/.0a.tmp'), '{"id":');
    const restarted = await openFileRegistry({ dir });
    await assert.rejects(restarted.byId(killed.id), (error) => isFault(error, 'SCHEMA_UNKNOWN'));
    assert.equal((await restarted.register('c', 'AVRO', record('C'))).id, killed.id + 1);
    assert.deepEqual(await restarted.register('b', 'AVRO', record('B')), killed);
  });

  it('agrees with other processes on ids and versions, and sees theirs within a second', async () => {
    let nowMs = 0;
    const ours = await openFileRegistry({ dir, now: () => nowMs });
    const theirs = await openFileRegistry({ dir });
    const names = Array.from({ length: 12 }, (_, i) => variant('R', `${i}`));
    const registered = await Promise.all([
      ...names.map((schema) => ours.register('s', 'AVRO', schema)),
      ...names.toReversed().map((schema) => theirs.register('s', 'AVRO', schema)),
    ]);
    assert.equal(new Set(registered.map(({ id }) => id)).size, 12);
    assert.equal(new Set(registered.map(({ id, version }) => `${id} ${version}`)).size, 12);
    const newest = await theirs.register('s', 'AVRO', variant('R', 'newest'));
    assert.deepEqual(await ours.byId(newest.id), newest);
    const newer = await theirs.register('s', 'AVRO', variant('R', 'newer'));
    nowMs += 1_000;
    assert.deepEqual(await ours.latest('s'), newer);
    const other = await theirs.register('other', 'AVRO', record('Other'));
    assert.deepEqual(await ours.latest('other'), other);
  });

  it('sees at once what another process has changed, and lists no folder where nobody has', async () => {
    const ours = (await openFileRegistry({ dir, now: () => 0 })).administration;
    const theirs = (await openFileRegistry({ dir })).administration;
    const content = { type: 'AVRO', schema: record('A'), references: [] } as const;
    await theirs.register('a', content);
    assert.deepEqual(await ours.subjects('live'), ['a']);
    await ours.register('b', content);
    await theirs.setCompatibility('a', 'NONE');
    assert.equal(await ours.compatibility('a'), 'NONE');
    assert.deepEqual(await theirs.subjects('live'), ['a', 'b']);
    await theirs.setMode(undefined, 'READONLY', false);
    assert.equal(await ours.mode(), 'READONLY');
    await theirs.setMode(undefined, undefined, false);
    await theirs.deleteSubject('a', false);
    assert.deepEqual(await ours.subjects('live'), ['b']);
    await rm(join(dir, 'subjects'), { recursive: true }); // a listing would fail
    assert.deepEqual(await ours.subjects('live'), ['b']);
    assert.equal((await ours.version('b', 'latest', 'live')).version, 1);
  });

  it('finds what nobody has marked: after ten seconds, and at once where it is in the way', async () => {
    let nowMs = 0;
    const ours = (await openFileRegistry({ dir, now: () => nowMs })).administration;
    const content = { type: 'AVRO', schema: record('A'), references: [] } as const;
    await ours.register('a', content);
    await mkdir(join(dir, 'subjects/by-hand'));
    await writeFile(join(dir, 'subjects/by-hand/1.json'), '{"subject":"by-hand","version":1,"id":1}');
    assert.deepEqual(await ours.subjects('live'), ['a']);
    nowMs += 10_000;
    assert.deepEqual(await ours.subjects('live'), ['a', 'by-hand']);
    await writeFile(join(dir, 'subjects/a/2.json'), '{"subject":"a","mode":"READONLY"}');
    await writeFile(join(dir, 'ids/2.json'), JSON.stringify({ id: 2, type: 'AVRO', schema: record('B') }));
    await assert.rejects(ours.setCompatibility('a', 'NONE'), /read-only/);
    assert.equal((await ours.register('c', { ...content, schema: record('C') })).id, 3);
  });

  it('names a file that is damaged', async () => {
    const registry = await openFileRegistry({ dir });
    await registry.register('a', 'AVRO', record('A'));
    await writeFile(join(dir, 'ids/1.json'), '{"id": 1, "type": "AV');
    await assert.rejects(openFileRegistry({ dir }), invalid(join(dir, 'ids/1.json')));
  });

  it('says where a schema is wrong', async () => {
    const registry = await openFileRegistry({ dir });
    const wrong: readonly (readonly [schema: string, ...words: string[]])[] = [
      [field('"strin"'), 'fields.2.type', 'strin'],
      [field('["null",{"type":"array","items":"Missing"}]'), 'fields.2.type.1.items', 'Missing'],
      [field('{"type":"map","values":{"type":"enum","name":"E"}}'), 'fields.2.type.values'],
      [field('"string","default":3'), 'fields.2.type', 'default 3'],
      [field('"string"},{"name":"__proto__","type":"int"'), '__proto__'],
      [field('{"type":"array","items":"null"}'), 'fields.2.type', 'no bytes'],
      ['{"type":"record",\n"name":}', 'not valid JSON'],
    ];
    for (const [schema, ...words] of wrong)
      await assert.rejects(registry.register('wrong-value', 'AVRO', schema), invalid('wrong-value', ...words));
    await assert.rejects(
      registry.register('wrong-value', 'PROTOBUF', 'message M {\n  strin s = 1;\n}'),
      invalid('strin'),
    );
    await assert.rejects(registry.register('', 'AVRO', record('R')), invalid('empty'));
    await assert.rejects(registry.register('x'.repeat(300), 'AVRO', record('R')), invalid('255'));
  });

  it("registers a project's schemas in the order of their names, once", async () => {
    const registry = await openFileRegistry({ dir: join(dir, 'registry') });
    const schemas = join(dir, 'schemas');
    assert.deepEqual(await loadSchemaFiles({ dir: schemas, registry }), []);
    await mkdir(schemas);
    await writeFile(join(schemas, 'b-value.avsc'), record('B'));
    await writeFile(join(schemas, 'a.value.schema.json'), '{"type":"object"}');
    await writeFile(join(schemas, 'README.md'), 'not a schema');
    const loaded = await loadSchemaFiles({ dir: schemas, registry });
    assert.deepEqual(
      loaded.map(({ subject, type, id }) => [subject, type, id]),
      [
        ['a.value', 'JSON', 1],
        ['b-value', 'AVRO', 2],
      ],
    );
    assert.deepEqual(await loadSchemaFiles({ dir: schemas, registry }), loaded);
    await writeFile(join(schemas, 'c.avsc'), '{}');
    await assert.rejects(loadSchemaFiles({ dir: schemas, registry }), invalid(join(schemas, 'c.avsc')));
  });
});
