import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Fault, isFault } from '../../src/errors.ts';
import { openRemoteRegistry, type RemoteRegistry } from '../../src/schemas/remote-registry.ts';
import { record } from '../contracts/registry.ts';
import { avro } from '../contracts/registry-administration.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import {
  answerJson,
  answerUnknown,
  type Script,
  type ScriptedRegistry,
  startScriptedRegistry,
} from '../support/scripted-registry.ts';

const version = { subject: 's', version: 1, id: 1, schema: record('S') };
const timeoutMs = 1_200;

async function failureOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    (answer) => assert.fail(`no error but ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  assert.ok(isFault(error), String(error));
  return error;
}

function html(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html>not here</html>');
}

/** What is no registry, or none that means well, and what is said of it. */
const hostile: Readonly<Record<string, readonly [script: Script, said: RegExp]>> = {
  'a body without end': [(_request, response) => flood(response), /did not answer: .*max/i],
  'a body that is announced too large': [
    (_request, response) => response.writeHead(200, { 'content-length': 10_000_000 }).write('{"'.repeat(50_000)),
    /did not answer/,
  ],
  'a byte now and then': [(_request, response) => drip(response), /did not answer within 1200 ms/],
  'nothing at all': [() => undefined, /did not answer within 1200 ms/],
  'headers without end': [
    (_request, response) => response.writeHead(200, { 'x-long': 'x'.repeat(100_000) }).end('{}'),
    /did not answer: .*header/i,
  ],
  'no HTTP': [(request) => request.socket.end('hello\r\n\r\n'), /did not answer: /],
  'a connection that is cut': [(request) => request.socket.destroy(), /did not answer: /],
  HTML: [(_request, response) => html(response, 200), /did not answer with JSON/],
  'half of the JSON': [(_request, response) => response.writeHead(200).end('{"subject":"s",'), /answer with JSON/],
  'another form': [
    (_request, response) => answerJson(response, 200, { ...version, id: '1' }),
    /as a schema registry does: .*id/is,
  ],
  'an id that no header holds': [
    (_request, response) => answerJson(response, 200, { ...version, id: 2 ** 31 }),
    /registry does: .*id/is,
  ],
  'another kind of schema': [
    (_request, response) => answerJson(response, 200, { ...version, schemaType: 'XML' }),
    /schemaType/,
  ],
  null: [(_request, response) => answerJson(response, 200, null), /as a schema registry does/],
  'a deep array': [(_request, response) => response.end('['.repeat(500_000)), /did not answer/],
  'a way elsewhere': [
    (_request, response) => response.writeHead(302, { location: '/secret' }).end(),
    /302.*not followed/,
  ],
  'a 404 that is not the registry’s': [(_request, response) => html(response, 404), /answered 404/],
  'a 404 of a wrong path': [
    (_request, response) => answerJson(response, 404, { error_code: 404, message: 'HTTP 404 Not Found' }),
    /answered 404: HTTP 404 Not Found/,
  ],
  'no for the user': [
    (_request, response) => answerJson(response, 401, { error_code: 40101, message: 'who?' }),
    /401: who\?: .*password/,
  ],
  'a refusal that no read gets': [
    (_request, response) => answerJson(response, 422, { error_code: 42201, message: 'x' }),
    /answered 422/,
  ],
  'a failure': [
    (_request, response) => answerJson(response, 500, { error_code: 50001, message: 'broken' }),
    /500: broken/,
  ],
};

function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536, 'x');
  const endless = new Readable({ read: () => void endless.push(chunk) });
  response.on('close', () => endless.destroy());
  endless.pipe(response.writeHead(200));
}

function drip(response: ServerResponse): void {
  response.writeHead(200).write('"');
  const timer = setInterval(() => response.write('x'), 20);
  response.on('close', () => clearInterval(timer));
}

describe('requests to a schema registry', () => {
  let scripted: ScriptedRegistry;
  let registry: RemoteRegistry;
  let proxy: FaultyProxy;
  let throughProxy: RemoteRegistry;
  beforeEach(async () => {
    scripted = await startScriptedRegistry(() => undefined);
    proxy = await startFaultyProxy(scripted.url);
    registry = openRemoteRegistry({ address: `${scripted.url.replace('//', '//me:seCret%40@')}/base/`, timeoutMs });
    throughProxy = openRemoteRegistry({ address: proxy.url, timeoutMs });
  });
  afterEach(async () => {
    await registry.close();
    await throughProxy.close();
    await proxy.close();
    await scripted.close();
  });

  for (const [what, [script, said]] of Object.entries(hostile))
    it(`D6: ${what} costs an error, and no more time and memory than it may`, async () => {
      scripted.script = script;
      const startedMs = performance.now();
      const fault = await failureOf(registry.latest('s'));
      assert.ok(performance.now() - startedMs < 3 * timeoutMs, 'it took too long');
      assert.deepEqual([fault.code, fault.status], ['SCHEMA_REGISTRY_UNAVAILABLE', 503]);
      assert.match(fault.message, said);
      assert.ok(fault.message.startsWith(`the schema registry at ${scripted.url}/base `), fault.message);
      assert.doesNotMatch(fault.message, /seCret|me:/);
      assert.ok(fault.message.length < 12_000);
      assert.ok(!scripted.asked.includes('GET /secret'));
    });

  it('sends user and password, by the path of the address, with every character of a subject', async () => {
    let authorization: string | undefined;
    scripted.script = (request, response) => {
      ({ authorization } = request.headers);
      answerJson(response, 200, version);
    };
    for (const subject of ['..', 'a/b?c#d%2F', 'ü\0']) await registry.version(subject, 'latest');
    assert.equal(authorization, `Basic ${Buffer.from('me:seCret@').toString('base64')}`);
    assert.deepEqual(scripted.asked, [
      'GET /base/subjects/%2E%2E/versions/latest',
      'GET /base/subjects/a%2Fb%3Fc%23d%252F/versions/latest',
      'GET /base/subjects/%C3%BC%00/versions/latest',
    ]);
  });

  it('tries again where it did not answer or could not, and never where it refused', async () => {
    let failures = 3;
    scripted.script = (request, response) => {
      if (failures-- > 0) return failures % 2 === 0 ? answerJson(response, 503, {}) : request.socket.destroy();
      return answerJson(response, 200, version);
    };
    assert.equal((await registry.latest('s')).id, 1);
    assert.equal(scripted.asked.length, 4);
    scripted.script = (_request, response) => answerUnknown(response);
    assert.equal((await failureOf(registry.latest('s'))).code, 'SCHEMA_UNKNOWN');
    assert.equal(scripted.asked.length, 5);
    scripted.script = (_request, response) => answerJson(response, 409, { error_code: 409, message: 'no' });
    assert.equal((await failureOf(registry.register('s', avro(record('S'))))).code, 'SCHEMA_INCOMPATIBLE');
    assert.equal(scripted.asked.length, 6);
  });

  it('a connection that is cut at any byte of the answer is no answer, and is asked again', async () => {
    scripted.script = (_request, response) => answerJson(response, 200, version);
    for (let afterBytes = 0; afterBytes < 380; afterBytes += 20) {
      proxy.next({ kind: 'cut answer', afterBytes });
      assert.deepEqual((await throughProxy.latest('s')).schema, version.schema);
    }
    assert.ok(proxy.faults >= 19);
    proxy.always({ kind: 'cut answer', afterBytes: 100 });
    assert.equal((await failureOf(throughProxy.latest('s'))).code, 'SCHEMA_REGISTRY_UNAVAILABLE');
  });

  it('references that go in a circle, or on and on, end', async () => {
    const refersTo = (subject: string) => ({ ...version, references: [{ name: subject, subject, version: 1 }] });
    scripted.script = (_request, response) => answerJson(response, 200, refersTo('s'));
    assert.match((await failureOf(registry.latest('s'))).message, /s refers to itself/);
    let count = 0;
    scripted.script = (_request, response) => answerJson(response, 200, refersTo(`s${(count += 1)}`));
    assert.match((await failureOf(registry.latest('s'))).message, /more than 1000/);
    const large = { ...version, schema: ' '.repeat(1_000_000) };
    const references = Array.from({ length: 20 }, (_, i) => ({ name: `${i}`, subject: `${i}`, version: 1 }));
    scripted.script = (request, response) =>
      answerJson(response, 200, request.url?.includes('/s/') ? { ...version, references } : large);
    assert.match((await failureOf(registry.latest('s'))).message, /too large/);
  });

  it('what is under way ends when it is closed', async () => {
    const asked = failureOf(registry.latest('s'));
    await registry.close();
    assert.equal((await asked).code, 'SCHEMA_REGISTRY_UNAVAILABLE');
  });

  it('refuses what is no address', () => {
    for (const address of ['', 'localhost:8081', 'ftp://x', 'http://', 'http://x?y=1', 'http://x#y', 'http://%zz@x'])
      assert.throws(
        () => openRemoteRegistry({ address }),
        (error) => isFault(error, 'USAGE'),
        address,
      );
  });
});
