/** `sslmode` in the URL of a PostgreSQL server. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import { makeCertificate, noOpenssl } from '../support/certificates.ts';
import { type OwnPostgresServer, ownPostgresServer } from '../support/postgres-server.ts';

async function isEncrypted(url: string): Promise<boolean> {
  const warehouse = await openServerWarehouse({ url });
  try {
    const found = await warehouse.pool.query<{ ssl: boolean }>(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    return found.rows[0]?.ssl === true;
  } finally {
    await warehouse.close();
  }
}

suite('a PostgreSQL server by TLS', { skip: noOpenssl }, () => {
  let server: OwnPostgresServer;
  let certFile = '';
  before(async () => {
    server = await ownPostgresServer(async (dir) => {
      const made = await makeCertificate(dir, 'db.example');
      certFile = made.certFile;
      await chmod(made.keyFile, 0o600);
      return { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: join(dir, 'db.example.key') };
    });
  });
  after(() => server.stop());

  const urlWith = (host: string, parameters: Readonly<Record<string, string>>): string => {
    const url = new URL(server.url);
    url.hostname = host;
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  };

  test('verify-full with the authority in sslrootcert encrypts; so does no-verify without; disable does not', async () => {
    assert.equal(await isEncrypted(urlWith('localhost', { sslmode: 'verify-full', sslrootcert: certFile })), true);
    assert.equal(await isEncrypted(urlWith('127.0.0.1', { sslmode: 'no-verify' })), true);
    assert.equal(await isEncrypted(urlWith('127.0.0.1', { sslmode: 'disable' })), false);
  });

  test('a certificate of nobody that is trusted, or for another name, is refused', async () => {
    const urls = [
      urlWith('localhost', { sslmode: 'verify-full' }),
      urlWith('127.0.0.1', { sslmode: 'verify-full', sslrootcert: certFile }),
    ];
    for (const url of urls)
      await assert.rejects(openServerWarehouse({ url }), (error) => {
        assert.ok(isFault(error, 'WAREHOUSE_UNAVAILABLE'));
        assert.match(error.message, /certificate|altnames/i);
        return true;
      });
  });
});
