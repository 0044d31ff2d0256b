import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import type { OutsideRegistry } from '../../src/schemas/cached-registry.ts';
import { type OutsideRegistryOptions, openOutsideRegistry } from '../../src/schemas/outside-registry.ts';
import { record, variant } from '../contracts/registry.ts';
import { type RegistryServer, startRegistryServer } from '../support/registry-server.ts';
import { answerJson, answerUnknown, startScriptedRegistry } from '../support/scripted-registry.ts';

const unavailable = (error: unknown): boolean => isFault(error, 'SCHEMA_REGISTRY_UNAVAILABLE');
const unknown = (error: unknown): boolean => isFault(error, 'SCHEMA_UNKNOWN');
const freshMs = 10_000;

describe('what is known of a registry elsewhere', () => {
  let dir: string;
  let nowMs: number;
  let told: string[];
  const closing: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-known-'));
    nowMs = 0;
    told = [];
  });
  afterEach(async () => {
    for (const one of closing.splice(0).toReversed()) await one.close();
    await rm(dir, { recursive: true });
  });

  async function open(address: string, more: Partial<OutsideRegistryOptions> = {}): Promise<OutsideRegistry> {
    const tellTo = told; // what is still under way belongs to the test that asked
    const observer = {
      unreachable: () => void tellTo.push('unreachable'),
      reachable: () => void tellTo.push('reachable'),
      distrusted: (error: unknown) => void tellTo.push(`distrusted: ${(error as Error).message}`),
      notKept: (error: unknown) => void tellTo.push(`not kept: ${(error as Error).message}`),
    };
    const options = { address, dir, isReadOnly: false, observer, now: () => nowMs, timeoutMs: 1_500, ...more };
    const registry = await openOutsideRegistry(options);
    closing.push(registry);
    return registry;
  }

  async function start(): Promise<RegistryServer> {
    const server = await startRegistryServer();
    closing.push({ close: () => server.close().catch(() => undefined) });
    return server;
  }

  it('goes on while it is down, here and after a restart; what is not known is an error', async () => {
    const server = await start();
    const registry = await open(server.url);
    const first = await registry.register('events', 'AVRO', record('Event'));
    const second = await registry.register('events', 'AVRO', record('Event', '["null","string"]'));
    await registry.latest('events');
    await server.close();
    nowMs += freshMs;
    for (const one of [registry, await open(server.url), await open(server.url, { isReadOnly: true })]) {
      assert.deepEqual(await one.latest('events'), second);
      assert.deepEqual(await one.byId(first.id), first);
      assert.deepEqual(await one.registeredBefore('events', 'AVRO', record('Event')), first);
      assert.equal(await one.registeredBefore('events', 'AVRO', record('Other')), undefined);
      await assert.rejects(one.latest('others'), unavailable);
      await assert.rejects(one.byId(99), unavailable);
      await assert.rejects(one.register('events', 'AVRO', record('Event')), unavailable);
    }
    assert.deepEqual(new Set(told), new Set(['unreachable']));
  });

  it('knows what a schema refers to, too', async () => {
    const server = await start();
    await server.ask('POST', '/subjects/street/versions', { schema: '{"type":"record","name":"Street","fields":[]}' });
    const address = '{"type":"record","name":"Address","fields":[{"name":"street","type":"Street"}]}';
    const references = [{ name: 'Street', subject: 'street', version: 1 }];
    await server.ask('POST', '/subjects/address/versions', { schema: address, references });
    const found = await (await open(server.url)).latest('address');
    assert.deepEqual(
      found.references?.map(({ name }) => name),
      ['Street'],
    );
    await server.close();
    const restarted = await open(server.url);
    assert.deepEqual(await restarted.byId(found.id), found);
  });

  it('asks once for what many ask at the same time, for an id once at all, for the newest again after ten seconds', async () => {
    const scripted = await startScriptedRegistry((request, response) => {
      if (request.url === '/schemas/ids/7') answerJson(response, 200, { schema: record('A') });
      else if (request.url?.startsWith('/schemas/ids/7/versions')) answerJson(response, 200, []);
      else answerJson(response, 200, { subject: 's', version: 1, id: 7, schema: record('A') });
    });
    closing.push(scripted);
    const registry = await open(scripted.url);
    const all = await Promise.all(Array.from({ length: 50 }, () => registry.latest('s')));
    assert.equal(new Set(all).size, 1);
    assert.deepEqual(scripted.asked, ['GET /subjects/s/versions/latest']);
    await Promise.all(Array.from({ length: 50 }, () => registry.byId(7)));
    nowMs += freshMs - 1;
    await registry.latest('s');
    assert.equal(scripted.asked.length, 1);
    nowMs += 1;
    await Promise.all(Array.from({ length: 50 }, () => registry.latest('s')));
    assert.equal(scripted.asked.length, 2);
    const other = await open(scripted.url, { dir: join(dir, 'other') });
    const byId = await Promise.all(Array.from({ length: 50 }, () => other.byId(7)));
    assert.deepEqual([byId[0]?.schema, scripted.asked.length], [record('A'), 4]);
  });

  it('a new version is in use after ten seconds, at once where it was registered from here', async () => {
    const server = await start();
    const ours = await open(server.url);
    const theirs = await open(server.url, { dir: join(dir, 'theirs') });
    const first = await ours.register('s', 'AVRO', variant('S', '1'));
    const second = await theirs.register('s', 'AVRO', variant('S', '2'));
    assert.deepEqual([await ours.latest('s'), await theirs.latest('s')], [first, second]);
    nowMs += freshMs;
    assert.deepEqual(await ours.latest('s'), second);
    const third = await ours.register('s', 'AVRO', variant('S', '3'));
    assert.deepEqual(await ours.latest('s'), third);
    assert.deepEqual(await ours.register('s', 'AVRO', variant('S', '1')), first);
    assert.deepEqual(await ours.latest('s'), third);
  });

  it('what is known is not waited for: a quarter of a second once, then not at all', async () => {
    let isStalled = false;
    const scripted = await startScriptedRegistry((_request, response) => {
      if (!isStalled) answerJson(response, 200, { subject: 's', version: 1, id: 7, schema: record('A') });
    });
    closing.push(scripted);
    const registry = await open(scripted.url, { now: () => performance.now() + nowMs });
    await registry.latest('s');
    isStalled = true;
    nowMs += freshMs;
    const waits = [];
    for (let i = 0; i < 3; i += 1) {
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: 20 }, () => registry.latest('s')));
      waits.push(performance.now() - startedMs);
    }
    assert.ok(waits[0]! > 200 && waits[0]! < 1_000, `waited ${waits.join(', ')} ms`);
    assert.ok(Math.max(...waits.slice(1)) < 100, `waited ${waits.join(', ')} ms`);
  });

  it('what is not known ends in time, however many wait for it', async () => {
    const scripted = await startScriptedRegistry(() => undefined);
    closing.push(scripted);
    const registry = await open(scripted.url, { timeoutMs: 300, now: () => performance.now() });
    const startedMs = performance.now();
    const asks = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? registry.latest('s') : registry.byId(3)));
    for (const one of await Promise.allSettled(asks)) assert.ok(one.status === 'rejected' && unavailable(one.reason));
    assert.ok(performance.now() - startedMs < 1_000);
    assert.deepEqual(told, ['unreachable']);
  });

  it('forgets the newest version where the registry says that there is none any more, never an id', async () => {
    const server = await start();
    const registry = await open(server.url);
    const { id } = await registry.register('s', 'AVRO', record('S'));
    await server.ask('DELETE', '/subjects/s');
    assert.equal((await registry.latest('s')).id, id);
    nowMs += freshMs;
    await assert.rejects(registry.latest('s'), unknown);
    assert.equal((await registry.byId(id)).id, id);
    const restarted = await open(server.url);
    await server.close();
    await assert.rejects(restarted.latest('s'), unavailable);
    assert.equal((await restarted.byId(id)).id, id);
  });

  it('a registry that gives an id another meaning is not believed, and told of once', async () => {
    let schema = record('A');
    const scripted = await startScriptedRegistry((_request, response) =>
      answerJson(response, 200, { subject: 's', version: 1, id: 7, schema }),
    );
    closing.push(scripted);
    const registry = await open(scripted.url);
    await registry.latest('s');
    schema = record('B');
    for (let i = 0; i < 2; i += 1) {
      nowMs += freshMs;
      assert.equal((await registry.latest('s')).schema, record('A'));
    }
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^distrusted: the schema registry at .* gives the id 7 to another schema .* remove .*/);
    const restarted = await open(scripted.url);
    await assert.rejects(restarted.latest('t'), unavailable);
    assert.equal((await restarted.byId(7)).schema, record('A'));
  });

  it('the ids of one registry mean nothing at another', async () => {
    const [one, other] = [await start(), await start()];
    const { id } = await (await open(one.url)).register('s', 'AVRO', record('S'));
    await assert.rejects((await open(other.url)).byId(id), unknown);
    const withPassword = await open(one.url.replace('//', '//me:secret@'));
    await one.close();
    assert.equal((await withPassword.byId(id)).id, id);
    assert.equal(withPassword.address, one.url);
  });

  it('a file that is not as it was written is as good as missing', async () => {
    const server = await start();
    const { id } = await (await open(server.url)).register('s', 'AVRO', record('S'));
    const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.json'));
    assert.equal(files.length, 2);
    for (const name of files) {
      const whole = await readFile(join(dir, name), 'utf8');
      for (const damaged of [
        whole.slice(0, -20),
        '',
        whole.replace('"id":1', '"id":2'),
        whole.replace('S', 'T'),
        '[]',
      ]) {
        await writeFile(join(dir, name), damaged);
        const registry = await open(server.url);
        assert.deepEqual(
          [(await registry.latest('s')).schema, (await registry.byId(id)).schema],
          [record('S'), record('S')],
          `${name} ${damaged}`,
        );
      }
    }
    assert.deepEqual(told, []);
    await server.close();
    assert.equal((await (await open(server.url)).latest('s')).schema, record('S'), 'it was written again');
  });

  it('goes on where the directory cannot be written, and says so', async () => {
    const server = await start();
    const registry = await open(server.url);
    await rm(dir, { recursive: true });
    const registered = await registry.register('s', 'AVRO', record('S'));
    assert.deepEqual(await registry.latest('s'), registered);
    assert.ok(told.length > 0 && told.every((one) => one.startsWith('not kept: ENOENT')), told.join());
    dir = await mkdtemp(join(tmpdir(), 'tributary-known-'));
  });

  it('asks for no id that there cannot be', async () => {
    const scripted = await startScriptedRegistry((_request, response) => answerUnknown(response, 40403));
    closing.push(scripted);
    const registry = await open(scripted.url);
    for (const id of [0, -1, 1.5, Number.NaN, 2 ** 31, Infinity]) await assert.rejects(registry.byId(id), unknown);
    assert.deepEqual(scripted.asked, []);
    await assert.rejects(registry.byId(1), unknown);
    assert.equal(scripted.asked.length, 1);
  });
});
