/** The OpenAPI document against the server that it describes: its routes, who may use them, and what they answer. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { http } from 'tributary';
import { docsPage } from '../../src/api/openapi/docs-page.ts';
import { type OpenApiDocument, openApiDocument } from '../../src/api/openapi/document.ts';
import { loadConfig } from '../../src/config/config.ts';
import { catalogue } from '../../src/errors.ts';
import { type Running, serve } from '../../src/main.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { httpRequest } from '../support/http-request.ts';

interface Route {
  readonly method: string;
  readonly path: string;
  readonly access: string;
}

/** Method, path as described, path as asked for, body, headers. */
type Asked = readonly [
  method: string,
  path: string,
  url?: string | undefined,
  body?: string | Uint8Array | undefined,
  headers?: Readonly<Record<string, string>>,
];

/** Fastify tells of each instance before anything is mounted on it. */
async function serveAndSeeRoutes(dataDir: string): Promise<{ running: Running; routes: readonly Route[] }> {
  const routes: Route[] = [];
  const see = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', (route) => void routes.push(...routesOf(route)));
  };
  subscribe('fastify.initialization', see);
  try {
    // No warehouse has to come up: nothing here looks at what has landed.
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', LOG_LEVEL: 'silent' };
    const config = loadConfig({ file: undefined, env, flags: { dataDir, port: '0' } });
    return { running: await serve(config), routes };
  } finally {
    unsubscribe('fastify.initialization', see);
  }
}

function routesOf({ method, url, config }: RouteOptions): readonly Route[] {
  const path = url.replaceAll(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, '');
  const access = config?.access ?? 'admin';
  return [method].flat().map((one) => ({ method: one.toLowerCase(), path, access }));
}

/** A step of a JSON Pointer in a URI. */
const pointer = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));

const shown = (method: string, path: string) => `${method} ${path}`;

suite('the OpenAPI document', () => {
  let dir: string;
  let running: Running;
  let routes: readonly Route[];
  let document: OpenApiDocument;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-openapi-'));
    ({ running, routes } = await serveAndSeeRoutes(join(dir, 'data')));
    document = JSON.parse((await httpRequest(`${running.url}/openapi.json`)).text) as OpenApiDocument;
  });
  after(async () => {
    await running.drain();
    await rm(dir, { recursive: true, force: true });
  });

  const described = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
    );

  test('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );
    assert.ok(valid, JSON.stringify(errors, undefined, 2));
    assert.match(document.openapi, /^3\.1\./);
  });

  test('has every route of the server, and no other', () => {
    const real = routes.filter(({ method }) => method !== 'head').map(({ method, path }) => shown(method, path));
    assert.ok(real.length > 40, String(real.length));
    assert.deepEqual(
      described()
        .map(({ method, path }) => shown(method, path))
        .toSorted(),
      [...new Set(real)].toSorted(),
    );
  });

  test('says who may use a route as the route itself does', () => {
    for (const { method, path, operation } of described()) {
      const route = routes.find((one) => one.method === method && one.path === path);
      const schemes = operation.security.flatMap((one) => Object.keys(one));
      const access = schemes.includes('adminToken') ? 'admin' : schemes.includes('accessKey') ? 'source' : 'everybody';
      assert.equal(access, route?.access, shown(method, path));
    }
  });

  test('names each operation once, each parameter of a path, and a tag that is described', () => {
    const ids = described().map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { method, path, operation } of described()) {
      const inPath = (operation.parameters ?? []).filter((one) => one['in'] === 'path').map((one) => one['name']);
      assert.deepEqual(
        inPath,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
        shown(method, path),
      );
      for (const tag of operation.tags)
        assert.ok(
          document.tags.some(({ name }) => name === tag),
          tag,
        );
    }
  });

  test('refuses with codes of the catalogue, at their status', () => {
    for (const { method, path, operation } of described())
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const codes = /"enum":\[([A-Z_",]+)\]/.exec(JSON.stringify(content ?? {}))?.[1]?.match(/[A-Z_]+/g) ?? [];
        for (const code of codes)
          if (Object.hasOwn(catalogue, code))
            assert.equal(
              catalogue[code as keyof typeof catalogue].status,
              Number(status),
              `${code} at ${path} ${method}`,
            );
      }
  });

  test('describes what the server answers', async () => {
    const ajv = new Ajv2020({ strict: false });
    formats.default(ajv);
    ajv.addSchema({ ...document, $id: 'document' });
    const event = packageOf([collectEvent(), '{"data":{}}']);
    const json = { 'content-type': 'application/json' };
    const sent = await httpRequest(`${running.url}/collect`, { body: event, headers: json });
    const { packageId, errors } = JSON.parse(sent.text) as {
      packageId: string;
      errors: readonly { correlationId: string }[];
    };
    const letter = errors[0]!.correlationId;
    const filter = JSON.stringify({ filter: { ids: [letter] }, dryRun: true });
    const schema = JSON.stringify({ schema: '"string"' });
    const asked: readonly Asked[] = [
      ['post', '/collect', '/collect', event, json],
      ['post', '/collect', '/collect', '[]'],
      ['post', '/collect', '/collect', 'no JSON', json],
      ['post', '/collect', '/collect', '[]', { ...json, 'content-encoding': 'lzw' }],
      ['post', '/collect', '/collect', '[]', { 'content-type': 'application/json; charset=utf-16' }],
      ['post', '/collect', '/collect', '[]', { ...json, 'content-encoding': 'gzip' }],
      ['post', '/collect', '/collect', '[]', { ...json, 'idempotency-key': 'two words' }],
      ['get', '/ping'],
      ['get', '/health/live'],
      ['get', '/health/ready'],
      ['get', '/metrics'],
      ['get', '/metrics', '/metrics', undefined, { origin: 'https://elsewhere.example' }],
      ['get', '/openapi.json'],
      ['get', '/docs'],
      ['get', '/admin/status'],
      ['get', '/admin/dead-letters'],
      ['get', '/admin/dead-letters', '/admin/dead-letters?since=yesterday'],
      ['get', '/admin/dead-letters/counts'],
      ['get', '/admin/dead-letters/{id}', `/admin/dead-letters/${letter}`],
      ['get', '/admin/dead-letters/{id}', '/admin/dead-letters/none'],
      ['put', '/admin/dead-letters/{id}', `/admin/dead-letters/${letter}`, '{"event":"{}","edits":0}', json],
      ['put', '/admin/dead-letters/{id}', `/admin/dead-letters/${letter}`, '{"event":"{}","edits":7}', json],
      ['put', '/admin/dead-letters/{id}', `/admin/dead-letters/${letter}`, '{}', { 'content-type': 'text/plain' }],
      ['post', '/admin/dead-letters/replay', undefined, filter, json],
      ['post', '/admin/dead-letters/patch', undefined, '{"filter":{},"patch":"{\\"a\\":1}","dryRun":true}', json],
      ['post', '/admin/dead-letters/patch', undefined, '{}', json],
      ['get', '/admin/events/{id}', `/admin/events/${letter}`],
      ['get', '/admin/events/{id}', '/admin/events/none'],
      ['get', '/admin/events/{id}', `/admin/events/${'0'.repeat(501)}`],
      ['get', '/registry/mode/{subject}', `/registry/mode/${'0'.repeat(501)}`],
      ['get', '/admin/packages/{id}', `/admin/packages/${packageId}`],
      ['get', '/admin/packages/{id}', '/admin/packages/none'],
      ['post', '/admin/topics', undefined, '{"topics":[{"name":"more","partitions":2}]}', json],
      ['post', '/admin/topics', undefined, '{"topics":[{}]}', json],
      ['get', '/registry'],
      ['get', '/registry/contexts'],
      ['get', '/registry/v1/metadata/id'],
      ['get', '/registry/subjects'],
      ['get', '/registry/subjects', '/registry/subjects?deleted=perhaps'],
      ['get', '/registry/schemas'],
      ['get', '/registry/schemas/types'],
      ['get', '/registry/schemas/ids/{id}', '/registry/schemas/ids/1?fetchMaxId=true'],
      ['get', '/registry/schemas/ids/{id}', '/registry/schemas/ids/1?format=nonsense'],
      ['get', '/registry/schemas/ids/{id}', '/registry/schemas/ids/999'],
      ['get', '/registry/schemas/ids/{id}/versions', '/registry/schemas/ids/1/versions'],
      ['post', '/registry/subjects/{subject}/versions', '/registry/subjects/text/versions', schema, json],
      ['post', '/registry/subjects/{subject}/versions', '/registry/subjects/text/versions', '{"schema":"{"}', json],
      [
        'post',
        '/registry/subjects/{subject}/versions',
        '/registry/subjects/text/versions',
        '{"schema":"\\"int\\""}',
        json,
      ],
      ['post', '/registry/subjects/{subject}', '/registry/subjects/text', schema, json],
      ['get', '/registry/subjects/{subject}/versions', '/registry/subjects/text/versions'],
      ['get', '/registry/subjects/{subject}/versions/{version}', '/registry/subjects/text/versions/latest'],
      ['get', '/registry/subjects/{subject}/versions/{version}', '/registry/subjects/text/versions/none'],
      [
        'post',
        '/registry/compatibility/subjects/{subject}/versions',
        '/registry/compatibility/subjects/text/versions',
        schema,
        json,
      ],
      ['put', '/registry/config/{subject}', '/registry/config/text', '{"compatibility":"NONE"}', json],
      ['put', '/registry/config/{subject}', '/registry/config/text', '{"compatibility":"SOME"}', json],
      ['get', '/registry/config'],
      ['get', '/registry/config/{subject}', '/registry/config/none'],
      ['get', '/registry/mode'],
      ['put', '/registry/mode', undefined, '{"mode":"READWRITE"}', { 'content-type': 'text/plain' }],
      ['delete', '/registry/subjects/{subject}', '/registry/subjects/text'],
    ];
    for (const [method, path, url = path, body, headers] of asked) {
      const reply = await httpRequest(running.url + url, {
        method: method.toUpperCase(),
        body,
        ...(headers && { headers }),
      });
      const about = `${method} ${url}: ${reply.status} ${reply.text.slice(0, 200)}`;
      const answer = document.paths[path]?.[method]?.responses[reply.status];
      assert.ok(answer, about);
      const type = (reply.headers['content-type'] ?? '').split(';', 1)[0] as string;
      assert.ok(Object.hasOwn(answer.content ?? {}, type), `${about} (${type})`);
      const at = ['paths', path, method, 'responses', String(reply.status), 'content', type, 'schema'].map(pointer);
      const isRight = ajv.compile({ $ref: `document#/${at.join('/')}` });
      const values = type.endsWith('ndjson') ? reply.text.trimEnd().split('\n') : [reply.text];
      for (const value of values)
        assert.ok(
          isRight(type.includes('json') ? JSON.parse(value) : value),
          `${about}: ${ajv.errorsText(isRight.errors)}`,
        );
    }
  });

  test('metrics: writes of the log are timed, and lag is told of consumers that have not begun', async () => {
    const { text } = await httpRequest(`${running.url}/metrics`);
    assert.match(text, /^tributary_log_flush_seconds_count [1-9]\d*$/m);
    assert.match(text, /^tributary_lag_records\{consumer="collect",topic="events.raw",partition="0"\} \d+$/m);
    assert.match(text, /^tributary_lag_seconds\{consumer="collect",topic="events.raw",partition="0"\} [\d.]+$/m);
  });

  test('is a page, too, without scripts and with nothing from elsewhere', async () => {
    const { status, headers, text } = await httpRequest(`${running.url}/docs`);
    assert.equal(status, 200);
    assert.match(headers['content-security-policy'] as string, /^default-src 'none'; style-src 'sha256-[^']+'; /);
    assert.doesNotMatch(text, /<script|<link|<img|\son\w+=|src=|https?:/i);
    assert.match(text, /<meta name="viewport"/);
    for (const { method, path } of described())
      assert.ok(text.includes(`<code>${method.toUpperCase()} ${path}</code>`), path);
  });
});

test('what the document says is text on the page, never markup', () => {
  const source = http.post('/a');
  const document = openApiDocument({ version: '<b>"1"</b>', sources: [{ name: '<i>x', source }], isLoopback: false });
  const page = docsPage(document);
  assert.doesNotMatch(page, /<b>|<i>/);
  assert.ok(page.includes('&lt;b&gt;&quot;1&quot;&lt;/b&gt;'));
});

test('beyond loopback nothing that takes a credential can be asked for without', () => {
  const { paths } = openApiDocument({ version: '1', sources: [], isLoopback: false });
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods)))
    for (const requirement of operation.security) assert.equal(Object.keys(requirement).length, 1);
});
