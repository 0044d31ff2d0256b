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

async function serverWith(t: TestContext): Promise<FastifyInstance> {
  const app = createServer({ logger, metrics: new Registry(), health });
  const keysDir = join(await scratch(t), 'keys');
  const access = await openAccess({ host: '0.0.0.0', keysDir, adminToken: token, adminTokenFile: undefined, logger });
  guard(app, access);
  app.get('/later', () => 'later');
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
});
