/** What every schema registry promises: `src/schemas/registry.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import type { SchemaRegistry } from '../../src/schemas/registry.ts';

export interface OpenRegistry {
  readonly registry: SchemaRegistry;
  /** The same registry, as it is after a restart. */
  restart(): Promise<SchemaRegistry>;
  close(): Promise<void>;
}

const unknown = (error: unknown): boolean => isFault(error, 'SCHEMA_UNKNOWN');
const invalid = (error: unknown): boolean => isFault(error, 'SCHEMA_INVALID');

export const record = (name: string, type = '"string"'): string =>
  `{"type":"record","name":"${name}","fields":[{"name":"f","type":${type}}]}`;

/** All of one name read each other, in any order. */
export const documented = (name: string, doc: string): string =>
  `{"type":"record","name":"${name}","doc":"${doc}","fields":[{"name":"f","type":"string"}]}`;

export function registryContract(driver: string, open: () => Promise<OpenRegistry>): void {
  describe(`schema registry: ${driver}`, () => {
    let opened: OpenRegistry;
    let registry: SchemaRegistry;
    before(async () => {
      opened = await open();
      registry = opened.registry;
    });
    after(() => opened.close());

    it('gives back what was registered, the newest version and each id', async () => {
      const first = await registry.register('orders-value', 'AVRO', record('Order'));
      const second = await registry.register('orders-value', 'AVRO', record('Order', '["null","string"]'));
      assert.deepEqual(first, { ...first, subject: 'orders-value', version: 1, type: 'AVRO' });
      assert.deepEqual(JSON.parse(first.schema), JSON.parse(record('Order')));
      assert.equal(second.version, 2);
      assert.notEqual(second.id, first.id);
      assert.deepEqual(await registry.latest('orders-value'), second);
      assert.deepEqual(await registry.byId(first.id), first);
      assert.deepEqual(await registry.byId(second.id), second);
    });

    it('answers the version that is there already, whatever the spaces and the order of members', async () => {
      const first = await registry.register('again-value', 'AVRO', record('Again'));
      const second = await registry.register('again-value', 'AVRO', record('Again', '["null","string"]'));
      const spaced = '{ "fields": [ { "type": "string", "name": "f" } ],\n "name": "Again", "type": "record" }';
      assert.deepEqual(await registry.register('again-value', 'AVRO', spaced), first);
      assert.deepEqual(await registry.register('again-value', 'AVRO', record('Again', '["null","string"]')), second);
      assert.equal((await registry.latest('again-value')).version, 2);
    });

    it('gives the same schema the same id under another subject', async () => {
      const first = await registry.register('shared-a', 'AVRO', record('Shared'));
      const second = await registry.register('shared-b', 'AVRO', record('Shared'));
      assert.deepEqual([second.id, second.subject, second.version], [first.id, 'shared-b', 1]);
      assert.deepEqual(await registry.latest('shared-b'), second);
    });

    it('tells schemas apart that differ in kind, in one digit, or in order that counts', async () => {
      const schemas = [
        '{"maximum":9007199254740993}',
        '{"maximum":9007199254740992}',
        '{"enum":[1,2]}',
        '{"enum":[2,1]}',
        '{}',
      ];
      const ids = [];
      for (const [i, schema] of [...schemas, '{"type":"string"}'].entries())
        ids.push((await registry.register(`apart-${i}`, 'JSON', schema)).id);
      ids.push((await registry.register('apart-avro', 'AVRO', '{"type":"string"}')).id);
      assert.equal(new Set(ids).size, 7);
    });

    it('says what is unknown', async () => {
      await assert.rejects(registry.latest('nobody'), unknown);
      await assert.rejects(registry.byId(2_000_000_000), unknown);
    });

    it('refuses what is no schema, and keeps nothing of it', async () => {
      for (const schema of [
        '',
        '{"type":',
        '3',
        'null',
        '{"type":"strin"}',
        record('Bad', '"Missing"'),
        '{"type":"record","name":"Bad"}',
      ])
        await assert.rejects(registry.register('bad-value', 'AVRO', schema), invalid, schema);
      for (const schema of ['{', '3', '[]', '{"type":"strin"}', '{"$ref":"#/nowhere"}', '{"pattern":"("}'])
        await assert.rejects(registry.register('bad-value', 'JSON', schema), invalid, schema);
      await assert.rejects(registry.latest('bad-value'), unknown);
      assert.ok(!(await registry.subjects()).includes('bad-value'));
    });

    it('reads JSON Schema and Protobuf as well', async () => {
      const json = await registry.register('kinds-json', 'JSON', '{"type":"object"}');
      const proto = 'syntax = "proto3";\n// a comment\nmessage Kind { string name = 1; }\n';
      const protobuf = await registry.register('kinds-protobuf', 'PROTOBUF', proto);
      assert.deepEqual([json.type, protobuf.type], ['JSON', 'PROTOBUF']);
      assert.deepEqual(await registry.byId(protobuf.id), protobuf);
      const again = 'syntax="proto3"; message Kind { string name = 1; }';
      assert.deepEqual(await registry.register('kinds-protobuf', 'PROTOBUF', again), protobuf);
      for (const schema of [
        '',
        'message {',
        'message M { Missing m = 1; }',
        'import "none.proto";',
        '{"type":"record"}',
      ])
        await assert.rejects(registry.register('kinds-protobuf', 'PROTOBUF', schema), invalid, schema);
    });

    it('refuses what cannot read the events that are there, and keeps nothing of it', async () => {
      const first = await registry.register('evolving-value', 'AVRO', record('Evolving'));
      const error = await registry.register('evolving-value', 'AVRO', record('Evolving', '"long"')).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(isFault(error, 'SCHEMA_INCOMPATIBLE'), String(error));
      assert.match(error.message, /evolving-value/);
      assert.deepEqual(await registry.latest('evolving-value'), first);
    });

    it('takes any subject', async () => {
      const subjects = [
        '..',
        '.',
        '.hidden',
        'a/b',
        'a\\b',
        'a%2Fb',
        'Case',
        'case',
        'ü \u{1f600}',
        '\0',
        'x'.repeat(200),
        '__proto__',
      ];
      const registered = [];
      for (const subject of subjects) registered.push(await registry.register(subject, 'AVRO', record('Any')));
      const restarted = await opened.restart();
      for (const [i, subject] of subjects.entries()) assert.deepEqual(await restarted.latest(subject), registered[i]);
      assert.deepEqual(new Set(subjects).difference(new Set(await restarted.subjects())), new Set());
    });

    it('gives many who register at the same time ids and versions without doubles', async () => {
      const schemas = Array.from({ length: 20 }, (_, i) => documented('Busy', `${i % 10}`));
      const registered = await Promise.all(schemas.map((schema) => registry.register('busy-value', 'AVRO', schema)));
      assert.equal(new Set(registered.map(({ id }) => id)).size, 10);
      const versions = new Set(registered.map(({ version }) => version));
      assert.deepEqual(versions, new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
      for (const [i, one] of registered.entries()) assert.deepEqual(one, registered[i % 10]);
    });

    it('is the same after a restart, and goes on counting', async () => {
      const old = await registry.register('restart-value', 'AVRO', documented('Restarted', 'before'));
      const restarted = await opened.restart();
      assert.deepEqual(await restarted.latest('restart-value'), old);
      assert.deepEqual(await restarted.byId(old.id), old);
      const next = await restarted.register('restart-value', 'AVRO', documented('Restarted', 'after'));
      assert.deepEqual([next.version, next.id > old.id], [2, true]);
    });
  });
}
