/** `GET /rates`: against a reference over random tables, to the letter of the contract, and for queries that mean no good. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { suite, test } from 'node:test';
import { array, assert as assertProperty, asyncProperty, constantFrom, integer, option, record } from 'fast-check';
import type { Sql } from 'tributary';
import { averageRates, maxDays } from '../../../apps/rates/average-rates.ts';
import { dataset } from '../../../apps/rates/dataset.ts';
import { loadDataset } from '../../../src/dataset/load-dataset.ts';
import { sampleBlocks } from '../../../src/dataset/sample-blocks.ts';
import { DumpLines } from '../../../src/dataset/dump-lines.ts';
import { readDump } from '../../../src/dataset/read-dump.ts';
import { realData } from '../../support/real-data.ts';
import { type AskedRates, expectedRates, type RatesTables } from './expected-rates.ts';
import { ratesDatabase, readTables } from './rates-database.ts';

const real = realData('rates.sql');

const day = (number: number): string => new Date(Date.UTC(2021, 1, 26 + number)).toISOString().slice(0, 10);
const queryOf = ({ from, to, orig, dest }: AskedRates) => ({
  date_from: from,
  date_to: to,
  orig_code: orig,
  dest_code: dest,
});

const slugs = ['r0', 'r1', 'r2', 'r3', 'r4'] as const;
/** One is a region's slug, too. */
const codes = ['P0', 'P1', 'P2', 'P3', 'r1'] as const;
const hostile = ["' OR 1=1 --", '$1', '%', '\\', '', 'r0 ', 'R0', '😀', '{r0}'] as const;

const tables = record({
  // any region may be any other's parent: where they make a circle, nothing hangs
  parents: array(option(constantFrom(...slugs)), { minLength: slugs.length, maxLength: slugs.length }),
  regions: array(constantFrom(...slugs), { minLength: codes.length, maxLength: codes.length }),
  prices: array(
    record({
      orig: constantFrom(...codes),
      dest: constantFrom(...codes),
      day: integer({ min: 0, max: 4 }).map(day),
      price: integer({ min: 1, max: 2 ** 31 - 1 }),
    }),
    { maxLength: 80 },
  ),
}).map(({ parents, regions, prices }): RatesTables => ({
  regions: slugs.map((slug, index) => ({ slug, parent: parents[index] ?? null })),
  ports: codes.map((code, index) => ({ code, region: regions[index] ?? 'r0' })),
  prices,
}));

const place = constantFrom(...slugs, ...codes, ...hostile.filter((one) => one !== ''));
const asked = record({
  from: integer({ min: -1, max: 5 }).map(day),
  to: integer({ min: -1, max: 5 }).map(day),
  orig: place,
  dest: place,
});

const threePrices: RatesTables = {
  regions: [
    { slug: 'north', parent: null },
    { slug: 'AAAAA', parent: 'north' },
  ],
  ports: [
    { code: 'AAAAA', region: 'north' },
    { code: 'BBBBB', region: 'AAAAA' },
  ],
  prices: [
    ...[1244, 1140, 1079].map((price) => ({ orig: 'AAAAA', dest: 'BBBBB', day: '2021-01-31', price })),
    ...[5, 6].map((price) => ({ orig: 'AAAAA', dest: 'BBBBB', day: '2021-01-30', price })),
  ],
};
const valid = { date_from: '2021-01-29', date_to: '2021-01-31', orig_code: 'AAAAA', dest_code: 'BBBBB' };

suite('GET /rates', { timeout: 120_000 }, () => {
  test('answers what the contract says, over random trees of regions, ports and prices', async (t) => {
    const { load, get } = await ratesDatabase(t);
    await assertProperty(
      asyncProperty(tables, array(asked, { minLength: 8, maxLength: 8 }), async (given, questions) => {
        await load(given);
        for (const question of questions) {
          const { status, text } = await get(queryOf(question));
          assert.equal(status, 200, text);
          assert.deepEqual(JSON.parse(text), { rates: expectedRates(given, question) }, JSON.stringify(question));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('is to the letter: the order of members, 15 digits, null below three prices and without any', async (t) => {
    const { load, get } = await ratesDatabase(t);
    await load(threePrices);
    assert.equal(
      (await get(valid)).text,
      '{"rates":[{"count":3,"day":"2021-01-31","price":1154.33333333333},{"count":2,"day":"2021-01-30","price":null},{"count":null,"day":"2021-01-29","price":null}]}',
    );
    assert.equal(
      (await get({ ...valid, orig_code: 'north', date_from: '2021-01-31' })).text.match(/"count":3/g)?.length,
      1,
    );
    assert.match(
      (await get({ ...valid, dest_code: 'AAAAA' })).text,
      /^\{"rates":\[\{"count":null,/,
      'the port, not the region',
    );
    assert.equal((await get({ ...valid, date_to: '2021-01-28' })).text, '{"rates":[]}');
    assert.equal((await get({ ...valid, date_from: '9999-12-31', date_to: '0001-01-01' })).text, '{"rates":[]}');
    const leap = await get({ ...valid, date_from: '2020-02-28', date_to: '2020-03-01' });
    assert.deepEqual(leap.text.match(/\d{4}-\d\d-\d\d/g), ['2020-03-01', '2020-02-29', '2020-02-28']);
  });

  test('is the same however the database writes its days', async (t) => {
    const { databaseUrl, load, get, pool } = await ratesDatabase(t);
    await load(threePrices);
    await pool.query(`ALTER DATABASE "${new URL(databaseUrl).pathname.slice(1)}" SET datestyle = 'German'`);
    assert.match((await get(valid)).text, /^\{"rates":\[\{"count":3,"day":"2021-01-31","price":1154.33333333333\},/);
  });

  test('refuses with 400, naming the parameter, what is missing, doubled or no date', async (t) => {
    const { load, get } = await ratesDatabase(t);
    await load(threePrices);
    const refused = async (query: Parameters<typeof get>[0], message: RegExp) => {
      const { status, text } = await get(query);
      assert.equal(status, 400, text);
      assert.match((JSON.parse(text) as { message: string }).message, message);
    };
    for (const name of Object.keys(valid)) {
      const { [name as keyof typeof valid]: _, ...rest } = valid;
      await refused(rest, new RegExp(`\\b${name} is missing`));
      await refused(`${String(new URLSearchParams(valid))}&${name}=x`, new RegExp(`\\b${name} is given twice`));
      await refused(`${String(new URLSearchParams(rest))}&${name}[]=x`, new RegExp(`\\b${name}\\b`));
      await refused({ ...valid, [name]: 'a\0b' }, new RegExp(`\\b${name}\\b`));
    }
    const noDates = [
      '2021-1-5',
      '',
      '2021-02-29',
      '2021-13-01',
      '2021-01-32',
      '0000-01-01',
      '12021-01-01',
      '-2021-01-01',
    ];
    const written = [
      '2021-01-05T00:00',
      ' 2021-01-05',
      '2021-01-05\n',
      'today',
      'infinity',
      '20210105',
      '２０２１-01-05',
    ];
    for (const text of [...noDates, ...written])
      for (const name of ['date_from', 'date_to'])
        await refused({ ...valid, [name]: text }, new RegExp(`^${name}: expected a date`));
  });

  test('D6: a span has a limit, which the refusal tells, and what is as long is answered', async (t) => {
    const { load, get } = await ratesDatabase(t);
    await load(threePrices);
    const span = { ...valid, date_from: '1921-02-01', date_to: '2021-01-31' };
    const longest = await get(span);
    assert.equal((JSON.parse(longest.text) as { rates: unknown[] }).rates.length, maxDays);
    for (const date_from of ['1921-01-31', '0001-01-01']) {
      const { status, text } = await get({ ...span, date_from });
      assert.deepEqual([status, text.includes('date_to: expected at most 36525 days')], [400, true], text);
    }
  });

  test('what stands in a query is never SQL, and answers below 500 whatever it is', async (t) => {
    const { load, get, pool } = await ratesDatabase(t);
    await load(threePrices);
    const empty = JSON.stringify({
      rates: expectedRates(threePrices, { from: '2021-01-29', to: '2021-01-31', orig: '', dest: '' }),
    });
    const texts = [...hostile, "'; DROP TABLE prices; --", 'x'.repeat(10_000), '\u{10FFFF}', 'AAAAA;', '__proto__'];
    for (const text of texts)
      for (const name of ['orig_code', 'dest_code'])
        assert.deepEqual(await statusAndText(get({ ...valid, [name]: text })), [200, empty], text);
    const raw = new URLSearchParams(valid).toString();
    for (const query of ['%', '%zz=1', 'orig_code=%C0%80', 'orig_code=%ED%A0%80', '&&&=&', 'a'.repeat(9_000), '%00'])
      assert.ok((await get(`${raw}&${query}`)).status < 500, query);
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM prices');
    assert.deepEqual(rows, [{ n: 5 }]);
  });

  test('before the tables are loaded it is 503, and says how they are', async (t) => {
    const { get } = await ratesDatabase(t);
    const { status, headers, text } = await get(valid);
    assert.deepEqual([status, headers['retry-after']], [503, '1']);
    assert.match(text, /"error":"WAREHOUSE_TABLE_MISSING".*tributary rates init/);
  });

  test('whoever reads while the tables are replaced is answered, from the old ones or the new, by whatever connection', async (t) => {
    const { load, get } = await ratesDatabase(t);
    const more = { ...threePrices, prices: [...threePrices.prices, ...threePrices.prices] };
    const answers: string[] = [];
    for (const given of [threePrices, more]) {
      await load(given);
      answers.push((await get(valid)).text);
    }
    const ended = new AbortController();
    const others: string[] = [];
    const read = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        const { text } = await get(valid);
        if (!answers.includes(text)) others.push(text);
      }
    };
    const reading = Promise.all(Array.from({ length: 8 }, read));
    for (let turn = 0; turn < 20; turn++) await load(turn % 2 === 0 ? threePrices : more);
    ended.abort();
    await reading;
    assert.deepEqual(others, []);
  });

  test('answers the same of the real dump', { skip: real.skip }, async (t) => {
    const { get, pool } = await ratesDatabase(t);
    const client = await pool.connect();
    const blocks = readDump(new DumpLines(createReadStream(real.path)));
    await loadDataset(client, { dataset, blocks, replace: false }).finally(() => client.release());
    const given = await readTables(pool);
    const month = { from: '2020-12-31', to: '2021-02-01' };
    const pairs = ['china_main', 'CNSGH', 'northern_europe', 'baltic', 'none'].flatMap((orig) =>
      ['north_europe_main', 'china_east_main', 'EETLL', 'scandinavia'].map((dest) => ({ ...month, orig, dest })),
    );
    for (const pair of pairs) {
      const { text } = await get(queryOf(pair));
      assert.deepEqual(JSON.parse(text), { rates: expectedRates(given, pair) }, JSON.stringify(pair));
    }
  });

  test('reads by the index at a hundred million prices: a month of a pair of regions', async (t) => {
    const { pool } = await ratesDatabase(t);
    const client = await pool.connect();
    const blocks = sampleBlocks(dataset, { rows: 100_000, seed: 7 });
    await loadDataset(client, { dataset, blocks, replace: false });
    client.release();
    // the planner takes rows a page from here, and pages from the file
    await pool.query(
      `UPDATE pg_class SET reltuples = 1e8 WHERE oid IN ('prices'::regclass, 'prices_orig_code_dest_code_day'::regclass)`,
    );
    let plan = '';
    const explained: Sql = async (statement, ...values) => {
      const text = statement.reduce((before, part, index) => `${before}$${index}${part}`);
      const { rows } = await pool.query<{ 'QUERY PLAN': object }>(`EXPLAIN (FORMAT JSON) ${text}`, [...values]);
      plan = JSON.stringify(rows[0]?.['QUERY PLAN']);
      return [];
    };
    const query = { date_from: '2021-01-01', date_to: '2021-01-31', orig_code: 'region_0', dest_code: 'region_1' };
    await averageRates({ path: {}, query }, explained);
    assert.doesNotMatch(plan, /"Node Type":"Seq Scan"[^{}]*"Relation Name":"prices"/);
    assert.match(plan, /"Node Type":"Index Only Scan"[^{}]*"Index Name":"prices_orig_code_dest_code_day"/);
    assert.match(plan, /"Index Cond":"\(\(orig_code = ANY[^"]*dest_code = ANY[^"]*day >=[^"]*day <=/);
  });
});

async function statusAndText(reply: Promise<{ readonly status: number; readonly text: string }>) {
  const { status, text } = await reply;
  return [status, text];
}
