/** What the server refuses before any route is asked has the form of every other refusal. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { createServer } from '../../src/api/server.ts';
import { catalogue, type FaultCode } from '../../src/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { httpRequest } from '../support/http-request.ts';
import { exchange } from '../support/raw-connection.ts';

/** @returns the message */
function refused(status: number, type: string | undefined, body: string, code: FaultCode): string {
  const { error, message, todo } = JSON.parse(body) as { error: string; message: string; todo: string };
  assert.equal(error, code);
  assert.equal(status, catalogue[code].status);
  assert.equal(todo, catalogue[code].todo);
  assert.match(type ?? '', /^application\/json/);
  return message;
}

function refusedRaw(answer: string, code: FaultCode): void {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
  refused(status, /content-type: (.*)/i.exec(head)?.[1], body, code);
  assert.match(head, /^connection: close$/im);
  assert.equal(Number(/content-length: (\d+)/i.exec(head)?.[1]), Buffer.byteLength(body));
}

suite('early refusals', () => {
  let app: FastifyInstance;
  let url: string;
  const answering = Promise.withResolvers<void>();
  const rest = new Readable({ read: () => undefined });

  before(async () => {
    const logger = createLogger({ level: 'silent' });
    app = createServer({ logger, metrics: new Registry(), health: async () => ({ ready: true, parts: {} }) });
    app.get('/things/:id', async () => ({}));
    app.put('/things/:id', async () => ({}));
    app.get('/slow', async (_request, reply) => {
      rest.push('first');
      reply.raw.once('close', () => rest.destroy());
      setImmediate(() => answering.resolve());
      return reply.type('text/plain').send(rest);
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  });
  after(() => app.close());

  test('a header, a request line or a query that is too long: 431', async () => {
    const long = 'x'.repeat(20_000);
    for (const start of [`GET /ping HTTP/1.1\r\nx-long: ${long}`, `GET /${long}`, `GET /ping?${long}`])
      refusedRaw(await exchange(url, `${start}\r\n\r\n`), 'HEADERS_TOO_LARGE');
  });

  test('what is no HTTP: 400', async () => {
    for (const junk of ['\u0016\u0003\u0001 TLS\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/1.1\r\nno colon\r\n\r\n'])
      refusedRaw(await exchange(url, Buffer.from(junk, 'latin1')), 'HTTP_INVALID');
  });

  test('headers that are too slow in coming: 408', async () => {
    const accepted = once(app.server, 'connection') as Promise<[Socket]>;
    const answer = exchange(url, 'GET /ping HTTP/1.1\r\n');
    const [socket] = await accepted;
    // As Node's own check does, which comes every few seconds.
    app.server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    refusedRaw(await answer, 'REQUEST_TIMEOUT');
  });

  test('nothing is written into an answer that has begun', async () => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const received = text(socket);
    socket.write('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n');
    await answering.promise;
    socket.write('junk\r\n\r\n');
    const answer = await received;
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answer, /HTTP_INVALID/);
  });

  test('a path that is not percent-encoded UTF-8: 400', async () => {
    for (const path of ['/things/%zz', '/things/%', '/things/%E4', '/%c3%28']) {
      const { status, headers, text: body } = await httpRequest(`${url}${path}`);
      refused(status, headers['content-type'], body, 'URL_INVALID');
    }
  });

  test('a part of the path that is too long: 414', async () => {
    const { status, headers, text: body } = await httpRequest(`${url}/things/${'x'.repeat(501)}`);
    assert.match(refused(status, headers['content-type'], body, 'URL_TOO_LONG'), /500 characters/);
    assert.equal((await httpRequest(`${url}/things/${'x'.repeat(500)}`)).status, 200);
  });

  test('a path that is not there is 404, one that takes other methods 405 and names them', async () => {
    for (const path of ['/none', '/things', '/things/a/b', '/ping/']) {
      const { status, headers, text: body } = await httpRequest(`${url}${path}`);
      assert.ok(refused(status, headers['content-type'], body, 'NOT_FOUND').includes(path));
      assert.equal(headers.allow, undefined);
    }
    for (const [path, allow] of [
      ['/ping', 'GET, HEAD'],
      ['/things/a?b=c', 'GET, HEAD, PUT'],
    ] as const)
      for (const method of ['DELETE', 'POST', 'OPTIONS', 'QUERY', 'TRACE']) {
        const { status, headers, text: body } = await httpRequest(`${url}${path}`, { method });
        refused(status, headers['content-type'], body, 'METHOD_NOT_ALLOWED');
        assert.equal(headers.allow, allow, method);
      }
  });
});
