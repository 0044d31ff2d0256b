/**
 * Every shell block of the documentation runs, document by document, in order, in a directory that looks like a clone: its
 * entries lead to ours, and what the blocks write lies beside them. Three notes tell a block apart, in a comment on the line
 * before it: `docs test: background` is left running (it serves), `docs test: not run` would run the tests in the tests.
 * The guide is one session, in a project with the README's pipeline: its pages are read one after the other, with one server.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksOf, documents } from './markdown.ts';
import { type Expected, inClone, inProject, openSession, projectOf, runAll } from './shell-session.ts';

/** What a reader is told to expect. */
const expected: Expected = [
  ['send events.json', /Sent 5000 events .* 0 not acknowledged/],
  [
    'select type, count(*)',
    /^invoice\.sent +\d+$[^]*"metadata":\{"correlationId"[^]*^received +pipeline +at +correlation id/m,
  ],
  ['prove collect', /^PROVEN/m],
  ['first-try', /"accepted":1,"rejected":0,"errors":\[\]/],
  ['not JSON', /"accepted":0,"rejected":2,"errors":\[/],
  ['guide-1', /"accepted":2,"rejected":1,"errors":\[\{"index":2,/],
  ['order by placed_at', /19\.9 *\n[^]*"total":19\.9/],
  ['npx tributary schemas check orders-value', /total[^]*^refused, exit code 1$/m],
  ['schemas diff orders-value 1 2', /total/],
  ['dead-letter/orders', / orders +ingest[^]*"path":"placedAt"/m],
  ['select count(*) from orders', /^ *3 *$/m],
  ["grep '^tributary_'", /"status":"ready"[^]*^tributary_events_landed_total\{pipeline="orders",sink="orders"\} 3$/m],
  ['tail orders', /0190a1b2[^]*^is: +landed$/m],
  ['symbol=e', /^(True|False)hooray$/],
  ['dashboard/symbol/e', /^\{"count":1,"symbol":"e",[^]*"followups":1\}\[\{"count":0,"symbol":"a",/],
  ['generate signals', /Sent 100 requests .* 0 not acknowledged/],
  ['objects/signals', /"kind":"initial"[^]*"kind":"followup"/],
  [
    'views rebuild signals',
    /^signals\/by-symbol +signals\.raw +0 [^]*^signals\/by-symbol: 102 records in [0-9.]+ s; the new view answers\.$/m,
  ],
  ['rates init --prices 50000', /^Loaded 40 regions, 150 ports, 50000 prices\.$/m],
  [
    'orig_code=region_0',
    /^\{"rates":\[\{"count":null,"day":"2021-02-01","price":null\},\{"count":\d+,"day":"2021-01-31","price":[\d.]+\}/,
  ],
  ['count(*) from prices', /^ *50000 *$/m],
  [
    'load rates prices.ndjson',
    /^All 1000 rows would go in; [^]*^Loaded 1000 rows in [^]*^Nothing to do: these 1000 rows are in since batch/m,
  ],
  ['some.ndjson --env prices', /^Loaded 10 rows in /m],
  ['by-hand', /"state":"committed","dry_run":false,"rows":1000\}[^]*"state":"committed"[^]*"error_count":0/],
  [
    'FROM card_history ORDER BY',
    /100000 +t +2022-04-01 12:00:01 +2022-04-01 12:00:05 +f *\n100000 +f +2022-04-01 12:00:05 +NULL +t/,
  ],
  ["valid_from <= '2022-04-01 12:00:03'", /^100000 +t *$/m],
  ['AS users, (SELECT', /^ *1001 +\d+$/m],
  ['payload.active', /Replayed 1 of 1[^]*data\/events\/inbox\/cards\/bad\.json/],
  [
    'pull users content',
    /^users: 10000 items in raw[^]*^content: 1000 items [^]* users +done +10000 [^]* 11000 total/m,
  ],
  ['choice=coffee', /^one more for teaone more for coffeeso be it[^]*"voter":"ada"[^]*"choice":null/m],
  [
    'objects/events/event_type=*',
    /event_type=purchase\/date=2026-03-01\/[^]*"user":\{"user_id":"user_2"[^]*"amount": 12\.50[^]*event_type=view\/date=2026-03-01\//,
  ],
  ['dropped_total{pipeline="lake"', /reason="duplicate"\} 1$[^]*reason="signup"\} 1$/m],
  ['invalid-timestamp', /"errors":\[\{"index":0,"path":"timestamp"[^]*accepted +lake/],
  ['columns/objects', /0 not acknowledged[^]*lake\.raw-0-\d+\.parquet/],
  ['FROM by_country', /^country +likes$/m],
  ['compact lake', /would become \d+\. Without --dry-run they do\.$[^]* have become \d+\.$/m],
  ['generate lake --count 1000', /Sent 1000 events in 20 packages [^]*event_type=click[^]*event_type=view/],
  [
    '/health/live',
    /"status":"live"[^]*"status":"ready"[^]*^tributary_events_landed_total\{pipeline="collect",sink="events"\} [1-9]/m,
  ],
];

/** `docs/guide/cluster.md` needs real servers: test/cluster/guide.test.ts runs it. */
const documentsWithBlocks = documents()
  .filter((file) => file !== 'docs/guide/cluster.md')
  .map((file) => ({ file, blocks: blocksOf(file).filter(({ language }) => language === 'sh') }))
  .filter(({ blocks }) => blocks.length > 0);

/** Pages with a project of their own. */
const fills = new Map([['docs/guide/requests.md', projectOf('docs/guide/requests.md', 'votes')]]);

/** In the order in which they are read. */
const guide = ['first-pipeline', 'dead-letters', 'schemas', 'operating'].map((page) => `docs/guide/${page}.md`);

for (const { file, blocks } of documentsWithBlocks.filter((document) => !guide.includes(document.file)))
  test(`the shell blocks of ${file} run`, { timeout: 240_000 }, async (t) => {
    await runAll(t, await openSession(t, fills.get(file) ?? inClone), blocks, expected);
  });

test('the shell blocks of the guide run, page by page, with one server', { timeout: 240_000 }, async (t) => {
  const session = await openSession(t, inProject);
  await runAll(
    t,
    session,
    guide.flatMap((page) => blocksOf(page).filter(({ language }) => language === 'sh')),
    expected,
  );
});

test('what is expected of a block is expected of one that is there', () => {
  const blocks = documentsWithBlocks.flatMap((document) => document.blocks);
  for (const [text] of expected)
    assert.ok(
      blocks.some((block) => block.text.includes(text)),
      text,
    );
});
