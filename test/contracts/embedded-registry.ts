/** What the embedded schema registry promises beyond what every one does (registry.ts). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SchemaRegistry } from '../../src/schemas/registry.ts';
import { type OpenRegistry, record } from './registry.ts';

const documented = (doc: string): string => record('Told').replace('{', `{"doc":"${doc}",`);

export function embeddedRegistryContract(driver: string, open: () => Promise<OpenRegistry>): void {
  describe(`embedded schema registry: ${driver}`, () => {
    let opened: OpenRegistry;
    let registry: SchemaRegistry;
    before(async () => {
      opened = await open();
      registry = opened.registry;
    });
    after(() => opened.close());

    it('takes Protobuf for the same whatever the spaces and comments', async () => {
      const proto = 'syntax = "proto3";\n// a comment\nmessage Kind { string name = 1; }\n';
      const first = await registry.register('kinds', 'PROTOBUF', proto);
      const again = 'syntax="proto3"; message Kind { string name = 1; }';
      assert.deepEqual(await registry.register('kinds', 'PROTOBUF', again), first);
    });

    it('takes another word of documentation for another version', async () => {
      const first = await registry.register('told', 'AVRO', documented('so'));
      const second = await registry.register('told', 'AVRO', documented('otherwise'));
      assert.deepEqual([second.version, second.id > first.id], [2, true]);
    });

    it('takes subjects that paths and URLs have another use for', async () => {
      const subjects = ['..', '.', '.hidden', '%2e%2e', '__proto__', 'Case', 'case'];
      const registered = [];
      for (const subject of subjects) registered.push(await registry.register(subject, 'AVRO', record('Any')));
      const restarted = await opened.restart();
      for (const [i, subject] of subjects.entries()) assert.deepEqual(await restarted.latest(subject), registered[i]);
    });

    it('takes any JSON Schema', async () => {
      for (const [i, schema] of ['{}', '{"enum":[1,2]}', '{"type":"string"}'].entries())
        assert.equal((await registry.register(`any-${i}`, 'JSON', schema)).type, 'JSON');
    });
  });
}
