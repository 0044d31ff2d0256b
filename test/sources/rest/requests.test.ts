/** Requests of pulls: tried again while it helps, within limits of time and size, with credentials that nobody else sees. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { Fault, isFault } from '../../../src/errors.ts';
import { type PullDefinition, rest } from '../../../src/pipeline/pulls.ts';
import { paceOf } from '../../../src/sources/rest/pace.ts';
import { Passing, retryAfterMs, withRetries } from '../../../src/sources/rest/retries.ts';
import { type Listed, listApi, sendJson, sendStatus } from '../../support/list-api.ts';
import { pullLives } from '../../support/pull-lives.ts';

const items: readonly Listed[] = [{ id: 'a', version: 0 }];

function pullOf(base: PullDefinition<Listed>['base'], more: Partial<PullDefinition<Listed>> = {}) {
  return rest.pull<Listed>({ name: 'list', base, path: 'list', key: ({ id }) => id, attempts: 2, ...more });
}

async function busy(afterMs: number): Promise<never> {
  throw new Passing('busy', afterMs);
}

/** The first one. */
async function pauseOf(random: number, afterMs: number): Promise<number | undefined> {
  let found: number | undefined;
  const stopping = new AbortController();
  const onRetry = (_reason: string, pauseMs: number): void => {
    found = pauseMs;
    stopping.abort(new Error('stopped'));
  };
  const options = { attempts: 9, signal: stopping.signal, onRetry, random: () => random };
  await assert.rejects(
    withRetries(() => busy(afterMs), options),
    /stopped/,
  );
  return found;
}

suite('tries', () => {
  test('what may pass is tried again, and each reason is told', async (t) => {
    const statuses = [503, 500, 429, 408, 425, 502, 504, 200];
    const api = await listApi(t, (asked) => {
      const status = statuses[asked.index - 1];
      if (status === undefined) asked.request.socket.destroy();
      else if (status === 200) sendJson(asked, items);
      else sendStatus(asked, status);
    });
    const reasons: string[] = [];
    const asked: number[] = [];
    const observer = {
      retried: (reason: string) => reasons.push(reason),
      asked: (status: number) => asked.push(status),
    };
    const lives = await pullLives(t);
    assert.equal((await lives.pull(pullOf(api.url, { attempts: 9 }), { observer })).kept, 1);
    assert.deepEqual(asked, [0, ...statuses]);
    assert.equal(reasons.length, 8);
    assert.match(reasons[1]!, /^GET http:\/\/127\.0\.0\.1:\d+\/list answered 503$/);
  });

  test('a refusal is not tried again; neither is a redirect followed', async (t) => {
    for (const status of [401, 403, 410, 302]) {
      const api = await listApi(t, (asked) => sendStatus(asked, status, { location: '/list?moved' }));
      const lives = await pullLives(t);
      await assert.rejects(lives.pull(pullOf(api.url)), (error: unknown) => {
        return isFault(error, 'PULL_REFUSED') && error.message.endsWith(`/list answered ${status}`);
      });
      assert.equal(api.requests.length, 1);
    }
  });

  test('the last attempt says so, and the run goes on later', async (t) => {
    let isWell = false;
    const api = await listApi(t, (asked) => (isWell ? sendJson(asked, items) : sendStatus(asked, 503)));
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(pullOf(api.url)), (error: unknown) => {
      return isFault(error, 'PULL_UNAVAILABLE') && /answered 503, at the last of 2 attempts/.test(error.message);
    });
    isWell = true;
    assert.equal((await lives.pull(pullOf(api.url))).kept, 1);
    assert.equal(lives.runs('list').length, 1);
  });

  test('pauses grow at random up to 15 s, and are never shorter than Retry-After', async () => {
    assert.equal(await pauseOf(0.5, 0), 125);
    assert.equal(await pauseOf(0, 0), 0);
    assert.equal(await pauseOf(1, 2_000), 2_000);
    const { signal } = new AbortController();
    await assert.rejects(
      withRetries(() => busy(3_600_000), { attempts: 9, signal, onRetry: () => undefined }),
      (error: unknown) => {
        return isFault(error, 'PULL_UNAVAILABLE') && /left alone for 3600 s/.test(error.message);
      },
    );
  });

  test('Retry-After in seconds and as a date', () => {
    const now = Date.UTC(2026, 10, 21, 12);
    assert.equal(retryAfterMs('120', now), 120_000);
    assert.equal(retryAfterMs('Sat, 21 Nov 2026 12:00:30 GMT', now), 30_000);
    assert.equal(retryAfterMs('Sat, 21 Nov 2026 11:00:00 GMT', now), 0);
    for (const text of [undefined, '', 'soon', '-1x']) assert.equal(retryAfterMs(text, now), 0, String(text));
  });

  test('no more requests a second than are allowed', async () => {
    const { signal } = new AbortController();
    const startedMs = performance.now();
    const pace = paceOf(20);
    for (let turn = 0; turn < 4; turn++) await pace(signal);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 145, `three pauses of 50 ms took ${tookMs} ms`); // timers may be a millisecond early
    await assert.rejects(pace(AbortSignal.abort(new Error('stopped'))), /stopped/);
  });
});

suite('limits', () => {
  const timeouts = { connectMs: 100, firstByteMs: 100, wholeMs: 300 };
  const patient = { connectMs: 60_000, firstByteMs: 60_000, wholeMs: 60_000 };

  async function reasonOf(t: TestContext, base: string, more: Partial<PullDefinition<Listed>> = {}): Promise<string> {
    const lives = await pullLives(t);
    const error: unknown = await lives.pull(pullOf(base, { timeouts, ...more })).catch((reason: unknown) => reason);
    assert.ok(error instanceof Fault, String(error));
    return `${error.code} ${error.message}`;
  }

  test('an answer that does not begin', async (t) => {
    const api = await listApi(t, () => undefined);
    assert.match(await reasonOf(t, api.url), /^PULL_UNAVAILABLE .*no answer began within 100 ms/);
  });

  test('an answer that does not end', async (t) => {
    const api = await listApi(t, ({ response }) => void response.write('['));
    const reason = await reasonOf(t, api.url, { timeouts: { ...patient, wholeMs: 300 } });
    assert.match(reason, /^PULL_UNAVAILABLE .*the answer was not whole within 300 ms/);
  });

  test('an answer that is cut', async (t) => {
    const api = await listApi(t, ({ response }) => {
      response.writeHead(200, { 'content-length': 100 }).write('[', () => response.destroy());
    });
    assert.match(await reasonOf(t, api.url, { timeouts: patient }), /^PULL_UNAVAILABLE /);
    assert.equal(api.requests.length, 2);
  });

  test('a connection that does not come about, and a host that is not there', async (t) => {
    const silent = createServer((socket) => void socket.on('error', () => undefined)); // no TLS
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    assert.match(await reasonOf(t, `https://127.0.0.1:${port}/`, { attempts: 1 }), /^PULL_UNAVAILABLE /);
    silent.close();
    const nobody = await reasonOf(t, 'http://127.0.0.1:1/', { attempts: 1, timeouts: patient });
    assert.match(nobody, /^PULL_UNAVAILABLE .*ECONNREFUSED/);
  });

  test('D6: an answer that is larger than it may be', async (t) => {
    const api = await listApi(t, ({ response }) => void response.end(Buffer.alloc(1_000_000)));
    const reason = await reasonOf(t, api.url, { maxPageBytes: 100_000, timeouts: patient });
    assert.match(reason, /^PULL_REFUSED .*\/list has more than 100000 bytes/);
  });
});

suite('credentials', () => {
  test('a bearer token, and a user with a password, from variables of the environment', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, items));
    const lives = await pullLives(t);
    const variables = { API: api.url, TOKEN: 't0ken', USER: 'ada', PASSWORD: 'pass:wörd' };
    const base = rest.variable('API');
    await lives.pull(pullOf(base, { auth: rest.bearer(rest.variable('TOKEN')) }), { variables });
    await lives.pull(pullOf(base, { auth: rest.basic(rest.variable('USER'), rest.variable('PASSWORD')) }), {
      variables,
    });
    assert.deepEqual(
      api.requests.map(({ authorization }) => authorization),
      ['Bearer t0ken', `Basic ${Buffer.from('ada:pass:wörd').toString('base64')}`],
    );
    const unset = pullOf(base, { auth: rest.bearer(rest.variable('NOWHERE')) });
    await assert.rejects(lives.pull(unset, { variables }), (error: unknown) => {
      return isFault(error, 'CONFIG_INVALID') && error.message === 'the variable NOWHERE is not set';
    });
  });

  test('an address with a password in it is refused, and not told', async (t) => {
    const lives = await pullLives(t);
    const variables = { API: 'https://user:hidden@example.com/' };
    await assert.rejects(lives.pull(pullOf(rest.variable('API')), { variables }), (error: unknown) => {
      return isFault(error, 'CONFIG_INVALID') && !error.message.includes('hidden');
    });
  });

  test('client credentials: a token until it ends, another one when it is refused, and none in a message', async (t) => {
    const forms: string[] = [];
    let issued = 0;
    const login = await listApi(t, async (asked) => {
      let form = '';
      for await (const chunk of asked.request) form += String(chunk);
      forms.push(form);
      if (asked.request.headers.authorization !== `Basic ${Buffer.from('me%3A:s%2Fecret').toString('base64')}`)
        return sendStatus(asked, 401);
      issued += 1;
      // the first one ends at once, the second is revoked
      sendJson(asked, { access_token: `token-${issued}`, token_type: 'Bearer', expires_in: issued === 1 ? 0 : 3_600 });
    });
    const api = await listApi(t, (asked) => {
      const page = Number(asked.url.searchParams.get('page'));
      const isRevoked = page === 3 && asked.request.headers.authorization === 'Bearer token-2';
      if (isRevoked) sendStatus(asked, 401);
      else sendJson(asked, page < 4 ? [{ id: `${page}`, version: 0 }] : []);
    });
    const auth = rest.clientCredentials({
      tokenUrl: `${login.url}token`,
      clientId: rest.variable('ID'),
      clientSecret: rest.variable('SECRET'),
      scope: 'read all',
    });
    const lives = await pullLives(t);
    const pull = pullOf(api.url, { auth, pages: rest.page({ size: 1 }) });
    const run = await lives.pull(pull, { variables: { ID: 'me:', SECRET: 's/ecret' } });
    assert.equal(run.kept, 3);
    assert.deepEqual(
      api.requests.map(({ authorization }) => authorization),
      ['token-1', 'token-2', 'token-2', 'token-3', 'token-3'].map((token) => `Bearer ${token}`),
    );
    assert.deepEqual(new Set(forms), new Set(['grant_type=client_credentials&scope=read+all']));
    await assert.rejects(lives.pull(pull, { variables: { ID: 'me:', SECRET: 'wrong-one' } }), (error: unknown) => {
      return isFault(error, 'PULL_REFUSED') && error.message.endsWith('/token answered 401');
    });
  });
});
