/** `http.get` routes: what their functions answer, what they reject, and what a path may hold. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { suite, test, type TestContext } from 'node:test';
import { assert as assertProperty, asyncProperty, constantFrom, oneof, string } from 'fast-check';
import { Fault } from '../../../src/errors.ts';
import { http, Reject, type Route } from '../../../src/index.ts';
import { httpRequest } from '../../support/http-request.ts';
import { serveRoutes } from '../../support/routes-server.ts';

const routes: readonly Route[] = [
  http.get('/echo/:one/and/:other', async ({ path }) => path),
  http.get('/asked/:name', async ({ path, query }) => ({ path, query }), { parameters: ['from', 'to'] }),
  http.get('/nothing', async () => undefined),
  http.get('/rejects/:what', async ({ path }) => {
    throw new Reject('what', `expected something else than ${JSON.stringify(path['what'])}`);
  }),
  http.get('/rejects-all', async () => {
    throw new Reject('', 'not today');
  }),
  http.get('/behind', async () => {
    throw new Fault('STATE_UNAVAILABLE', 'the view is being rebuilt');
  }),
  http.get('/broken', async () => {
    throw new TypeError('a defect with a /secret/path');
  }),
];

const json = (body: string): unknown => JSON.parse(body);

suite('a JSON route', () => {
  test('answers what its function answers, parameters decoded, and HEAD without the body', async (t) => {
    const { url } = await serveRoutes(t, { routes });
    const got = await httpRequest(`${url}/echo/a%2Fb%20%C3%A9/and/2017-06-28T19:34`);
    assert.deepEqual([got.status, json(got.text)], [200, { one: 'a/b é', other: '2017-06-28T19:34' }]);
    assert.equal(got.headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(got.headers['cache-control'], 'no-store');
    const head = await httpRequest(`${url}/echo/a/and/b`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '23']);
    assert.equal((await httpRequest(`${url}/nothing`)).text, 'null');
  });

  test('has the parameters that it names, decoded and each once; others are passed over', async (t) => {
    const { url } = await serveRoutes(t, { routes });
    const got = await httpRequest(`${url}/asked/x?other=1&from=a%26b+c&other=2&to=&__proto__=1`);
    assert.deepEqual([got.status, json(got.text)], [200, { path: { name: 'x' }, query: { from: 'a&b c', to: '' } }]);
    assert.deepEqual(json((await httpRequest(`${url}/echo/1/and/2?from=1`)).text), { one: '1', other: '2' });
    for (const [query, name] of [
      ['', 'from'],
      ['?from=1', 'to'],
      ['?from=1&to=2&from=1', 'from'],
      ['?from=1&to[]=2', 'to'],
      ['?from=1&to=%00', 'to'],
    ]) {
      const refused = await httpRequest(`${url}/asked/x${query}`);
      assert.equal(refused.status, 400);
      assert.match((json(refused.text) as { message: string }).message, new RegExp(`^the parameter ${name}\\b`));
    }
  });

  test('refuses what its function rejects with 400, the path and the message', async (t) => {
    const { url } = await serveRoutes(t, { routes });
    const got = await httpRequest(`${url}/rejects/%3Cb%3E`);
    assert.equal(got.status, 400);
    const todo = 'Correct what the message names.';
    assert.deepEqual(json(got.text), {
      error: 'REQUEST_INVALID',
      message: 'what: expected something else than "<b>"',
      todo,
    });
    assert.deepEqual(json((await httpRequest(`${url}/rejects-all`)).text), {
      error: 'REQUEST_INVALID',
      message: 'not today',
      todo,
    });
  });

  test('a fault keeps its status, 503 with Retry-After; a defect is 500 and tells nothing of itself but in the log', async (t) => {
    const { url, lines } = await serveRoutes(t, { routes });
    const behind = await httpRequest(`${url}/behind`);
    assert.deepEqual([behind.status, behind.headers['retry-after']], [503, '1']);
    const broken = await httpRequest(`${url}/broken`);
    assert.equal(broken.status, 500);
    assert.ok(!broken.text.includes('secret'));
    assert.ok(lines.some((line) => line.includes('a defect with a /secret/path')));
  });

  test('other methods are 405, with those that there are', async (t) => {
    const { url } = await serveRoutes(t, { routes });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const got = await httpRequest(`${url}/echo/1/and/2`, { method });
      assert.deepEqual([got.status, got.headers['allow']], [405, 'GET, HEAD'], method);
    }
  });

  test('whatever stands in a path, escapes that are none included, is answered below 500', async (t) => {
    const { url } = await serveRoutes(t, { routes });
    const part = oneof(
      string({ unit: constantFrom('%', '0', 'C', '3', 'f', 'F', 'e', '2', ';', '+', ':', '~', '&', '=') }),
      string({ unit: 'binary' }).map((one) => encodeURIComponent(one.toWellFormed())),
      constantFrom('%', '%00', '%zz', '%25zz', '%C0%80', '%FF', '%E0%A4%A', '%2e%2e', '%2F', '%0d%0a', 'x'.repeat(501)),
    );
    await assertProperty(
      asyncProperty(part, async (one) => {
        const got = await getRaw(t, url, `/echo/${one}/and/x`);
        assert.match(got, /^HTTP\/1\.1 (?:200|400|404|414) /, one);
        if (got.startsWith('HTTP/1.1 200')) assert.ok(got.includes(JSON.stringify(decodeURIComponent(one))), got);
      }),
      { numRuns: 300 },
    );
    const refused = await getRaw(t, url, '/echo/%zz/and/x');
    assert.match(refused, /^HTTP\/1\.1 400 [^]*"error":"URL_INVALID"/);
  });
});

/** As it is: clients normalise paths. */
async function getRaw(t: TestContext, url: string, path: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return text(socket);
}

const answer = async () => 1;
const page = new URL('file:///nowhere/page.html');

suite('routes that cannot be mounted', () => {
  test('are PIPELINE_INVALID, with the path', async (t) => {
    for (const [wrong, message] of [
      [[http.get('dashboard', answer)], /like \/orders\/:id, not "dashboard"/],
      [[http.get('/a//b', answer)], /"\/a\/\/b"/],
      [[http.get('/a/*', answer)], /"\/a\/\*"/],
      [[http.live('/live/:symbol', answer)], /live route is like \/orders, not/],
      [[http.get('/twice', answer), http.live('/twice', answer)], /two routes answer GET \/twice/],
      [[http.get('/ping', answer)], /two routes answer GET \/ping/],
      [[http.page('/page', page)], /the page \/page cannot be read: ENOENT/],
    ] as const)
      await assert.rejects(serveRoutes(t, { routes: wrong }), { code: 'PIPELINE_INVALID', message });
  });
});
