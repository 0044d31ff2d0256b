/** Every error code of the schema registry's interface, and what brings it about; and what it leaves in the log. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { createLogger } from '../../src/telemetry/logger.ts';
import { type RegistryServer, startRegistryServer } from '../support/registry-server.ts';

const field = (type: string): string => `{"type":"record","name":"R","fields":[{"name":"f","type":${type}}]}`;
const text = { schema: field('"string"') };
const number = { schema: field('"long"') };

type Row = readonly [method: string, path: string, body: unknown, status: number, code: number, words: string];

const longest = 'x'.repeat(300);
const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;

function proto(body: string): object {
  return { schema: `syntax = "proto3"; ${body}`, schemaType: 'PROTOBUF' };
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `int32 f${i} = ${i + 1};`).join('');
}

/** In a registry with the subjects `live` (versions 1, 2), `half` (1 deleted, 2), `gone` (1 deleted), `used` (referred to) and `frozen` (READONLY). */
const refused: readonly Row[] = [
  ['GET', '/subjects/none/versions', undefined, 404, 40401, "Subject 'none' not found."],
  ['GET', '/subjects/none/versions/latest', undefined, 404, 40401, 'none'],
  ['GET', '/subjects/gone/versions', undefined, 404, 40401, 'gone'],
  ['GET', '/subjects/gone/versions/1/schema', undefined, 404, 40401, 'gone'],
  ['POST', '/subjects/none', text, 404, 40401, 'none'],
  ['DELETE', '/subjects/none', undefined, 404, 40401, 'none'],
  ['DELETE', '/config/none', undefined, 404, 40401, 'none'],
  ['DELETE', '/mode/none', undefined, 404, 40401, 'none'],
  ['GET', '/subjects/live/versions/3', undefined, 404, 40402, 'Version 3'],
  ['GET', '/subjects/half/versions/1', undefined, 404, 40402, 'Version 1'],
  ['DELETE', '/subjects/live/versions/3', undefined, 404, 40402, 'Version 3'],
  ['POST', '/compatibility/subjects/live/versions/3', text, 404, 40402, 'Version 3'],
  ['GET', '/schemas/ids/999', undefined, 404, 40403, 'Schema 999'],
  ['GET', '/schemas/ids/999/schema', undefined, 404, 40403, 'Schema 999'],
  ['GET', '/schemas/ids/999/subjects', undefined, 404, 40403, 'Schema 999'],
  ['GET', '/schemas/ids/999/versions', undefined, 404, 40403, 'Schema 999'],
  ['POST', '/subjects/live', number, 404, 40403, 'not found'],
  ['DELETE', '/subjects/gone', undefined, 404, 40404, 'permanent=true'],
  ['DELETE', '/subjects/live?permanent=true', undefined, 404, 40405, 'not deleted first'],
  ['DELETE', '/subjects/half/versions/1', undefined, 404, 40406, 'Version 1 was soft deleted'],
  ['DELETE', '/subjects/half/versions/2?permanent=true', undefined, 404, 40407, 'Version 2 was not deleted first'],
  ['GET', '/config/live', undefined, 404, 40408, 'compatibility'],
  ['GET', '/mode/live', undefined, 404, 40409, 'mode'],
  ['POST', '/subjects/new/versions', { schema: '{"type":"strin"}' }, 422, 42201, 'strin'],
  ['POST', '/subjects/new/versions', { schema: '' }, 422, 42201, 'schema'],
  ['POST', '/subjects/new/versions', {}, 422, 42201, 'schema'],
  ['POST', '/subjects/new/versions', [], 422, 42201, 'an object'],
  ['POST', '/subjects/new/versions', { schema: 5 }, 422, 42201, 'a string'],
  ['POST', '/subjects/new/versions', { schema: '"int"', schemaType: 'XML' }, 422, 42201, 'AVRO, JSON, PROTOBUF'],
  [
    'POST',
    '/subjects/new/versions',
    { schema: '"int"', references: [{ name: 'a', subject: 'none', version: 1 }] },
    422,
    42201,
    'subject "none" and version 1',
  ],
  [
    'POST',
    '/subjects/new/versions',
    { schema: '"int"', references: [{ name: 'a' }] },
    422,
    42201,
    'references: 0: subject',
  ],
  ['POST', '/subjects/new/versions', { schema: '"int"', version: 7 }, 422, 42201, 'version 7'],
  ['POST', '/subjects/live', { schema: '{' }, 422, 42201, 'JSON'],
  ['POST', '/subjects/new/versions', { schema: `{"default":${deep}}`, schemaType: 'JSON' }, 422, 42201, '1000 levels'],
  ['POST', '/subjects/new/versions', { schema: `{"type":"int","x":${deep}}` }, 422, 42201, '1000 levels'],
  ['POST', '/subjects/live', { schema: `{"type":"int","x":${deep}}` }, 422, 42201, '1000 levels'],
  ['POST', '/subjects/new/versions', proto(`message A {${fields(2_000)}}`), 422, 42201, '1500 fields'],
  ['POST', '/subjects/new/versions', proto(`message A {oneof one {${fields(2_000)}}}`), 422, 42201, '1500 fields'],
  [
    'POST',
    '/subjects/new/versions',
    proto(`message A {enum E {N = 0 [(a) = "}"]; O = 1 [(a) = ''];} ${fields(2_000)}}`),
    422,
    42201,
    '1500 fields',
  ],
  ['POST', '/compatibility/subjects/live/versions', { schema: '{' }, 422, 42201, 'JSON'],
  ['GET', '/subjects/live/versions/0', undefined, 422, 42202, "'0'"],
  ['GET', '/subjects/live/versions/first', undefined, 422, 42202, 'latest'],
  ['GET', '/subjects/live/versions/2147483648', undefined, 422, 42202, '2147483648'],
  ['DELETE', '/subjects/live/versions/1.5', undefined, 422, 42202, '1.5'],
  ['PUT', '/config', { compatibility: 'SIDEWAYS' }, 422, 42203, 'FULL_TRANSITIVE'],
  ['PUT', '/config/live', {}, 422, 42203, 'BACKWARD'],
  ['PUT', '/config/live', null, 422, 42203, 'BACKWARD'],
  ['PUT', '/mode', { mode: 'READ' }, 422, 42204, 'READONLY_OVERRIDE'],
  ['PUT', '/mode/live', {}, 422, 42204, 'IMPORT'],
  ['PUT', '/mode', { mode: 'IMPORT' }, 422, 42205, 'force=true'],
  ['PUT', '/mode/live', { mode: 'IMPORT' }, 422, 42205, 'force=true'],
  ['PUT', '/mode/live', { mode: 'READONLY_OVERRIDE' }, 422, 42205, 'READONLY_OVERRIDE'],
  ['POST', '/subjects/frozen/versions', number, 422, 42205, 'read-only'],
  ['DELETE', '/subjects/frozen', undefined, 422, 42205, 'read-only'],
  ['DELETE', '/subjects/frozen/versions/1', undefined, 422, 42205, 'read-only'],
  ['PUT', '/config/frozen', { compatibility: 'NONE' }, 422, 42205, 'read-only'],
  ['POST', '/subjects/new/versions', { ...text, id: 7 }, 422, 42205, 'import mode'],
  ['PUT', '/config', { compatibility: 'NONE', alias: 'live' }, 422, 42205, 'alias'],
  ['DELETE', '/subjects/used', undefined, 422, 42206, 'references exist'],
  ['DELETE', '/subjects/used/versions/1', undefined, 422, 42206, 'references exist'],
  ['POST', `/subjects/${longest}/versions`, text, 422, 42208, '255 bytes'],
  ['PUT', `/config/${longest}`, { compatibility: 'NONE' }, 422, 42208, '255 bytes'],
  ['POST', '/subjects//versions', text, 422, 42208, 'empty'],
  ['POST', '/subjects/new/versions', { ...text, ruleSet: {} }, 422, 42210, 'ruleSet'],
  ['POST', '/subjects/new/versions', { ...text, metadata: {} }, 422, 42210, 'metadata'],
  ['POST', '/subjects/live/versions', number, 409, 409, 'incompatible'],
  ['POST', '/subjects/new/versions', '{"schema":', 400, 400, 'not JSON'],
  ['POST', '/subjects/new/versions', '', 400, 400, 'not JSON'],
  ['PUT', '/config', 'BACKWARD', 400, 400, 'not JSON'],
  ['DELETE', '/subjects/live?permanent=yes', undefined, 400, 400, 'permanent'],
  ['GET', '/schemas?limit=many', undefined, 400, 400, 'limit'],
  ['GET', '/schemas/ids/one', undefined, 404, 404, 'Not Found'],
  ['GET', '/nothing', undefined, 404, 404, 'Not Found'],
  ['DELETE', '/schemas/types', undefined, 405, 405, 'HTTP 405 Method Not Allowed'],
  ['QUERY', '/schemas/types', undefined, 405, 405, 'takes GET, HEAD, not QUERY'],
  ['GET', '/subjects/%zz/versions', undefined, 400, 400, 'percent-encoded'],
  ['GET', '/config/%E4', undefined, 400, 400, 'percent-encoded'],
  ['GET', `/mode/${'x'.repeat(501)}`, undefined, 414, 414, '500 characters'],
  ['POST', '/subjects/new/versions', { schema: ' '.repeat(1_048_576) }, 413, 413, '1048576 bytes'],
];

suite('error codes of the schema registry', () => {
  let server: RegistryServer;

  before(async () => {
    server = await startRegistryServer();
    const made = async (method: string, path: string, body?: unknown): Promise<void> => {
      const { status, body: answer } = await server.ask(method, path, body);
      assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(answer)}`);
    };
    for (const subject of ['live', 'half', 'gone', 'used', 'frozen'])
      await made('POST', `/subjects/${subject}/versions`, text);
    for (const subject of ['live', 'half'])
      await made('POST', `/subjects/${subject}/versions`, { schema: field('["string","null"]') });
    await made('DELETE', '/subjects/half/versions/1');
    await made('DELETE', '/subjects/gone');
    await made('POST', '/subjects/user/versions', {
      schema: '{"type":"record","name":"User","fields":[{"name":"r","type":"R"}]}',
      references: [{ name: 'R', subject: 'used', version: 1 }],
    });
    await made('PUT', '/mode/frozen', { mode: 'READONLY' });
  });
  after(() => server.close());

  for (const [method, path, body, status, code, words] of refused) {
    const shown = `${method} ${path.slice(0, 60)} ${JSON.stringify(body ?? '').slice(0, 60)}`;
    test(`${code}: ${shown}`, async () => {
      const answer = await server.ask(method, path, body);
      const { error_code: errorCode, message } = answer.body as { error_code: number; message: string };
      assert.deepEqual([answer.status, errorCode], [status, code], message);
      assert.ok(message.includes(words), `${message} lacks ${words}`);
      assert.match(answer.type, /^application\/vnd\.schemaregistry\.v1\+json/);
      assert.deepEqual(Object.keys(answer.body as object), ['error_code', 'message']);
    });
  }

  test('all of that has changed nothing', async () => {
    assert.deepEqual((await server.ask('GET', '/subjects?deleted=true')).body, [
      'frozen',
      'gone',
      'half',
      'live',
      'used',
      'user',
    ]);
    assert.deepEqual((await server.ask('GET', '/subjects/live/versions')).body, [1, 2]);
    assert.deepEqual((await server.ask('GET', '/config')).body, { compatibilityLevel: 'BACKWARD' });
    assert.deepEqual((await server.ask('GET', '/mode')).body, { mode: 'READWRITE' });
  });

  test('many messages, and many values of an enum, are none too many', async () => {
    const values = Array.from({ length: 3_000 }, (_, i) => `V${i} = ${i};`).join('');
    const messages = Array.from({ length: 300 }, (_, i) => `message M${i} {${fields(20)}}`).join('');
    const { status, body } = await server.ask(
      'POST',
      '/subjects/many/versions',
      proto(`enum E {${values}} ${messages}`),
    );
    assert.equal(status, 200, JSON.stringify(body));
  });

  test('bodies that say they are something else than JSON are 415', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'json', 'application/jsonp'];
    for (const type of types)
      assert.equal((await server.ask('POST', '/subjects/live', text, { 'content-type': type })).status, 415, type);
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'application/octet-stream',
      'application/vnd.schemaregistry+json',
      'application/vnd.schemaregistry.v1+json;charset=utf-8',
    ])
      assert.equal((await server.ask('POST', '/subjects/live', text, { 'content-type': type })).status, 200, type);
  });

  test('a flood of what is refused takes a few log lines a second', async (t) => {
    const lines: string[] = [];
    const flooded = await startRegistryServer(
      createLogger({ level: 'info', to: { write: (line) => lines.push(line) } }),
    );
    t.after(() => flooded.close());
    const beganMs = performance.now();
    for (let i = 0; i < 200; i++)
      for (const path of ['/nothing', '/subjects/none/versions', '/subjects/%zz/versions'])
        assert.match(String((await flooded.ask('GET', path)).status), /^40[04]$/);
    const seconds = (performance.now() - beganMs) / 1000;
    assert.match(lines.join(''), /request refused/);
    // Of the registry, and of what is refused before it: twenty at once, and then as many a second.
    assert.ok(lines.length <= 2 * 20 * (1 + seconds), `${lines.length} lines in ${seconds} s`);
  });
});
