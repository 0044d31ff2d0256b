import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { isFault } from '../../src/errors.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import { warehouseContract } from '../contracts/warehouse.ts';
import { type TestServer, openTestServer, startPostgresServer } from '../support/postgres-server.ts';

warehouseContract('server', openTestServer);

async function failure(url: string): Promise<Error> {
  const error = await openServerWarehouse({ url }).then(
    () => assert.fail('it opened'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isFault(error, 'WAREHOUSE_UNAVAILABLE'), inspect(error));
  return error;
}

describe('server warehouse', () => {
  let server: TestServer;
  before(async () => {
    server = await startPostgresServer();
  });
  after(() => server.stop());

  it('says where nothing answers, without the password', async () => {
    const error = await failure('postgresql://someone:s3cret@127.0.0.1:1/db');
    assert.match(error.message, /127\.0\.0\.1:1\/db.*ECONNREFUSED/);
    assert.doesNotMatch(inspect(error, { depth: null }), /s3cret/);
  });

  it('says that it was refused, without the password', async () => {
    const url = new URL(server.url);
    url.password = 's3cret';
    const error = await failure(url.href);
    assert.match(error.message, /password authentication failed/);
    assert.doesNotMatch(inspect(error, { depth: null }), /s3cret/);
  });

  it('says that a URL cannot be read, without quoting it', async () => {
    for (const url of ['postgresql://someone:s3cret@:x:1/db', 'postgresql://a:s3cret@host:99999999/db']) {
      assert.doesNotMatch(inspect(await failure(url), { depth: null }), /s3cret/);
    }
  });

  it('gives up on a server that does not answer', { timeout: 30_000 }, async (t) => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.after(() => silent.close());
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    await failure(`postgresql://a:b@127.0.0.1:${address.port}/db`);
  });
});
