/** The dashboards: names and order of members, forms of times, and which paths are refused. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { dashboard } from '../../../apps/signals/dashboard.ts';
import { symbols } from '../../../apps/signals/read-symbol.ts';
import { EventStream } from '../../support/event-stream.ts';
import { httpRequest } from '../../support/http-request.ts';
import { serveRoutes } from '../../support/routes-server.ts';
import { followupOf, initialOf, readSignals } from './read-signals.ts';

const signals = [
  initialOf('e', '2017-06-28T19:34:14.486693Z', 1),
  initialOf('e', '2017-06-29T13:15:01.173535Z', 1),
  initialOf('e', '2017-06-29T00:00:00.000000Z', 2),
  initialOf('z', '2017-06-30T00:00:00.000000Z', 3),
  ...[1, 1, 1, 3, 4].map(followupOf),
];

interface Summary {
  readonly count: number;
  readonly symbol: string;
  readonly followups: number;
}

async function serve(t: TestContext) {
  const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
  return { url, get: (path: string) => httpRequest(`${url}/dashboard/${path}`) };
}

suite('the dashboards', () => {
  test('a symbol, in the order and with the times of the contract', async (t) => {
    const { get } = await serve(t);
    assert.equal(
      (await get('symbol/e')).text,
      '{"count":3,"symbol":"e","earliest":"2017-06-28 19:34:14.486693","latest":"2017-06-29 13:15:01.173535","followups":6}',
    );
    assert.equal((await get('symbol/q')).text, '{"count":0,"symbol":"q","earliest":null,"latest":null,"followups":0}');
  });

  test('a range, a to z, each once', async (t) => {
    const { get } = await serve(t);
    const range = async (lower: string, upper: string) => {
      const { status, text } = await get(`range/${lower}/${upper}`);
      assert.equal(status, 200, text);
      const rows = JSON.parse(text) as readonly Summary[];
      assert.deepEqual(
        rows.map(({ symbol }) => symbol),
        symbols,
      );
      return Object.fromEntries(
        rows.filter(({ count }) => count > 0).map((row) => [row.symbol, [row.count, row.followups]]),
      );
    };
    assert.deepEqual(await range('2017-06-28', '2017-07-01'), { e: [3, 6], z: [1, 1] });
    assert.deepEqual(await range('2017-06-29', '2017-06-30'), { e: [2, 3] });
    assert.deepEqual(await range('2017-06-28T19:34', '2017-06-28T19:35'), { e: [1, 3] });
    assert.deepEqual(await range('2017-06-28T19%3A35', '2017-06-30T00%3A01'), { e: [2, 3], z: [1, 1] });
    assert.deepEqual(await range('2017-06-29', '2017-06-29'), {});
    assert.deepEqual(await range('0001-01-01', '9999-12-31'), { e: [3, 6], z: [1, 1] });
  });

  test('a path that says no symbol and no range is refused, and says why', async (t) => {
    const { get } = await serve(t);
    for (const [path, place] of [
      ['symbol/E', 'symbol'],
      ['symbol/ee', 'symbol'],
      ['symbol/%C3%A9', 'symbol'],
      ['symbol/1', 'symbol'],
      ['symbol/', 'symbol'],
      ['symbol/a%0A', 'symbol'],
      ['range/2017-13-01/2018-01-01', 'lower'],
      ['range/2017-02-29/2018-01-01', 'lower'],
      ['range/0000-01-01/2018-01-01', 'lower'],
      ['range/2017-6-1/2018-01-01', 'lower'],
      ['range/today/2018-01-01', 'lower'],
      ['range/2017-06-28T24:00/2018-01-01', 'lower'],
      ['range/2017-06-28t19:34/2018-01-01', 'lower'],
      ['range/2017-06-28T19:34:00/2018-01-01', 'lower'],
      ['range/2017-06-28 19:34/2018-01-01'.replace(' ', '%20'), 'lower'],
      ['range/2017-06-28/2017-06-27', 'upper'],
      ['range/2017-06-28/', 'upper'],
      ['range/2017-06-28T00:01/2017-06-28', 'upper'],
      ['range/%EF%BC%92017-06-28/2017-06-29', 'lower'],
    ] as const) {
      const { status, text } = await get(path);
      assert.equal(status, 400, `${path}: ${text}`);
      assert.ok((JSON.parse(text) as { message: string }).message.startsWith(`${place}: expected`), `${path}: ${text}`);
    }
    for (const path of ['range/2017-06-28', 'symbol/a/b', 'none']) assert.equal((await get(path)).status, 404, path);
  });

  test('the live one tells the range of all times', async (t) => {
    const { get, url } = await serve(t);
    const stream = await EventStream.open(`${url}/dashboard/live`);
    assert.equal((await stream.next())?.data, (await get('range/0001-01-01/9999-12-31')).text);
    stream.close();
  });
});
