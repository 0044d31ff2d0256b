/**
 * What every schema registry promises: `src/schemas/registry.ts`. Registries differ in which schemas they take for the same; what is
 * asked here holds for Confluent's, Apicurio's and ours (what ours promises beyond it: embedded-registry.ts).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import type { SchemaRegistry } from '../../src/schemas/registry.ts';

export interface OpenRegistry {
  readonly registry: SchemaRegistry;
  /** Of subjects, where others use the registry too. Default: none. */
  readonly prefix?: string;
  /** The same registry, as it is after a restart. */
  restart(): Promise<SchemaRegistry>;
  close(): Promise<void>;
}

const unknown = (error: unknown): boolean => isFault(error, 'SCHEMA_UNKNOWN');
const invalid = (error: unknown): boolean => isFault(error, 'SCHEMA_INVALID');

export const record = (name: string, type = '"string"'): string =>
  `{"type":"record","name":"${name}","fields":[{"name":"f","type":${type}}]}`;

/** All of one name read each other, in any order. */
export const variant = (name: string, mark: string): string =>
  `{"type":"record","name":"${name}","fields":[{"name":"f","type":"string"},{"name":"_${mark.replaceAll('-', '_')}","type":["null","string"],"default":null}]}`;

/** Not every registry believes that an object is a JSON Schema. */
const jsonSchema = (members: object): string =>
  JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...members });

export function registryContract(driver: string, open: () => Promise<OpenRegistry>): void {
  describe(`schema registry: ${driver}`, () => {
    let opened: OpenRegistry;
    let registry: SchemaRegistry;
    const own = (name: string): string => `${opened.prefix ?? ''}${name}`;
    before(async () => {
      opened = await open();
      registry = opened.registry;
    });
    after(() => opened.close());

    it('gives back what was registered, the newest version and each id', async () => {
      const first = await registry.register(own('orders-value'), 'AVRO', record('Order'));
      const second = await registry.register(own('orders-value'), 'AVRO', record('Order', '["null","string"]'));
      assert.deepEqual(first, { ...first, subject: own('orders-value'), version: 1, type: 'AVRO' });
      assert.deepEqual(JSON.parse(first.schema), JSON.parse(record('Order')));
      assert.equal(second.version, 2);
      assert.notEqual(second.id, first.id);
      assert.deepEqual(await registry.latest(own('orders-value')), second);
      assert.deepEqual(await registry.byId(first.id), first);
      assert.deepEqual(await registry.byId(second.id), second);
    });

    it('answers the version that is there already, whatever the spaces and the order of members', async () => {
      const first = await registry.register(own('again-value'), 'AVRO', record('Again'));
      const second = await registry.register(own('again-value'), 'AVRO', record('Again', '["null","string"]'));
      const spaced = '{ "fields": [ { "type": "string", "name": "f" } ],\n "name": "Again", "type": "record" }';
      assert.deepEqual(await registry.register(own('again-value'), 'AVRO', spaced), first);
      assert.deepEqual(
        await registry.register(own('again-value'), 'AVRO', record('Again', '["null","string"]')),
        second,
      );
      assert.equal((await registry.latest(own('again-value'))).version, 2);
    });

    it('gives the same schema the same id under another subject', async () => {
      const first = await registry.register(own('shared-a'), 'AVRO', record('Shared'));
      const second = await registry.register(own('shared-b'), 'AVRO', record('Shared'));
      assert.deepEqual([second.id, second.subject, second.version], [first.id, own('shared-b'), 1]);
      assert.deepEqual(await registry.latest(own('shared-b')), second);
    });

    it('tells schemas apart that differ in kind, in one digit, or in order that counts', async () => {
      const schemas = [
        jsonSchema({ maximum: 1 }).replace('1}', '9007199254740993}'),
        jsonSchema({ maximum: 1 }).replace('1}', '9007199254740992}'),
        jsonSchema({ enum: [1, 2] }),
        jsonSchema({ enum: [2, 1] }),
        jsonSchema({}),
      ];
      const ids = [];
      for (const [i, schema] of [...schemas, jsonSchema({ type: 'string' })].entries())
        ids.push((await registry.register(own(`apart-${i}`), 'JSON', schema)).id);
      ids.push((await registry.register(own('apart-avro'), 'AVRO', '{"type":"string"}')).id);
      assert.equal(new Set(ids).size, 7);
    });

    it('says what is unknown', async () => {
      await assert.rejects(registry.latest(own('nobody')), unknown);
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
        await assert.rejects(registry.register(own('bad-value'), 'AVRO', schema), invalid, schema);
      for (const schema of [
        '{',
        '3',
        '[]',
        jsonSchema({ type: 'strin' }),
        jsonSchema({ $ref: '#/nowhere' }),
        jsonSchema({ pattern: '(' }),
      ])
        await assert.rejects(registry.register(own('bad-value'), 'JSON', schema), invalid, schema);
      await assert.rejects(registry.latest(own('bad-value')), unknown);
      assert.ok(!(await registry.subjects()).includes(own('bad-value')));
    });

    it('reads JSON Schema and Protobuf as well', async () => {
      const json = await registry.register(own('kinds-json'), 'JSON', jsonSchema({ type: 'object' }));
      const proto = 'syntax = "proto3";\n// a comment\nmessage Kind { string name = 1; }\n';
      const protobuf = await registry.register(own('kinds-protobuf'), 'PROTOBUF', proto);
      assert.deepEqual([json.type, protobuf.type], ['JSON', 'PROTOBUF']);
      assert.deepEqual(await registry.byId(protobuf.id), protobuf);
      for (const schema of [
        '',
        'message {',
        'message M { Missing m = 1; }',
        'import "none.proto";',
        '{"type":"record"}',
      ])
        await assert.rejects(registry.register(own('kinds-protobuf'), 'PROTOBUF', schema), invalid, schema);
    });

    it('refuses what cannot read the events that are there, and keeps nothing of it', async () => {
      const first = await registry.register(own('evolving-value'), 'AVRO', record('Evolving'));
      const error = await registry.register(own('evolving-value'), 'AVRO', record('Evolving', '"long"')).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(isFault(error, 'SCHEMA_INCOMPATIBLE'), String(error));
      assert.match(error.message, /evolving-value/);
      assert.deepEqual(await registry.latest(own('evolving-value')), first);
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
      ].map(own);
      const registered = [];
      for (const subject of subjects) registered.push(await registry.register(subject, 'AVRO', record('Any')));
      const restarted = await opened.restart();
      for (const [i, subject] of subjects.entries()) assert.deepEqual(await restarted.latest(subject), registered[i]);
      assert.deepEqual(new Set(subjects).difference(new Set(await restarted.subjects())), new Set());
    });

    it('gives many who register at the same time ids and versions without doubles', async () => {
      const schemas = Array.from({ length: 20 }, (_, i) => variant('Busy', `${i % 10}`));
      const registered = await Promise.all(
        schemas.map((schema) => registry.register(own('busy-value'), 'AVRO', schema)),
      );
      assert.equal(new Set(registered.map(({ id }) => id)).size, 10);
      const versions = new Set(registered.map(({ version }) => version));
      assert.deepEqual(versions, new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
      for (const [i, one] of registered.entries()) assert.deepEqual(one, registered[i % 10]);
    });

    it('is the same after a restart, and goes on counting', async () => {
      const old = await registry.register(own('restart-value'), 'AVRO', variant('Restarted', 'before'));
      const restarted = await opened.restart();
      assert.deepEqual(await restarted.latest(own('restart-value')), old);
      assert.deepEqual(await restarted.byId(old.id), old);
      const next = await restarted.register(own('restart-value'), 'AVRO', variant('Restarted', 'after'));
      assert.deepEqual([next.version, next.id > old.id], [2, true]);
    });
  });
}
