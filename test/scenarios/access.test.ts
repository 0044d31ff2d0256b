/** A server that others can reach: who may do what, keys that come and go while it runs, and secrets that show nowhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { askFirst } from '../support/expect-continue.ts';
import { collect, httpRequest, type Reply } from '../support/http-request.ts';
import { descendants } from '../support/processes.ts';
import { type Program, runProgram, scratch, startProgram } from '../support/program.ts';
import { openConnection } from '../support/raw-connection.ts';

const token = 'an-admin-token-of-enough-length';
const body = packageOf([collectEvent()]);
/** It is a second, on a machine that does not run other tests beside this one. */
const withinMs = 5_000;

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

async function statusWithin(wanted: number, ask: () => Promise<Reply>): Promise<Reply> {
  for (const untilMs = performance.now() + withinMs; ; await sleep(20)) {
    const reply = await ask();
    if (reply.status === wanted) return reply;
    assert.ok(performance.now() < untilMs, `after ${withinMs} ms still ${reply.status}: ${reply.text}`);
  }
}

const readOrNothing = (file: string) => readFile(file, 'utf8').catch(() => '');

suite('a server beyond loopback', { timeout: 240_000 }, () => {
  let dir: string;
  let dataDir: string;
  let program: Program;
  let url: string;
  const secrets: string[] = [];

  const addKey = (...args: readonly string[]): Promise<string> => addKeyOf('test', ...args);

  async function addKeyOf(name: string, ...args: readonly string[]): Promise<string> {
    const ran = await runProgram(['keys', 'add', name, ...args, '--data-dir', dataDir]);
    assert.equal(ran.code, 0, ran.stderr);
    secrets.push(ran.stdout.trim());
    return ran.stdout.trim();
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-access-'));
    dataDir = join(dir, 'data');
    await addKey();
    secrets.push(token);
    await writeFile(join(dir, 'tributary.config.json'), JSON.stringify({ dataDir: 'data', adminTokenFile: 'tokens' }));
    await writeFile(join(dir, 'tokens'), `${token}-of-file\n`);
    const args = ['--host', '0.0.0.0', '--config', join(dir, 'tributary.config.json')];
    program = await startProgram({ dataDir, args, env: { TRIBUTARY_ADMIN_TOKEN: token, LOG_LEVEL: 'trace' } });
    url = program.url.replace('0.0.0.0', '127.0.0.1');
  });
  after(async () => {
    await program.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('takes a package with a key, in either header, and none without', async () => {
    const key = secrets[0]!;
    assert.equal((await collect(url, body, bearer(key))).status, 200);
    assert.equal((await collect(url, body, { 'x-api-key': key })).status, 200);
    for (const [headers, status, error, challenge] of [
      [{}, 401, 'KEY_REQUIRED', 'Bearer realm="tributary"'],
      [bearer('nonsense'), 401, 'KEY_REFUSED', 'Bearer realm="tributary", error="invalid_token"'],
      [
        bearer(`${key.slice(0, 17)}${'A'.repeat(43)}`),
        401,
        'KEY_REFUSED',
        'Bearer realm="tributary", error="invalid_token"',
      ],
      [bearer(token), 403, 'FORBIDDEN', 'Bearer realm="tributary", error="insufficient_scope"'],
      [{ 'x-api-key': 'k'.repeat(8_000) }, 401, 'KEY_REFUSED', 'Bearer realm="tributary", error="invalid_token"'],
    ] as const) {
      const reply = await collect(url, body, headers);
      assert.deepEqual([reply.status, reply.headers['www-authenticate']], [status, challenge], reply.text);
      assert.equal((JSON.parse(reply.text) as { error: string }).error, error);
    }
  });

  test('refuses before any of the body is there (D6)', async (t) => {
    const { socket, status } = await openConnection(url);
    t.after(() => socket.destroy());
    socket.write('POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000000\r\n\r\n');
    assert.equal(await status, 401);
  });

  test('D6: who asks before it sends a body is told to send it only where it would be taken', async () => {
    const key = secrets[0]!;
    const small = await addKey('--max-body-bytes', '100');
    const slow = await addKey('--rate', '0.01/s');
    await statusWithin(200, () => collect(url, '[]', bearer(small)));
    await statusWithin(200, () => collect(url, body, bearer(slow)));
    const refused = async (status: number, path: string, headers: Readonly<Record<string, string>>, bytes?: number) => {
      const asked = await askFirst(`${url}${path}`, body, headers, bytes);
      assert.deepEqual([asked.continued, asked.status, asked.isKept], [false, status, false], asked.text);
    };
    await refused(401, '/collect', {});
    await refused(401, '/collect', bearer('nonsense'));
    await refused(403, '/collect', bearer(token));
    await refused(413, '/collect', bearer(small));
    await refused(413, '/collect', { ...bearer(key), 'content-encoding': 'gzip' }, 1e9);
    await refused(429, '/collect', bearer(slow));
    await refused(415, '/collect', { ...bearer(key), 'content-encoding': 'lzw' });
    await refused(404, '/nothing', bearer(key));
    await refused(401, '/admin/topics', {});
    await refused(413, '/admin/topics', bearer(token), 1e9);
    await refused(413, '/admin/dead-letters/replay', bearer(token), 1e9);
    await refused(413, '/registry/subjects/a', bearer(token), 1e9);
    const taken = await askFirst(`${url}/collect`, body, bearer(key));
    assert.deepEqual([taken.continued, taken.status, taken.isKept], [true, 200, true], taken.text);
    const empty = await askFirst(`${url}/collect`, '[]', { ...bearer(key), 'content-encoding': 'identity' });
    assert.deepEqual([empty.continued, empty.status], [true, 200], empty.text);
    const topics = await askFirst(`${url}/admin/topics`, '{"topics":[]}', bearer(token));
    assert.deepEqual([topics.continued, topics.status], [true, 200], topics.text);
  });

  test("D5: an Idempotency-Key is the sender's, not its access key's: it outlives a rotation, and nobody else gets its answer", async () => {
    const answers: string[] = [];
    for (const key of [await addKey(), await addKey(), await addKeyOf('another')]) {
      const headers = { ...bearer(key), 'idempotency-key': 'order-7' };
      answers.push((await statusWithin(200, () => collect(url, body, headers))).text);
    }
    const [first, renewed, other] = answers;
    assert.equal(renewed, first);
    assert.notEqual(other, first);
  });

  test('keeps the rest for the admin token, but health', async () => {
    for (const path of ['/ping', '/health/live']) assert.equal((await httpRequest(url + path)).status, 200);
    const topics = { body: '{"topics":[]}', headers: {} };
    assert.equal((await httpRequest(`${url}/metrics`)).status, 401);
    assert.equal((await httpRequest(`${url}/admin/topics`, topics)).status, 401);
    assert.equal((await httpRequest(`${url}/metrics`, { headers: bearer(secrets[0]!) })).status, 403);
    for (const good of [token, `${token}-of-file`])
      assert.equal((await httpRequest(`${url}/admin/topics`, { ...topics, headers: bearer(good) })).status, 200);
  });

  test('sees new and revoked keys within a second, and two are good at a time', async () => {
    const first = await addKey();
    await statusWithin(200, () => collect(url, body, bearer(first)));
    const second = await addKey();
    await statusWithin(200, () => collect(url, body, bearer(second)));
    assert.equal((await collect(url, body, bearer(first))).status, 200);
    assert.equal((await runProgram(['keys', 'revoke', first.slice(4, 16), '--data-dir', dataDir])).code, 0);
    const reply = await statusWithin(401, () => collect(url, body, bearer(first)));
    assert.match(reply.text, /is revoked/);
    assert.equal((await collect(url, body, bearer(second))).status, 200);
  });

  test('holds a key to its rate and its body, and no other key', async () => {
    const small = await addKey('--max-body-bytes', String(body.length));
    await statusWithin(200, () => collect(url, body, bearer(small)));
    const large = await collect(url, `${body} `, bearer(small));
    assert.equal(large.status, 413, large.text);
    assert.match(large.text, new RegExp(`larger than ${body.length} bytes`));

    const slow = await addKey('--rate', '0.01/s'); // one, and the next after 100 s
    await statusWithin(200, () => collect(url, body, bearer(slow)));
    const replies = await Promise.all(Array.from({ length: 8 }, () => collect(url, body, bearer(slow))));
    for (const { status, headers, text } of replies) {
      assert.equal(status, 429, text);
      const seconds = Number(headers['retry-after']);
      assert.ok(seconds > 50 && seconds <= 100, String(seconds));
      assert.match(text, /RATE_LIMITED/);
    }
    assert.equal((await collect(url, body, bearer(secrets[0]!))).status, 200);
  });

  test('topics apply goes through it, with the token that the environment gives', async () => {
    const file = join(dir, 'topics');
    const apply = (env: Readonly<Record<string, string>>) =>
      runProgram(['topics', 'apply', file, '--json', '--data-dir', dataDir], env);
    await writeFile(file, 'orders:2:1\nevents.raw:4:1\ntributary.idempotency:2:1\n');
    const refused = await apply({});
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^error: this takes the admin token\. [^\n]*TRIBUTARY_ADMIN_TOKEN[^\n]*\n$/);
    const first = await apply({ TRIBUTARY_ADMIN_TOKEN: token });
    assert.equal(first.code, 1, first.stderr);
    assert.deepEqual(JSON.parse(first.stdout), [
      { name: 'orders', partitions: 2, before: 0, change: 'created' },
      { name: 'events.raw', partitions: 4, before: 3, change: 'grows-at-next-start' },
      { name: 'tributary.idempotency', partitions: 2, before: 1, change: 'reserved' },
    ]);
    await writeFile(file, 'orders:3:1\n');
    const more = await apply({ TRIBUTARY_ADMIN_TOKEN: token });
    assert.deepEqual(
      [more.code, JSON.parse(more.stdout)],
      [0, [{ name: 'orders', partitions: 3, before: 2, change: 'partitions-added' }]],
    );
  });

  test('topics that are nonsense are refused, and change nothing', async () => {
    const listed = (await runProgram(['topics', 'list', '--json', '--data-dir', dataDir])).stdout;
    for (const [text, status] of [
      ['', 400],
      ['{', 400],
      ['[]', 400],
      ['{"topics":5}', 400],
      ['{"topics":[{"name":"a"}]}', 400],
      ['{"topics":[{"name":"../a","partitions":1}]}', 400],
      ['{"topics":[{"name":"a","partitions":0}]}', 400],
      ['{"topics":[{"name":"a","partitions":1.5}]}', 400],
      ['{"topics":[{"name":"a","partitions":2000000000}]}', 400],
      ['{"topics":[{"name":"a","partitions":9999},{"name":"b","partitions":9999}]}', 400],
      ['{"topics":[{"name":"a","partitions":1},{"name":"a","partitions":2}]}', 400],
      ['{"topics":[{"name":"a","partitions":1,"__proto__":1}]}', 400],
      [`{"topics":"${'x'.repeat(2_000_000)}"}`, 413],
    ] as const) {
      // prettier-ignore
      const reply = await httpRequest(`${url}/admin/topics`, { body: text, headers: bearer(token) });
      assert.equal(reply.status, status, `${text.slice(0, 80)}: ${reply.text}`);
    }
    assert.equal((await runProgram(['topics', 'list', '--json', '--data-dir', dataDir])).stdout, listed);
  });

  test('shows no secret: not in its log, nor in metrics, nor to ps, nor to its child processes', async () => {
    const path = `/collect/${secrets[0]}`;
    await httpRequest(`${url}${path}?key=${secrets[0]}`, { body: '[]' });
    const metrics = await httpRequest(`${url}/metrics`, { headers: bearer(token) });
    assert.equal(metrics.status, 200);
    const processes = [program.child.pid!, ...(await descendants(program.child.pid!))];
    const commands = await Promise.all(processes.map((pid) => readOrNothing(`/proc/${pid}/cmdline`)));
    const environments = await Promise.all(processes.slice(1).map((pid) => readOrNothing(`/proc/${pid}/environ`)));
    assert.match(program.log(), /request refused/);
    assert.match(program.log(), /"keyId":"[0-9a-f]{12}"/);
    for (const text of [program.log(), metrics.text, ...commands, ...environments])
      for (const secret of secrets) assert.ok(!text.includes(secret.slice(17)), text.slice(0, 2000));
  });

  test('says when a key was last used, once it has ended, and leaves no address behind (D8)', async () => {
    assert.match(
      await readFile(join(dataDir, 'server.json'), 'utf8'),
      /"url":"http:\/\/localhost:|"url":"http:\/\/127/,
    );
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    const { stdout } = await runProgram(['keys', 'list', '--json', '--data-dir', dataDir]);
    const [first] = JSON.parse(stdout) as readonly { lastUsedAt?: string }[];
    assert.ok(Date.now() - Date.parse(first?.lastUsedAt ?? '') < 120_000, stdout);
    await assert.rejects(readFile(join(dataDir, 'server.json')), /ENOENT/);
  });
});

suite('start', { timeout: 180_000 }, () => {
  test('beyond loopback, without a key or a token: refused in one line, exit code 2, nothing is made', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    for (const host of ['0.0.0.0', '::']) {
      const ran = await runProgram(['start', '--host', host, '--port', '0', '--data-dir', dataDir]);
      assert.deepEqual([ran.code, ran.stdout], [2, '']);
      assert.match(
        ran.stderr,
        /^error: [^\n]*tributary keys add <name>, set TRIBUTARY_ADMIN_TOKEN or [^\n]*127\.0\.0\.1\.\n$/,
      );
    }
    await assert.rejects(readFile(dataDir), /ENOENT/);
  });

  test('on loopback a source is open until its first key, and stays closed when that is revoked', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startProgram({ dataDir });
    t.after(async () => {
      program.child.kill('SIGKILL');
      await once(program.child, 'close');
    });
    assert.equal((await collect(program.url, body)).status, 200);
    assert.equal((await httpRequest(`${program.url}/metrics`)).status, 200);
    assert.equal((await httpRequest(`${program.url}/metrics`, { headers: { host: 'evil.example' } })).status, 403);
    const key = (await runProgram(['keys', 'add', 'a', '--data-dir', dataDir])).stdout.trim();
    const untilMs = performance.now() + withinMs;
    while ((await collect(program.url, body)).status !== 401) assert.ok(performance.now() < untilMs);
    assert.equal((await collect(program.url, body, bearer(key))).status, 200);
    await runProgram(['keys', 'revoke', key.slice(4, 16), '--data-dir', dataDir]);
    const revokedUntilMs = performance.now() + withinMs;
    while ((await collect(program.url, body, bearer(key))).status !== 401)
      assert.ok(performance.now() < revokedUntilMs);
    assert.equal((await collect(program.url, body)).status, 401);
  });
});
