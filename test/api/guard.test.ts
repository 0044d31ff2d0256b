/** Whatever is mounted without saying who may use it is for admins: nobody has to remember to guard it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { openAccess } from '../../src/access/open-access.ts';
import { guard } from '../../src/api/guard.ts';
import { createServer } from '../../src/api/server.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { scratch } from '../support/program.ts';

const token = 'an-admin-token-of-enough-length';
const logger = createLogger({ level: 'silent' });

const health = async () => ({ ready: true, parts: {} });

async function serverWith(t: TestContext, host = '0.0.0.0'): Promise<FastifyInstance> {
  const app = createServer({ logger, metrics: new Registry(), health });
  const keysDir = join(await scratch(t), 'keys');
  const access = await openAccess({ host, keysDir, adminToken: token, adminTokenFile: undefined, logger });
  guard(app, access);
  app.get('/later', () => 'later');
  app.route({ method: ['GET', 'POST'], url: '/source', config: { access: 'source' }, handler: () => 'source' });
  void app.register(async (inner) => inner.get('/inner/:any', () => 'inner'));
  t.after(async () => {
    await app.close();
    await access.close();
  });
  return app;
}

suite('the guard', () => {
  test('lets everybody ask for health, and only admins for the rest, whatever it is', async (t) => {
    const app = await serverWith(t);
    for (const url of ['/ping', '/health/live', '/health/ready']) assert.equal((await app.inject(url)).statusCode, 200);
    for (const url of ['/metrics', '/later', '/inner/x', '/inner/a%2Fb', '/metrics?token=x'])
      for (const method of ['GET', 'HEAD'] as const) {
        const refused = await app.inject({ method, url });
        assert.equal(refused.statusCode, 401, url);
        assert.equal(refused.headers['www-authenticate'], 'Bearer realm="tributary"');
        const authorization = `Bearer ${token}`;
        assert.equal((await app.inject({ method, url, headers: { authorization } })).statusCode, 200, url);
      }
  });

  test('a path without a route is 404 for everybody', async (t) => {
    const app = await serverWith(t);
    for (const url of ['/none', '/admin/none', '//metrics', '/later/'])
      assert.equal((await app.inject(url)).statusCode, 404, url);
  });

  test('what a key would open is open on loopback, but to be read by pages of somebody else (DNS rebinding)', async (t) => {
    const app = await serverWith(t, '127.0.0.1');
    const status = async (method: 'GET' | 'HEAD' | 'POST', headers: Record<string, string>) =>
      (await app.inject({ method, url: '/source', headers })).statusCode;
    for (const method of ['GET', 'HEAD'] as const) {
      assert.equal(await status(method, { host: 'localhost:8000' }), 200);
      assert.equal(await status(method, { host: '127.0.0.1', origin: 'http://localhost:8000' }), 200);
      assert.equal(await status(method, { host: 'rebound.example' }), 403);
      assert.equal(await status(method, { host: 'localhost', origin: 'https://elsewhere.example' }), 403);
    }
    assert.equal(await status('POST', { host: 'rebound.example' }), 200);
    const guarded = await serverWith(t);
    assert.equal((await guarded.inject({ url: '/source', headers: { host: 'localhost' } })).statusCode, 401);
  });
});
