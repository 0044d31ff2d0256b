/** The schema registry's interface, as clients of Confluent's use it; what it refuses stands in registry-errors.test.ts. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { variant, record } from '../contracts/registry.ts';
import { httpRequest } from '../support/http-request.ts';
import { type RegistryServer, startRegistryServer } from '../support/registry-server.ts';

suite('the schema registry over HTTP', () => {
  let server: RegistryServer;
  before(async () => {
    server = await startRegistryServer();
  });
  after(() => server.close());

  /** The body of a 200. */
  const ok = async <Body = unknown>(method: string, path: string, body?: unknown): Promise<Body> => {
    const answer = await server.ask(method, path, body);
    assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as Body;
  };
  const register = async (subject: string, body: object, query = ''): Promise<number> =>
    (await ok<{ id: number }>('POST', `/subjects/${encodeURIComponent(subject)}/versions${query}`, body)).id;

  const listed = async (query: string): Promise<readonly string[]> => {
    const schemas = await ok<{ subject: string; version: number }[]>('GET', `/schemas?subjectPrefix=list-${query}`);
    return schemas.map(({ subject, version }) => `${subject} ${version}`);
  };

  test('registers, and gives back by subject, by version and by id', async () => {
    const schema = record('Order');
    const id = await register('orders-value', { schema });
    assert.equal(await register('orders-value', { schema }), id);
    assert.deepEqual(await ok('GET', '/subjects/orders-value/versions'), [1]);
    const answer = { subject: 'orders-value', version: 1, id, schema };
    for (const version of ['1', 'latest', '-1'])
      assert.deepEqual(await ok('GET', `/subjects/orders-value/versions/${version}`), answer);
    assert.deepEqual(await ok('POST', '/subjects/orders-value', { schema }), answer);
    assert.deepEqual(await ok('GET', `/schemas/ids/${id}`), { schema });
    assert.deepEqual(await ok('GET', `/schemas/ids/${id}?fetchMaxId=true`), { schema, maxId: id });
    assert.deepEqual(await ok('GET', `/schemas/ids/${id}/subjects`), ['orders-value']);
    assert.deepEqual(await ok('GET', `/schemas/ids/${id}/versions`), [{ subject: 'orders-value', version: 1 }]);
    for (const path of [`/schemas/ids/${id}/schema`, '/subjects/orders-value/versions/1/schema'])
      assert.equal((await httpRequest(server.url + path)).text, schema);
  });

  test('names the kind of a schema unless it is Avro, and its references where it has any', async () => {
    const street = 'syntax = "proto3"; message Street { string name = 1; }';
    const address = 'syntax = "proto3"; import "street.proto"; message Address { Street street = 1; }';
    await register('street', { schema: street, schemaType: 'PROTOBUF' });
    const references = [{ name: 'street.proto', subject: 'street', version: 1 }];
    const id = await register('address', { schema: address, schemaType: 'PROTOBUF', references });
    assert.deepEqual(await ok('GET', `/schemas/ids/${id}`), { schemaType: 'PROTOBUF', references, schema: address });
    assert.deepEqual(await ok('GET', '/subjects/street/versions/1/referencedby'), [id]);
    const json = await register('json', { schema: '{"type":"object"}', schemaType: 'JSON' });
    assert.deepEqual(await ok('GET', `/schemas/ids/${json}`), { schemaType: 'JSON', schema: '{"type":"object"}' });
    assert.deepEqual(await ok('GET', '/schemas/types'), ['JSON', 'PROTOBUF', 'AVRO']);
  });

  test('deletes for new uses, then permanently; lists what is deleted on request', async () => {
    for (const doc of ['1', '2', '3']) await register('deleted', { schema: variant('Deleted', doc) });
    assert.equal(await ok('DELETE', '/subjects/deleted/versions/2'), 2);
    assert.deepEqual(await ok('GET', '/subjects/deleted/versions'), [1, 3]);
    assert.deepEqual(await ok('GET', '/subjects/deleted/versions?deleted=true'), [1, 2, 3]);
    assert.deepEqual(await ok('GET', '/subjects/deleted/versions?deletedOnly=true'), [2]);
    assert.equal((await ok<{ version: number }>('GET', '/subjects/deleted/versions/2?deleted=true')).version, 2);
    assert.equal(await ok('DELETE', '/subjects/deleted/versions/2?permanent=true'), 2);
    assert.deepEqual(await ok('DELETE', '/subjects/deleted'), [1, 3]);
    assert.ok(!(await ok<string[]>('GET', '/subjects')).includes('deleted'));
    assert.deepEqual(await ok('GET', '/subjects?deletedOnly=True&subjectPrefix=dele'), ['deleted']);
    assert.deepEqual(await ok('DELETE', '/subjects/deleted?permanent=true'), [1, 3]);
    assert.deepEqual(await ok('GET', '/subjects?deleted=true&subjectPrefix=dele'), []);
  });

  test('says whether a schema could be registered, and why not', async () => {
    const path = '/compatibility/subjects/compared/versions';
    const none = { schema: record('Compared', '"long"') };
    assert.deepEqual(await ok('POST', `${path}/latest`, none), { is_compatible: true });
    await register('compared', { schema: record('Compared') });
    for (const version of ['', '/latest', '/1']) {
      assert.deepEqual(await ok('POST', path + version, none), { is_compatible: false });
      const verbose = await ok<{ messages: string[] }>('POST', `${path}${version}?verbose=true`, none);
      assert.match(verbose.messages.join(), /version 1/);
    }
    const optional = { schema: record('Compared', '["string","null"]') };
    assert.deepEqual(await ok('POST', `${path}/latest?verbose=True`, optional), { is_compatible: true, messages: [] });
    await ok('PUT', '/config/compared', { compatibility: 'none' });
    await register('compared', none);
  });

  test('keeps settings of the registry and of subjects', async () => {
    assert.deepEqual(await ok('GET', '/config'), { compatibilityLevel: 'BACKWARD' });
    assert.deepEqual(await ok('PUT', '/config', { compatibility: 'FULL' }), { compatibility: 'FULL' });
    assert.deepEqual(await ok('GET', '/config/set?defaultToGlobal=true'), { compatibilityLevel: 'FULL' });
    assert.deepEqual(await ok('PUT', '/config/set', { compatibility: 'FORWARD' }), { compatibility: 'FORWARD' });
    assert.deepEqual(await ok('GET', '/config/set'), { compatibilityLevel: 'FORWARD' });
    assert.deepEqual(await ok('DELETE', '/config/set'), { compatibilityLevel: 'FORWARD' });
    assert.deepEqual(await ok('DELETE', '/config'), { compatibilityLevel: 'FULL' });
    assert.deepEqual(await ok('GET', '/config/set?defaultToGlobal=true'), { compatibilityLevel: 'BACKWARD' });
    assert.deepEqual(await ok('GET', '/mode'), { mode: 'READWRITE' });
    assert.deepEqual(await ok('PUT', '/mode/set', { mode: 'IMPORT' }), { mode: 'IMPORT' });
    assert.equal(await register('set', { schema: record('Imported'), id: 500, version: 3 }), 500);
    assert.deepEqual(await ok('GET', '/subjects/set/versions'), [3]);
    assert.deepEqual(await ok('DELETE', '/mode/set'), { mode: 'IMPORT' });
    assert.deepEqual(await ok('GET', '/mode/set?defaultToGlobal=true'), { mode: 'READWRITE' });
    assert.deepEqual(await ok('PUT', '/mode?force=true', { mode: 'IMPORT' }), { mode: 'IMPORT' });
    assert.deepEqual(await ok('DELETE', '/mode'), { mode: 'IMPORT' });
  });

  test('lists schemas, by prefix, the newest only, a page at a time', async () => {
    for (const doc of ['1', '2']) await register('list-a', { schema: variant('Listed', doc) });
    await register('list-b', { schema: variant('Listed', '1') });
    assert.deepEqual(await listed(''), ['list-a 1', 'list-a 2', 'list-b 1']);
    assert.deepEqual(await listed('&latestOnly=true'), ['list-a 2', 'list-b 1']);
    assert.deepEqual(await listed('&offset=1&limit=1'), ['list-a 2']);
  });

  test('knows contexts as parts of names', async () => {
    const id = await register(':.other:name', { schema: record('Context') });
    assert.equal(await register(':.:plain', { schema: record('Context') }), id);
    assert.deepEqual(await ok('GET', '/contexts'), ['.', '.other']);
    assert.deepEqual(await ok('GET', '/subjects/plain/versions'), [1]);
    assert.deepEqual(await ok('GET', '/subjects/%3A.other%3Aname/versions'), [1]);
  });

  test('takes any subject in the path, percent-encoded', async () => {
    const schema = record('AnySubject');
    const subjects = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed());
    await fc.assert(
      fc.asyncProperty(subjects, async (subject) => {
        fc.pre(!/^:\.:|^\.{1,2}$/.test(subject)); // HTTP clients take dots out of paths
        const path = `/subjects/${encodeURIComponent(subject)}/versions`;
        await ok('POST', path, { schema });
        assert.deepEqual(await ok('GET', path), [1]);
        assert.ok((await ok<string[]>('GET', '/subjects')).includes(subject));
        assert.deepEqual(await ok('DELETE', `/subjects/${encodeURIComponent(subject)}`), [1]);
        assert.deepEqual(await ok('DELETE', `/subjects/${encodeURIComponent(subject)}?permanent=true`), [1]);
      }),
      { numRuns: 15 },
    );
  });

  test('answers whatever is asked with JSON and a status that fits, and lives on', async () => {
    const words = [
      'subjects',
      'versions',
      'schemas',
      'ids',
      'config',
      'mode',
      'latest',
      '1',
      '%00',
      '%2F',
      '..',
      '%',
      'é',
      '',
    ];
    const path = fc.array(fc.constantFrom(...words), { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS');
    const body = fc.oneof(fc.constant(undefined), fc.json(), fc.string());
    await fc.assert(
      fc.asyncProperty(method, path, body, async (how, where, what) => {
        const { status, text } = await raw(server, how, `/registry${where}`, what);
        assert.ok((status >= 200 && status < 300) || (status >= 400 && status < 500), `${status}: ${text}`);
        JSON.parse(text);
      }),
      { numRuns: 300 },
    );
    assert.deepEqual(await ok('GET', '/schemas/types'), ['JSON', 'PROTOBUF', 'AVRO']);
  });

  test('takes compressed bodies, and answers in the media type that is asked for', async () => {
    const body = await promisify(gzip)(JSON.stringify({ schema: record('Compressed') }));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', accept: 'application/json' };
    const answer = await httpRequest(`${server.url}/subjects/compressed/versions`, { body, headers });
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
    assert.match((await server.ask('GET', '/subjects')).type, /^application\/vnd\.schemaregistry\.v1\+json/);
  });
});

/** The path goes out as it stands. */
async function raw(
  server: RegistryServer,
  method: string,
  path: string,
  body: string | undefined,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(server.url);
  const sends = ['POST', 'PUT', 'PATCH'].includes(method); // Node's client frames no body of the others
  const headers = sends ? { 'content-type': 'application/json' } : {};
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: path.replaceAll('é', '%C3%A9'), headers }, (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    sent.on('error', reject);
    sent.end(sends ? body : undefined);
  });
}
