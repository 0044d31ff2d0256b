import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from '../../src/access/access.ts';
import { type NewKeyOptions, addKey, revokeKey } from '../../src/access/key-store.ts';
import { isLoopback } from '../../src/access/loopback.ts';
import { openAccess } from '../../src/access/open-access.ts';
import { type FaultCode, isFault } from '../../src/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { scratch } from '../support/program.ts';

const token = 'an-admin-token-of-enough-length';

interface Opened {
  readonly access: Access;
  readonly keysDir: string;
  readonly lines: readonly string[];
}

interface OpenOptions {
  readonly host?: string;
  readonly keys?: readonly NewKeyOptions[];
  readonly adminToken?: string;
  readonly adminTokenFile?: string;
}

async function open(t: TestContext, options: OpenOptions = {}): Promise<Opened & { readonly made: readonly string[] }> {
  const { host = '127.0.0.1', keys = [], adminToken, adminTokenFile } = options;
  const keysDir = join(await scratch(t), 'keys');
  const made: string[] = [];
  for (const key of keys) made.push((await addKey(keysDir, key, Date.now())).key);
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', to: { write: (line) => lines.push(line) } });
  const access = await openAccess({ host, keysDir, adminToken, adminTokenFile, logger });
  t.after(() => access.close());
  return { access, keysDir, lines, made };
}

function refused(code: FaultCode, act: () => unknown): void {
  assert.throws(act, (error) => isFault(error, code), code);
}

const bearer = (secret: string | undefined) => ({ authorization: `Bearer ${secret}`, host: 'localhost' });

/** Waits for what the running server does within a second. */
async function eventually(holds: () => boolean): Promise<void> {
  for (const until = performance.now() + 5_000; !holds(); await sleep(20))
    assert.ok(performance.now() < until, 'not within 5 s');
}

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}

suite('access to sources', () => {
  test('on loopback a source is open until a key is made for it, and others stay open', async (t) => {
    const { access } = await open(t, { keys: [{ name: 'a', source: '/orders' }] });
    assert.deepEqual(access.source({}, '/collect'), {
      keyId: undefined,
      keyName: undefined,
      maxBodyBytes: Infinity,
      waitMs: 0,
    });
    refused('KEY_REQUIRED', () => access.source({}, '/orders'));
  });

  test('a key is good for its source, in either header, and says its limits', async (t) => {
    const { access, made } = await open(t, {
      keys: [{ name: 'a', source: '/collect', maxBodyBytes: 10 }, { name: 'b' }],
    });
    const grant = access.source(bearer(made[0]), '/collect');
    assert.deepEqual([grant.maxBodyBytes, grant.waitMs], [10, 0]);
    assert.equal(access.source({ 'x-api-key': made[0] }, '/collect').keyId, grant.keyId);
    refused('FORBIDDEN', () => access.source(bearer(made[0]), '/orders'));
    assert.notEqual(access.source(bearer(made[1]), '/orders').keyId, grant.keyId);
  });

  test('a key is good for what lies below its path, and says of a request that goes on whether it still is', async (t) => {
    const { access, made, keysDir } = await open(t, { keys: [{ name: 'wall', source: '/dashboard' }] });
    const [key = ''] = made;
    for (const path of ['/dashboard', '/dashboard/live', '/dashboard/symbol/:symbol'])
      assert.equal(access.source(bearer(key), path).keyName, 'wall', path);
    refused('KEY_REQUIRED', () => access.source({}, '/dashboard/live'));
    assert.deepEqual(access.source({}, '/dashboards').keyName, undefined, 'another path, for which there is no key');
    assert.equal(access.isStillGood(bearer(key), '/dashboard/live'), true);
    assert.equal(access.isStillGood({}, '/dashboards'), true);
    await revokeKey(keysDir, key.slice(4, 16), Date.now());
    await eventually(() => !access.isStillGood(bearer(key), '/dashboard/live'));
  });

  test('what is no key, no longer one, or another kind of secret is refused', async (t) => {
    const soon = new Date(Date.now() + 50).toISOString();
    const keys = [{ name: 'a' }, { name: 'b', expiresAt: soon }];
    const { access, made, keysDir } = await open(t, { keys, adminToken: token });
    const [key = '', expiring = ''] = made;
    const other = `${key.slice(0, 17)}${'A'.repeat(43)}`;
    for (const secret of ['nonsense', other, key.slice(0, -1)])
      refused('KEY_REFUSED', () => access.source(bearer(secret), '/c'));
    refused('KEY_REQUIRED', () => access.source({ authorization: `Basic ${key}` }, '/c'));
    refused('FORBIDDEN', () => access.source(bearer(token), '/c'));
    await eventually(() => throws(() => access.source(bearer(expiring), '/c')));
    refused('KEY_REFUSED', () => access.source(bearer(expiring), '/c'));
    await revokeKey(keysDir, key.slice(4, 16), Date.now());
    await eventually(() => throws(() => access.source(bearer(key), '/c')));
    refused('KEY_REFUSED', () => access.source(bearer(key), '/c'));
    refused('KEY_REQUIRED', () => access.source({}, '/c'));
  });

  test('a key that comes too often is told how long to wait', async (t) => {
    const { access, made } = await open(t, { keys: [{ name: 'a', requestsPerSecond: 0.01 }, { name: 'b' }] });
    assert.equal(access.source(bearer(made[0]), '/c').waitMs, 0);
    const { waitMs } = access.source(bearer(made[0]), '/c');
    assert.ok(waitMs > 0 && waitMs <= 100_000, String(waitMs));
    assert.equal(access.source(bearer(made[1]), '/c').waitMs, 0, 'another key does not wait');
  });

  test('a damaged key file is told once, and closes rather than opens', async (t) => {
    const { access, keysDir, lines, made } = await open(t, { keys: [{ name: 'a' }] });
    await writeFile(join(keysDir, `${made[0]!.slice(4, 16)}.json`), '{');
    await eventually(() => throws(() => access.source(bearer(made[0]), '/c')));
    refused('KEY_REQUIRED', () => access.source({}, '/c'));
    const { key } = await addKey(keysDir, { name: 'b' }, Date.now());
    await eventually(() => !throws(() => access.source(bearer(key), '/c'))); // it has been read again
    assert.equal(lines.filter((line) => line.includes('KEY_FILE_DAMAGED')).length, 1);
  });
});

suite('access to the rest', () => {
  test('on loopback, without a token, it is for this machine and its own pages', async (t) => {
    const { access } = await open(t);
    for (const host of ['localhost:8000', '127.0.0.1', '[::1]:80', 'LOCALHOST', 'a.localhost'])
      access.admin({ host, origin: 'http://localhost:3000' });
    access.admin({});
    for (const headers of [
      { host: 'evil.example' },
      { host: '127.0.0.1.evil.example' },
      { host: 'localhost', origin: 'https://evil.example' },
      { host: 'localhost', origin: 'null' },
      { host: '10.0.0.1' },
      { host: '' },
      { host: 'a b' },
    ])
      refused('FORBIDDEN', () => access.admin(headers));
  });

  test('with a token it takes that token, each of several, and nothing else', async (t) => {
    const { access, made } = await open(t, { adminToken: `${token}, ${token}2`, keys: [{ name: 'a' }] });
    for (const good of [token, `${token}2`]) access.admin({ ...bearer(good), host: 'any.example' });
    for (const bad of [`${token}3`, token.slice(1), `${token},${token}2`, 'x'])
      refused('ADMIN_TOKEN_REQUIRED', () => access.admin(bearer(bad)));
    refused('ADMIN_TOKEN_REQUIRED', () => access.admin({ host: 'localhost' }));
    refused('ADMIN_TOKEN_REQUIRED', () => access.admin({ 'x-api-key': token }));
    refused('FORBIDDEN', () => access.admin(bearer(made[0])));
  });

  test('tokens of a file are replaced while it runs; a file that cannot be used leaves them', async (t) => {
    const file = join(await scratch(t), 'tokens');
    await writeFile(file, `${token}1\n${token}2\n`);
    const { access, lines } = await open(t, { adminTokenFile: file });
    access.admin(bearer(`${token}2`));
    await writeFile(file, `${token}3\n`);
    await eventually(() => !throws(() => access.admin(bearer(`${token}3`))));
    refused('ADMIN_TOKEN_REQUIRED', () => access.admin(bearer(`${token}1`)));
    await writeFile(file, 'too short\n');
    await eventually(() => lines.length > 0);
    access.admin(bearer(`${token}3`));
    assert.match(lines.join(''), /tokens:1: expected one token a line/);
    assert.doesNotMatch(lines.join(''), /too short|an-admin/);
  });

  test('a file of tokens that is missing, empty or wrong is told at the start, without its content', async (t) => {
    const dir = await scratch(t);
    await writeFile(join(dir, 'empty'), '\n\n');
    await writeFile(join(dir, 'short'), 'secret\n');
    for (const [name, message] of [
      ['none', /cannot be read \(ENOENT\)/],
      ['empty', /is empty/],
      ['short', /short:1: expected/],
    ] as const)
      await assert.rejects(open(t, { adminTokenFile: join(dir, name) }), (error) => {
        assert.ok(isFault(error, 'CONFIG_INVALID'));
        assert.match(error.message, message);
        return !/secret/.test(error.message);
      });
  });
});

suite('what others can reach', () => {
  test('needs a usable key of a source that is served, and a token', async (t) => {
    const past = new Date(Date.now() - 1).toISOString();
    for (const [keys, adminToken, missing] of [
      [[], undefined, /a key for a source and not yet an admin token/],
      [[], token, /not yet a key for a source$/],
      [[{ name: 'a' }], undefined, /not yet an admin token$/],
      [[{ name: 'a', expiresAt: past }], token, /a key/],
      [[{ name: 'a', source: '/elsewhere' }], token, /a key/],
    ] as const) {
      const options = { keys, ...(adminToken && { adminToken }) };
      const { access } = await open(t, { ...options, host: '0.0.0.0' });
      assert.throws(
        () => access.checkExposure(['/collect']),
        (error) => isFault(error, 'ACCESS_NOT_SET_UP') && missing.test(error.message),
      );
      (await open(t, options)).access.checkExposure(['/collect']);
    }
    const { access } = await open(t, { host: '0.0.0.0', keys: [{ name: 'a', source: '/collect' }], adminToken: token });
    access.checkExposure(['/collect', '/orders']);
    refused('KEY_REQUIRED', () => access.source({}, '/orders'));
  });

  test('is everything but the loopback interface', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost', 'LocalHost', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(host), host);
    for (const host of [
      '0.0.0.0',
      '::',
      '',
      '10.0.0.1',
      'example.com',
      '127.evil.com',
      'localhost.evil.com',
      '::2',
      '127.0.0.1.nip.io',
    ])
      assert.ok(!isLoopback(host), host);
  });
});
