/** What every registry that can be administered promises: `src/schemas/administration.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RegistryAdministration, SchemaContent } from '../../src/schemas/administration.ts';
import { RegistryFault } from '../../src/schemas/registry-fault.ts';
import { variant, record } from './registry.ts';

export interface OpenAdministration {
  readonly administration: RegistryAdministration;
  /** The same registry, as it is after a restart, or as another process sees it. */
  restart(): Promise<RegistryAdministration>;
  close(): Promise<void>;
}

export const avro = (schema: string, references: SchemaContent['references'] = []): SchemaContent => ({
  type: 'AVRO',
  schema,
  references,
});

const protobuf = (schema: string): SchemaContent => ({ type: 'PROTOBUF', schema, references: [] });

/** Of a subject, as `1` or `1 deleted`. */
async function numbers(from: RegistryAdministration, subject: string): Promise<readonly string[]> {
  const versions = await from.versions(subject, 'all');
  return versions.map(({ version, isDeleted }) => `${version}${isDeleted ? ' deleted' : ''}`);
}

const refused = (errorCode: number) => (error: unknown) =>
  error instanceof RegistryFault && error.errorCode === errorCode;

export function administrationContract(driver: string, open: () => Promise<OpenAdministration>): void {
  describe(`administration of the schema registry: ${driver}`, () => {
    let opened: OpenAdministration;
    let registry: RegistryAdministration;
    before(async () => {
      opened = await open();
      registry = opened.administration;
    });
    after(() => opened.close());

    /** Versions 1 to `count`, which read each other. */
    const fill = async (subject: string, count: number): Promise<void> => {
      for (let i = 1; i <= count; i++) await registry.register(subject, avro(variant(subject, `${i}`)));
    };
    it('deletes a version first for new uses, then permanently; ids are read until then (D1)', async () => {
      await fill('versions', 3);
      const { id } = await registry.version('versions', 2, 'live');
      assert.equal(await registry.deleteVersion('versions', 2, false), 2);
      assert.deepEqual(await numbers(await opened.restart(), 'versions'), ['1', '2 deleted', '3']);
      assert.equal((await registry.versionsOfId(id, 'all')).length, 1);
      assert.equal((await registry.versionsOfId(id, 'live')).length, 0);
      await assert.rejects(registry.version('versions', 2, 'live'), refused(40402));
      assert.equal((await registry.version('versions', 2, 'all')).isDeleted, true);
      assert.equal(await registry.deleteVersion('versions', 2, true), 2);
      assert.deepEqual(await numbers(await opened.restart(), 'versions'), ['1', '3']);
      assert.deepEqual(await registry.versionsOfId(id, 'all'), []);
      assert.equal(await registry.deleteVersion('versions', 'latest', false), 3);
      assert.equal((await registry.version('versions', 'latest', 'live')).version, 1);
    });

    it('deletes a subject with its settings, at once; its numbers begin anew, its ids keep their meaning (D1)', async () => {
      await fill('whole', 2);
      const before1 = await registry.version('whole', 1, 'live');
      await registry.setCompatibility('whole', 'NONE');
      await registry.setMode('whole', 'READWRITE', false);
      assert.deepEqual(await registry.deleteSubject('whole', false), [1, 2]);
      assert.ok(!(await registry.subjects('live')).includes('whole'));
      assert.ok((await registry.subjects('deleted')).includes('whole'));
      assert.equal(await registry.compatibility('whole'), undefined);
      assert.equal(await registry.mode('whole'), undefined);
      const third = await registry.register('whole', avro(variant('whole', '1')));
      assert.deepEqual([third.version, third.id], [3, before1.id]);
      assert.deepEqual(await registry.deleteSubject('whole', false), [3]);
      assert.deepEqual(await registry.deleteSubject('whole', true), [1, 2, 3]);
      const restarted = await opened.restart();
      assert.ok(!(await restarted.subjects('all')).includes('whole'));
      const anew = await registry.register('whole', avro(variant('whole', 'anew')));
      assert.equal(anew.version, 1);
      assert.notEqual(anew.id, before1.id);
      assert.deepEqual(await restarted.version('whole', 'latest', 'live'), anew);
    });

    it('keeps settings, of the registry and of subjects, and takes them back (D1)', async () => {
      assert.deepEqual([await registry.compatibility(), await registry.mode()], [undefined, undefined]);
      await registry.setCompatibility(undefined, 'FULL_TRANSITIVE');
      await registry.setCompatibility('settings', 'FORWARD');
      await registry.setMode('settings', 'READONLY', false);
      const restarted = await opened.restart();
      assert.deepEqual(
        [await restarted.compatibility(), await restarted.compatibility('settings')],
        ['FULL_TRANSITIVE', 'FORWARD'],
      );
      assert.equal(await restarted.mode('settings'), 'READONLY');
      await restarted.setMode('settings', undefined, false);
      await restarted.setCompatibility('settings', undefined);
      await restarted.setCompatibility(undefined, undefined);
      assert.deepEqual(
        [await registry.compatibility(), await registry.compatibility('settings')],
        [undefined, undefined],
      );
      assert.equal(await registry.mode('settings'), undefined);
    });

    it('compares with the versions that the level names, deleted ones not', async () => {
      const optional = record('Level', '["null","string"]');
      await registry.register('level', avro(record('Level')));
      await registry.register('level', avro(optional));
      const long = avro(record('Level', '["null","long"]'));
      const problems = await registry.problems('level', long, 'latest');
      assert.deepEqual([problems.length > 0, problems[0]?.version], [true, 2]);
      await assert.rejects(registry.register('level', long), refused(409));
      await registry.setCompatibility('level', 'FORWARD');
      await assert.rejects(registry.register('level', avro(record('Level', '"long"'))), refused(409));
      await registry.setCompatibility('level', 'BACKWARD_TRANSITIVE');
      assert.deepEqual(await registry.problems('level', avro(record('Level', '["null","string","int"]')), 'all'), []);
      await registry.deleteVersion('level', 2, false);
      await registry.deleteVersion('level', 1, false);
      assert.deepEqual(await registry.problems('level', long, 'all'), []);
      assert.equal((await registry.register('level', long)).version, 3);
      await registry.setCompatibility('level', 'NONE');
      assert.equal((await registry.register('level', avro('"int"'))).version, 4);
    });

    it('keeps what others refer to, and finds it for whoever reads them', async () => {
      await registry.register('street', avro('{"type":"record","name":"Street","fields":[]}'));
      const address = '{"type":"record","name":"Address","fields":[{"name":"street","type":"Street"}]}';
      const toStreet = [{ name: 'Street', subject: 'street', version: 1 }];
      await registry.register('address', avro(address, toStreet));
      const person = '{"type":"record","name":"Person","fields":[{"name":"at","type":"Address"}]}';
      const toAddress = [{ name: 'Address', subject: 'address', version: -1 }];
      const registered = await registry.register('person', avro(person, toAddress));
      assert.deepEqual(registered.references, [{ name: 'Address', subject: 'address', version: 1 }]);
      assert.deepEqual(
        (await registry.referenced(registered)).map(({ name }) => name),
        ['Street', 'Address'],
      );
      assert.deepEqual(await registry.referencedBy('address', 'latest'), [registered.id]);
      await assert.rejects(registry.deleteSubject('address', false), refused(42206));
      await assert.rejects(registry.register('alone', avro(person)), refused(42201));
      await registry.deleteSubject('person', false);
      await registry.deleteSubject('address', false);
      await assert.rejects(registry.deleteSubject('address', true), refused(42206));
      await registry.deleteSubject('person', true);
      assert.deepEqual(await registry.deleteSubject('address', true), [1]);
    });

    it('finds a schema whatever its form, with normalize also whatever says the same in other words', async () => {
      const text = 'syntax = "proto3";\npackage p;\nmessage M { N n = 1; }\nmessage N { optional string s = 1; }';
      const { version } = await registry.register('forms', protobuf(text));
      const spaced = protobuf(`// of forms\n${text.replaceAll('\n', ' ')}`);
      assert.equal((await registry.find('forms', spaced, { which: 'live' }))?.version, version);
      const inFull = protobuf(text.replace('N n', '.p.N n'));
      assert.equal(await registry.find('forms', inFull, { which: 'live' }), undefined);
      assert.equal((await registry.find('forms', inFull, { which: 'live', normalize: true }))?.version, version);
      assert.equal((await registry.register('forms', inFull, { normalize: true })).version, version);
      assert.equal(await registry.find('forms', avro('"int"'), { which: 'all' }), undefined);
    });

    it('imports ids and versions where the mode says so, and never gives an id another meaning', async () => {
      await registry.setMode('imported', 'IMPORT', false);
      const id = (await registry.maxId()) + 100;
      const first = await registry.register('imported', avro(record('Imported')), { id, version: 5 });
      assert.deepEqual([first.id, first.version], [id, 5]);
      const long = avro(record('Imported', '"long"'));
      await assert.rejects(registry.register('imported', long, { id }), refused(42205));
      await assert.rejects(registry.register('imported', long, { version: 5 }), refused(42205));
      assert.deepEqual(await registry.register('imported', avro(record('Imported')), { id, version: 5 }), first);
      const second = await registry.register('imported', long);
      assert.deepEqual([second.id, second.version], [id + 1, 6]);
    });

    it('refuses changes in mode READONLY, and with READONLY_OVERRIDE in every subject; reads go on', async () => {
      await fill('read', 1);
      await registry.setMode('read', 'READWRITE', false);
      await registry.setMode(undefined, 'READONLY', false);
      await fill('read', 2);
      await assert.rejects(fill('closed', 1), refused(42205));
      await registry.setMode(undefined, 'READONLY_OVERRIDE', false);
      await assert.rejects(fill('read', 3), refused(42205));
      await fill('read', 2);
      assert.deepEqual(await numbers(registry, 'read'), ['1', '2']);
      await registry.setMode(undefined, undefined, false);
      await fill('read', 3);
    });

    it('decides between two processes that change a subject at the same time (D1)', async () => {
      await fill('contended', 8);
      const other = await opened.restart();
      const deletions = [1, 2, 3, 4, 5, 6, 7].map((version, i) =>
        (i % 2 === 0 ? registry : other).deleteVersion('contended', version, false),
      );
      const levels = (['FULL', 'FORWARD', 'NONE', 'FULL'] as const).map((level, i) =>
        (i % 2 === 0 ? other : registry).setCompatibility('contended', level),
      );
      const added = [9, 10, 11, 12].map((doc, i) =>
        (i % 2 === 0 ? other : registry).register('contended', avro(variant('contended', `${doc}`))),
      );
      assert.deepEqual(await Promise.all(deletions), [1, 2, 3, 4, 5, 6, 7]);
      await Promise.all(levels);
      const versions = (await Promise.all(added)).map(({ version }) => version);
      assert.deepEqual(
        versions.toSorted((a, b) => a - b),
        [9, 10, 11, 12],
      );
      const seen = await numbers(registry, 'contended');
      assert.deepEqual(seen, [...[1, 2, 3, 4, 5, 6, 7].map((n) => `${n} deleted`), '8', '9', '10', '11', '12']);
      assert.deepEqual(await numbers(other, 'contended'), seen);
      assert.equal(await other.compatibility('contended'), await registry.compatibility('contended'));
    });
  });
}
