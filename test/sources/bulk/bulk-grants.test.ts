/** A role with what `tributary warehouse grants` prints takes batches; without any part of it, it is refused, and nothing is in. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { Client } from 'pg';
import type { Bulk } from '../../../src/index.ts';
import { noObserver } from '../../../src/sources/bulk/bulk-observer.ts';
import { bulkGrants } from '../../../src/sources/bulk/bulk-grants.ts';
import { openServerWarehouse } from '../../../src/stores/warehouse/server-warehouse.ts';
import { type BulkAnswer, pricesBulk, serveBulk, tables } from '../../support/bulk-server.ts';
import { type OwnPostgresServer, ownPostgresServer } from '../../support/postgres-server.ts';

const role = 'in"gest; --';
const quotedRole = '"in""gest; --"';
const database = 'postgres';
const good = 'AAAAA,BBBBB,2021-01-01,100\n';

describe('what a role needs for batches', { timeout: 120_000 }, () => {
  let postgres: OwnPostgresServer;
  let admin: Client;
  before(async () => {
    postgres = await ownPostgresServer();
    admin = new Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query(
      `REVOKE ALL ON DATABASE ${database} FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC; ${tables};
       CREATE ROLE ${quotedRole} LOGIN PASSWORD 'secret'; GRANT CONNECT ON DATABASE ${database} TO ${quotedRole}`,
    );
  });
  after(async () => {
    await admin.end();
    await postgres.stop();
  });
  beforeEach(() => admin.query('TRUNCATE prices'));

  const keyed: Bulk = pricesBulk({ onConflict: 'upsert' });
  async function prepare(bulk: Bulk, isPrepared = true): Promise<readonly string[]> {
    const statements = bulkGrants({ role, database, bulks: [bulk], isPrepared });
    for (const statement of [...statements, ...statements]) await admin.query(statement);
    return statements;
  }

  /** All that is done with batches, by the role: the answers that were none of success. */
  async function useAll(t: TestContext, bulk: Bulk): Promise<readonly BulkAnswer[]> {
    const url = new URL(postgres.url);
    url.username = encodeURIComponent(role);
    url.password = 'secret';
    const warehouse = await openServerWarehouse({ url: url.href });
    t.after(() => warehouse.close());
    const notForgotten: unknown[] = [];
    const observer = { ...noObserver, notForgotten: (error: unknown) => void notForgotten.push(error) };
    const { send, statusOfKey, cancel } = await serveBulk(t, warehouse, bulk, observer);
    const key = randomUUID();
    const headers = { 'content-type': 'text/csv', 'idempotency-key': key };
    const loaded = await send(good, headers);
    const answers = [
      loaded,
      await send(good, headers),
      await send(good, headers, '?dry_run=true'),
      await statusOfKey(key),
    ];
    if (loaded.status === 201) answers.push(await cancel(loaded.answer.batch_id));
    const failed = answers.filter(({ status }) => status > 201).map(({ answer }) => answer);
    return [
      ...failed,
      ...notForgotten.map((error) => ({ batch_id: '', error: 'NOT_FORGOTTEN', message: String(error) })),
    ];
  }

  for (const [what, bulk] of [
    ['insert', pricesBulk()],
    ['upsert', keyed],
  ] as const)
    it(`D7: ${what}: what is granted is enough, and each part of it is needed`, async (t) => {
      if (what === 'upsert') await admin.query('ALTER TABLE prices ADD PRIMARY KEY (orig_code, dest_code, day)');
      const statements = await prepare(bulk);
      assert.deepEqual(await useAll(t, bulk), []);
      const grants = statements.flatMap((statement) => {
        const [, privileges = '', on = ''] = /^GRANT (.*) ON (.*) TO /.exec(statement) ?? [];
        return privileges === '' ? [] : privileges.split(', ').map((privilege) => ({ privilege, on }));
      });
      assert.ok(grants.length >= 9, JSON.stringify(grants));
      for (const { privilege, on } of grants) {
        await admin.query(`TRUNCATE prices, tributary_batches; REVOKE ${privilege} ON ${on} FROM ${quotedRole}`);
        const failed = await useAll(t, bulk);
        const expected = privilege === 'DELETE' ? 'NOT_FORGOTTEN' : 'WAREHOUSE_DENIED';
        assert.equal(failed[0]?.error, expected, `without ${privilege} on ${on}: ${JSON.stringify(failed)}`);
        // A table without a key is looked at by dry runs only.
        const isIn = privilege === 'DELETE' || (what === 'insert' && privilege === 'SELECT' && on === '"prices"');
        assert.equal((await admin.query('SELECT FROM prices')).rowCount, isIn ? 1 : 0, `without ${privilege} on ${on}`);
        await prepare(bulk);
      }
    });

  it('a role that may make tables needs no more than temporary ones beside', async (t) => {
    await admin.query(`DROP TABLE tributary_batches, prices, ports; DROP OWNED BY ${quotedRole}`);
    await admin.query(
      `GRANT CONNECT ON DATABASE ${database} TO ${quotedRole}; GRANT CREATE ON SCHEMA public TO ${quotedRole}`,
    );
    await admin.query(`SET ROLE ${quotedRole}; ${tables}; RESET ROLE`);
    assert.deepEqual(await prepare(pricesBulk(), false), [`GRANT TEMPORARY ON DATABASE "postgres" TO ${quotedRole}`]);
    assert.deepEqual(await useAll(t, pricesBulk()), []);
  });
});
