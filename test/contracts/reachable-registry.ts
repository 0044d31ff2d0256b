/** What the command line needs of every registry, wherever that is: `ReachableRegistry` of `src/schemas/remote-registry.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SchemaContent } from '../../src/schemas/administration.ts';
import { RegistryFault } from '../../src/schemas/registry-fault.ts';
import type { ReachableRegistry } from '../../src/schemas/remote-registry.ts';
import { avro } from './registry-administration.ts';
import { record, variant } from './registry.ts';

export interface OpenReachable {
  readonly registry: ReachableRegistry;
  /** Of subjects, where others use the registry too. Default: none. */
  readonly prefix?: string;
  close(): Promise<void>;
}

const protobuf = (schema: string, references: SchemaContent['references'] = []): SchemaContent => ({
  type: 'PROTOBUF',
  schema,
  references,
});

const refused = (errorCode: number) => (error: unknown) =>
  error instanceof RegistryFault && error.errorCode === errorCode;

export function reachableContract(driver: string, open: () => Promise<OpenReachable>): void {
  describe(`schema registry within reach: ${driver}`, () => {
    let opened: OpenReachable;
    let registry: ReachableRegistry;
    const own = (name: string): string => `${opened.prefix ?? ''}${name}`;
    before(async () => {
      opened = await open();
      registry = opened.registry;
    });
    after(() => opened.close());

    it('lists what was registered, with its versions in their order', async () => {
      const first = await registry.register(own('listed'), avro(variant('Listed', '1')));
      const second = await registry.register(own('listed'), avro(variant('Listed', '2')));
      assert.deepEqual([first.version, second.version], [1, 2]);
      assert.deepEqual(await registry.versions(own('listed'), 'live'), [first, second]);
      assert.deepEqual(await registry.version(own('listed'), 1, 'live'), first);
      assert.deepEqual(await registry.version(own('listed'), 'latest', 'live'), second);
      assert.deepEqual(await registry.register(own('listed'), avro(variant('Listed', '1'))), first);
      assert.ok((await registry.subjects('live')).includes(own('listed')));
    });

    it('says what is unknown', async () => {
      await registry.register(own('known'), avro(record('Known')));
      await assert.rejects(registry.version(own('nobody'), 'latest', 'live'), refused(40401));
      await assert.rejects(registry.version(own('known'), 2, 'live'), refused(40402));
      assert.deepEqual(await registry.versions(own('nobody'), 'live'), []);
    });

    it('says whether a schema could be registered, also under a new subject', async () => {
      await registry.register(own('checked'), avro(record('Checked')));
      assert.deepEqual(
        await registry.problems(own('checked'), avro(record('Checked', '["null","string"]')), 'all'),
        [],
      );
      for (const against of ['all', 'latest', 1] as const) {
        const problems = await registry.problems(own('checked'), avro(record('Checked', '"long"')), against);
        assert.ok(problems.length > 0 && problems.every(({ message }) => message.length > 0));
      }
      await assert.rejects(registry.register(own('checked'), avro(record('Checked', '"long"'))), refused(409));
      await assert.rejects(registry.register(own('checked'), avro('{"type":"strin"}')), refused(42201));
      assert.deepEqual(await registry.problems(own('not-there'), avro(record('Checked')), 'all'), []);
    });

    it('tells the level of compatibility, of a subject where the registry’s holds too', async () => {
      await registry.register(own('level'), avro(record('Level')));
      const whole = (await registry.compatibility()) ?? 'BACKWARD';
      assert.equal((await registry.compatibility(own('level'))) ?? whole, whole);
    });

    it('finds what a schema refers to, and what that does', async () => {
      await registry.register(own('street'), avro('{"type":"record","name":"Street","fields":[]}'));
      const address = '{"type":"record","name":"Address","fields":[{"name":"street","type":"Street"}]}';
      const toStreet = { name: 'Street', subject: own('street'), version: 1 };
      await registry.register(own('address'), avro(address, [toStreet]));
      const person = '{"type":"record","name":"Person","fields":[{"name":"at","type":"Address"}]}';
      const toAddress = { name: 'Address', subject: own('address'), version: -1 };
      const registered = await registry.register(own('person'), avro(person, [toAddress]));
      assert.deepEqual(registered.references, [{ ...toAddress, version: 1 }]);
      const names = (await registry.referenced(registered)).map(({ name }) => name);
      assert.deepEqual(names, ['Street', 'Address']);
      const a = 'syntax = "proto3";\nmessage A { string s = 1; }\n';
      await registry.register(own('a.proto'), protobuf(a));
      const b = 'syntax = "proto3";\nimport "a.proto";\nmessage B { A a = 1; }\n';
      const toA = { name: 'a.proto', subject: own('a.proto'), version: 1 };
      const { references } = await registry.register(own('b.proto'), protobuf(b, [toA]));
      assert.deepEqual(references, [toA]);
    });
  });
}
