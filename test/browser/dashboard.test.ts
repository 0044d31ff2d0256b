/** The page of signals in a real browser: what it shows, that it stays up to date, and what it says where it cannot. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { dashboard } from '../../apps/signals/dashboard.ts';
import type { Signal } from '../../apps/signals/signal.ts';
import { addKey } from '../../src/access/key-store.ts';
import { openAccess } from '../../src/access/open-access.ts';
import { guard } from '../../src/api/guard.ts';
import { Fault } from '../../src/errors.ts';
import { http, type Route } from '../../src/index.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { followupOf, initialOf, readSignals, uuidOf } from '../apps/signals/read-signals.ts';
import { findChromium, launchChromium } from '../support/browser.ts';
import { httpRequest } from '../support/http-request.ts';
import { scratch, startProgram } from '../support/program.ts';
import { serveRoutes } from '../support/routes-server.ts';
import { until } from '../support/until.ts';

const executable = findChromium();
const skip =
  executable === undefined &&
  'no Chromium on the PATH and none in TRIBUTARY_TEST_CHROMIUM (scripts/install-browser.sh)';

const cellsOf = (page: Page, symbol: string): Promise<readonly string[]> =>
  page
    .locator('tbody tr')
    .filter({ has: page.locator(`th:text-is("${symbol}")`) })
    .locator('td')
    .allTextContents();

const hears = (page: Page, text: string | RegExp): Promise<void> =>
  page.getByRole('status').filter({ hasText: text }).waitFor();

const shows = (page: Page, text: string): Promise<void> => page.locator('caption', { hasText: text }).waitFor();

/** The page, and a live answer that a test sets. */
function liveOnly(answer: () => unknown): readonly Route[] {
  return [...dashboard.filter(({ kind }) => kind === 'page'), http.live('/dashboard/live', async () => answer())];
}

suite('the dashboard page', { skip, timeout: 240_000 }, () => {
  let browser: Browser;

  before(async () => (browser = await launchChromium(executable as string)));
  after(() => browser.close());

  /** Closed after the test, which fails where the page has said an error that is not expected. */
  async function open(
    t: TestContext,
    url: string,
    options: BrowserContextOptions & { errors?: RegExp } = {},
  ): Promise<Page> {
    const { errors, ...contextOptions } = options;
    const context = await browser.newContext({ viewport: { width: 1000, height: 1200 }, ...contextOptions });
    const page = await context.newPage();
    const said: string[] = [];
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
    t.after(async () => {
      await context.close();
      assert.deepEqual(
        said.filter((text) => errors?.test(text) !== true),
        [],
      );
    });
    await page.goto(`${url}/dashboard`);
    return page;
  }

  test('shows what has just been sent, without a reload, on the real program', async (t) => {
    const program = await startProgram({ dataDir: join(await scratch(t), 'data'), args: ['--only', 'signals'] });
    t.after(() => program.kill('SIGTERM'));
    const page = await open(t, program.url);
    await hears(page, 'Live');
    await shows(page, '0 initials, 0 followups');
    const send = (path: string) => httpRequest(`${program.url}${path}`, { method: 'POST' });
    for (const path of [
      `/followup?uuid=${uuidOf(1)}`,
      `/initial?uuid=${uuidOf(1)}&symbol=e`,
      `/initial?uuid=${uuidOf(2)}&symbol=e`,
    ])
      assert.equal((await send(path)).status, 200);
    await shows(page, '2 initials, 1 followups');
    const [count, followups, earliest] = await cellsOf(page, 'e');
    assert.deepEqual([count, followups], ['2', '1']);
    assert.match(earliest ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    await page.getByRole('combobox', { name: 'Time' }).selectOption('the last hour');
    await send(`/initial?uuid=${uuidOf(3)}&symbol=a`);
    await shows(page, '3 initials, 1 followups');
    await page.close(); // before the program
  });

  const signals: readonly Signal[] = [
    initialOf('e', '2017-06-28T19:34:14.486693Z', 1),
    initialOf('e', '2017-06-29T13:15:01.173535Z', 1),
    initialOf('z', '2017-06-30T00:00:00.000000Z', 3),
    ...[1, 1, 3].map(followupOf),
  ];

  test('is a table of all symbols, a to z, that a screen reader can read', async (t) => {
    const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
    const page = await open(t, url);
    await shows(page, '3 initials, 5 followups');
    assert.deepEqual(await page.getByRole('rowheader').allTextContents(), Array.from('abcdefghijklmnopqrstuvwxyz'));
    const titles = ['Symbol', 'Initials', 'Followups', 'Earliest', 'Latest'];
    assert.deepEqual(await page.getByRole('columnheader').allTextContents(), titles);
    assert.deepEqual(await cellsOf(page, 'e'), ['2', '4', '2017-06-28 19:34:14', '2017-06-29 13:15:01']);
    assert.deepEqual(await cellsOf(page, 'q'), ['0', '0', '–', '–']);
    assert.equal(await page.getByRole('table', { name: '3 initials, 5 followups' }).count(), 1);
    assert.equal(await page.locator('[aria-live=polite]').textContent(), 'Live');
  });

  test('shows a range of time, and says what is wrong with one', async (t) => {
    const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
    const page = await open(t, url, { errors: /status of 400/ });
    await shows(page, '3 initials');
    await page.getByRole('combobox', { name: 'Time' }).selectOption('from … to …');
    await page.getByLabel('From, UTC').fill('2017-06-29T00:00');
    await page.getByLabel('To, UTC').fill('2017-06-30T00:00');
    await page.getByLabel('To, UTC').blur();
    await shows(page, '1 initials, 2 followups');
    await page.getByLabel('To, UTC').fill('2017-06-28T00:00');
    await page.getByLabel('To, UTC').blur();
    await page.getByRole('alert').filter({ hasText: 'upper: expected none before 2017-06-29T00:00' }).waitFor();
    await page.getByRole('combobox', { name: 'Time' }).selectOption('all');
    await shows(page, '3 initials, 5 followups');
    assert.equal(await page.getByRole('alert').textContent(), '');
  });

  test('says that the connection is lost, and that it is back', async (t) => {
    const first = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
    const page = await open(t, first.url, { errors: /ERR_CONNECTION_REFUSED/ });
    await hears(page, 'Live');
    await first.server.close();
    await hears(page, 'Connection lost, trying again');
    const again = readSignals([...signals, initialOf('a', '2017-07-01T00:00:00.000000Z', 4)]);
    await serveRoutes(t, { routes: dashboard, read: again, port: Number(new URL(first.url).port) });
    await hears(page, 'Live again');
    await shows(page, '4 initials, 5 followups');
  });

  test('says at once that there is no network, and that there is one again', async (t) => {
    const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
    const page = await open(t, url, { errors: /ERR_INTERNET_DISCONNECTED/ });
    await hears(page, 'Live');
    await page.context().setOffline(true);
    await page.getByRole('status').filter({ hasText: 'Connection lost, trying again' }).waitFor({ timeout: 10_000 });
    await page.context().setOffline(false);
    await hears(page, 'Live again');
  });

  test('says that what it shows is not up to date, where the server says so', async (t) => {
    let failure: Error | undefined;
    const routes = liveOnly(() => {
      if (failure) throw failure;
      return [];
    });
    const { url } = await serveRoutes(t, { routes, limits: { lookEveryMs: 20 } });
    const page = await open(t, url);
    await hears(page, 'Live');
    failure = new Fault('VIEW_BEHIND', 'the view signals/by-symbol has not come to offset 7');
    await hears(page, 'Not up to date: the view signals/by-symbol has not come to offset 7');
    failure = undefined;
    await hears(page, 'Live');
  });

  test('shows a range while counts change all the time and the server takes longer than they do', async (t) => {
    let n = 0;
    const row = (): object => ({ count: ++n, symbol: 'e', earliest: null, latest: null, followups: 0 });
    const slow = http.get('/dashboard/range/:lower/:upper', async () => {
      await sleep(1_500);
      return [{ count: 7, symbol: 'e', earliest: null, latest: null, followups: 5 }];
    });
    const { url } = await serveRoutes(t, { routes: [...liveOnly(() => [row()]), slow], limits: { lookEveryMs: 20 } });
    const page = await open(t, url);
    await hears(page, 'Live');
    await page.getByRole('combobox', { name: 'Time' }).selectOption('the last hour');
    await shows(page, '7 initials, 5 followups');
    await page.close(); // before the server
  });

  test('says why it is not live, where the server says so', async (t) => {
    const { url } = await serveRoutes(t, { routes: liveOnly(() => []), limits: { maxListeners: 0 } });
    const page = await open(t, url, { errors: /status of 503/ });
    await hears(page, 'Not live: /dashboard/live has 0 listeners, and takes no more, trying again');
  });

  test('holds no connection while nobody sees it', async (t) => {
    let looks = 0;
    const routes = liveOnly(() => [{ count: (looks += 1), symbol: 'e', earliest: null, latest: null, followups: 0 }]);
    const { url } = await serveRoutes(t, { routes, limits: { lookEveryMs: 20 } });
    const page = await open(t, url);
    await hears(page, 'Live');
    const turn = (isHidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
         document.dispatchEvent(new Event('visibilitychange'));`,
      );
    await turn(true);
    let seen = -1;
    await until(async () => {
      seen = looks;
      await sleep(200); // ten looks, if anybody listened
      return looks === seen;
    });
    await turn(false);
    await until(() => looks > seen + 3);
  });

  test('puts what the server says into the page as text, whatever it is', async (t) => {
    const hostile = '<img src=x onerror="globalThis.isRun = true"><script>globalThis.isRun = true</script>';
    const routes = liveOnly(() => [{ count: 1, symbol: hostile, earliest: hostile, latest: hostile, followups: 1 }]);
    const { url } = await serveRoutes(t, { routes });
    const page = await open(t, url, { errors: /Content Security Policy/ });
    await hears(page, 'Live');
    assert.equal(await page.getByRole('rowheader').textContent(), hostile);
    assert.equal(await page.locator('img, tbody script').count(), 0);
    // and where a page forgets to, its policy stops it
    const refused = page.waitForEvent('console', (message) => message.text().includes('Content Security Policy'));
    await page.evaluate(`document.body.innerHTML = '<img src=x: onerror="globalThis.isRun = true">'`);
    await refused;
    assert.equal(await page.evaluate(() => 'isRun' in globalThis), false);
  });

  test('asks for a key where one is needed, and keeps it for the session', async (t) => {
    const keysDir = join(await scratch(t), 'keys');
    const { key } = await addKey(keysDir, { name: 'wall', source: '/dashboard' }, Date.now());
    const { key: other } = await addKey(keysDir, { name: 'shop', source: '/initial' }, Date.now());
    const logger = createLogger({ level: 'silent' });
    const access = await openAccess({
      host: '0.0.0.0',
      keysDir,
      adminToken: undefined,
      adminTokenFile: undefined,
      logger,
    });
    t.after(() => access.close());
    const { url } = await serveRoutes(t, {
      routes: dashboard,
      read: readSignals(signals),
      prepare: (server) => guard(server, access),
    });
    const page = await open(t, url, { errors: /status of 40[13]/ });
    await hears(page, 'A key is needed');
    assert.equal(await page.getByRole('rowheader').count(), 0);
    await page.getByLabel('Access key').fill(other);
    await page.getByRole('button', { name: 'Open' }).click();
    await hears(page, /is for \/initial, not for \/dashboard\/live/);
    await page.getByLabel('Access key').fill(key);
    await page.keyboard.press('Enter');
    await shows(page, '3 initials, 5 followups');
    assert.equal(await page.getByLabel('Access key').isVisible(), false);
    await page.reload();
    await shows(page, '3 initials, 5 followups');
    await page.getByRole('combobox', { name: 'Time' }).selectOption('the last 7 days');
    await shows(page, '0 initials, 0 followups');
  });

  for (const colorScheme of ['light', 'dark'] as const)
    test(`can be read on a phone of 320 pixels, ${colorScheme}`, async (t) => {
      const many = Array.from({ length: 30 }, (_, n) => initialOf('e', '2017-06-28T19:34:14.486693Z', n));
      const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals([...many, ...signals]) });
      const page = await open(t, url, { viewport: { width: 320, height: 640 }, colorScheme });
      await shows(page, '33 initials');
      await page.getByRole('combobox', { name: 'Time' }).selectOption('from … to …');
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320);
      const selectors = [
        'h1',
        '#state',
        'caption',
        'thead th',
        'tbody th',
        '.count',
        '.time:last-child',
        'label',
        'select',
      ];
      for (const selector of selectors) {
        const ratio = await page.evaluate<number>(`(${contrast})(${JSON.stringify(selector)})`);
        assert.ok(ratio >= 4.5, `${selector}: ${ratio}`);
      }
    });

  test('its stream is one that EventSource reads, too', async (t) => {
    const { url } = await serveRoutes(t, { routes: dashboard, read: readSignals(signals) });
    const page = await open(t, url);
    const told = await page.evaluate<string>(heard);
    assert.equal((JSON.parse(told) as readonly object[]).length, 26);
  });
});

/** As WCAG 2 reckons it, against the colour of the page and that of the bars: the smaller one. In the page's own words: ours has no DOM. */
const contrast = `(selector) => {
  const canvas = document.createElement('canvas').getContext('2d');
  const luminance = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const linear = (value) => (value <= 10.3 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const own = getComputedStyle(document.querySelector(selector));
  const bar = /^linear-gradient\\(to left, (\\w+\\([^)]*\\))/.exec(own.backgroundImage)?.[1];
  const papers = [getComputedStyle(document.body).backgroundColor, ...(bar ? [bar] : [])].map(luminance);
  const ink = luminance(own.color);
  return Math.min(...papers.map((paper) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)));
}`;

const heard = `new Promise((resolve) => {
  const source = new EventSource('dashboard/live');
  source.onmessage = ({ data }) => {
    source.close();
    resolve(data);
  };
})`;
