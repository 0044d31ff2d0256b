/** The index by which rows that land again are found (D9). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ClientBase } from 'pg';
import { ensureIndex, renewSummaries, summariseIndexes } from '../../src/sinks/postgres/replaced-rows.ts';
import { openTestEmbedded } from '../support/postgres-server.ts';

const of = { table: { name: 'replaced "rows"' }, column: 'id' };
const rows = 20_000;

/** Ids that count up. */
const insert = (from: number): string =>
  `INSERT INTO "replaced ""rows""" SELECT lpad(to_hex(n), 32, '0')::uuid, repeat('x', 200)
   FROM generate_series(${from}, ${from + rows - 1}) n`;

/** How many blocks are read to find an id that no row has. */
async function blocksRead(client: ClientBase, n: number): Promise<number> {
  const id = n.toString(16).padStart(32, '0');
  const { rows: plans } = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) SELECT FROM "replaced ""rows""" WHERE id BETWEEN '${id}' AND '${id}'`,
  );
  const plan = plans[0]!['QUERY PLAN'][0].Plan;
  assert.equal(plan['Node Type'], 'Bitmap Heap Scan');
  return plan['Lossy Heap Blocks']!;
}

suite('rows that land again', () => {
  test('D9: are found in few blocks also where newer rows have taken the place of older ones', async (t) => {
    const postgres = await openTestEmbedded();
    t.after(() => postgres.close());
    const client = await postgres.warehouse.pool.connect();
    t.after(() => client.release());
    await client.query('SET enable_seqscan = off');
    await client.query('CREATE TABLE "replaced ""rows""" (id uuid, padding text) PARTITION BY RANGE (id)');
    await client.query(
      'CREATE TABLE replaced_all PARTITION OF "replaced ""rows""" DEFAULT WITH (autovacuum_enabled = off)',
    );
    await client.query(insert(0));
    assert.equal(await ensureIndex(client, of), true);
    assert.equal(await ensureIndex(client, of), false);
    assert.equal(await blocksRead(client, 10 * rows), 0);
    await client.query('DELETE FROM "replaced ""rows"""');
    await client.query('VACUUM (TRUNCATE off) "replaced ""rows"""');
    await client.query(insert(20 * rows));
    await summariseIndexes(client, of);
    assert.ok((await blocksRead(client, 10 * rows)) > 0, 'summaries have not widened: the test shows nothing');
    await renewSummaries(client, of);
    assert.equal(await blocksRead(client, 10 * rows), 0);
  });
});
