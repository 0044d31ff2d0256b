/** The program that pulls the lake's entities from an API that behaves like the real one: killed, interrupted, two at a time. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { answer } from '../../apps/lake/data-server/answers.ts';
import { DataServer, type DataServerOptions } from '../../apps/lake/data-server/data-server.ts';
import { MadeData, type User } from '../../apps/lake/data-server/made-data.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { cli, type CliResult } from '../cli/run-cli.ts';
import { type Asked, listApi, sendJson, sendStatus } from '../support/list-api.ts';
import { scratch, startProgram } from '../support/program.ts';
import { smallDisk, whyNoSmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

interface ShownRun {
  readonly id: string;
  readonly pull: string;
  readonly state: string;
  readonly items: number;
  readonly object: string | null;
  readonly deadLetters: string | null;
}

type Run = (args: readonly string[], onSpawn?: (child: ChildProcess) => void) => Promise<CliResult>;

interface Lake {
  readonly dataDir: string;
  readonly run: Run;
  readonly runs: () => Promise<readonly ShownRun[]>;
  readonly objects: () => Promise<ReadonlyMap<string, string>>;
}

async function lakeOf(t: TestContext, url: string, where?: string): Promise<Lake> {
  const dataDir = where ?? (await scratch(t));
  const env = { DATA_BASE_URL: url };
  const run: Run = (args, onSpawn = () => undefined) => cli([...args, '--data-dir', dataDir], { env, onSpawn });
  return {
    dataDir,
    run,
    runs: async () => JSON.parse((await run(['runs', 'list', '--json'])).stdout) as ShownRun[],
    objects: async () => {
      const store = await openDirectoryStore({ dir: join(dataDir, 'objects') });
      const keys = await Array.fromAsync(store.list(''));
      return new Map(await Promise.all(keys.map(async (key) => [key, String(await store.get(key))] as const)));
    },
  };
}

async function dataServer(t: TestContext, options: DataServerOptions): Promise<DataServer> {
  const server = await DataServer.start(options);
  t.after(() => server.close());
  return server;
}

/** As the data server answers. */
function reply(asked: Asked, data: MadeData): void {
  const { status, body } = answer(asked.url, data, 0);
  if (status === 200) sendJson(asked, body);
  else sendStatus(asked, status);
}

function linesOf(users: readonly User[]): string {
  return users.map((user) => `${JSON.stringify(user)}\n`).join('');
}

suite('tributary pull', { timeout: 240_000 }, () => {
  test('D1, D3, D5: killed at any instant, a run is whole in the end, once, and not there before', async (t) => {
    const data = new MadeData(1);
    let current: { readonly child: ChildProcess; readonly from: number } | undefined;
    const api = await listApi(t, (asked) => {
      const { child, from } = current ?? {};
      if (from !== undefined && asked.index === from + 3) setTimeout(() => child?.kill('SIGKILL'), Math.random() * 5); // at any instant of the pages that follow
      if (asked.index % 7 === 3) sendStatus(asked, 503);
      else if (asked.index % 11 === 5) asked.response.writeHead(200).write('{', () => asked.response.destroy());
      else reply(asked, data);
    });
    const lake = await lakeOf(t, `${api.url}api/`);
    let ran: CliResult | undefined;
    for (let kills = 0; ran?.code !== 0; kills++) {
      ran = await lake.run(['pull', 'users', '--json'], (child) => {
        current = kills < 5 ? { child, from: api.requests.length } : undefined;
      });
      if (ran.code === 0) break;
      assert.equal(ran.signal, 'SIGKILL', ran.stderr);
      assert.deepEqual([...(await lake.objects()).keys()], [], 'nothing before it is done');
    }
    const run = JSON.parse(ran.stdout) as ShownRun;
    assert.deepEqual([...(await lake.objects())], [[run.object, linesOf(data.users)]]);
    const runs = await lake.runs();
    assert.deepEqual(
      runs.map(({ id, state }) => [id, state]),
      [[run.id, 'done']],
      'one run, which went on',
    );
    const pages = api.requests.filter(({ url }) => url.searchParams.get('offset') === '0').length;
    assert.ok(pages <= 3, `the first page was asked for ${pages} times`);
  });

  test('interrupted, it says how it goes on, and does; data made anew meanwhile is not mixed', async (t) => {
    const counts = { users: 1_000, content: 50 };
    let data = new MadeData(1, counts);
    let child: ChildProcess | undefined;
    const api = await listApi(t, (asked) => {
      if (asked.index === 3) child?.kill('SIGINT'); // and no answer
      else reply(asked, data);
    });
    const lake = await lakeOf(t, `${api.url}api/`);
    const stopped = await lake.run(['pull', 'users', 'content'], (one) => (child = one));
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /kept: tributary pull users goes on from there\.$/m);
    assert.deepEqual([...(await lake.objects()).keys()], []);
    const [before] = await lake.runs();
    assert.equal(before?.state, 'interrupted');
    assert.ok(
      [200, 399, 598, 797].includes(before.items),
      `${before.items} items: whole pages, however many were on their way`,
    );
    data = new MadeData(2, counts);
    const done = await lake.run(['pull', 'users', 'content']);
    assert.equal(done.code, 0, done.stderr);
    const why = `users: begun anew: the item before offset ${before.items} is another one than it was`;
    assert.ok(done.stderr.split('\n').includes(why), done.stderr);
    assert.match(
      done.stdout,
      /^users: 1000 items in raw\/users[^]*begun anew once[^]*^content: 50 items in raw\/content/m,
    );
    const users = [...(await lake.objects())].find(([key]) => key.startsWith('raw/users/'));
    assert.equal(users?.[1], linesOf(data.users));
    assert.match(users?.[0] ?? '', new RegExp(`/${before?.id}\\.json$`));
  });

  test('two of one entity at a time: the second is refused, and says why', async (t) => {
    let isAsked: (() => void) | undefined;
    const begun = new Promise<void>((resolve) => (isAsked = resolve));
    const api = await listApi(t, () => isAsked?.()); // and no answer
    const lake = await lakeOf(t, `${api.url}api/`);
    let child: ChildProcess | undefined;
    const first = lake.run(['pull', 'users'], (one) => (child = one));
    await begun;
    const second = await lake.run(['pull', 'users']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^error: users is pulled by another process\. Wait until it has ended/);
    assert.equal((await lake.runs())[0]?.state, 'running');
    child?.kill('SIGINT');
    assert.equal((await first).code, 130);
  });

  test('what is not there is told with its exit code; a run is shown', async (t) => {
    const server = await dataServer(t, { counts: { users: 10, content: 10 } });
    const lake = await lakeOf(t, server.url);
    const unknown = await lake.run(['pull', 'user']);
    assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
    assert.match(unknown.stderr, /^error: there is no pull "user"; those of the configuration: users, content\./);
    const none = await lake.run(['runs', 'show', 'x']);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /^error: there is no run "x"/);
    const done = await lake.run(['pull', 'users', '--json']);
    assert.equal(done.stderr, '', 'no progress where nobody looks');
    const { id } = JSON.parse(done.stdout) as ShownRun;
    assert.match((await lake.run(['runs', 'show', id])).stdout, /^state +done\n[^]*^items +10\n/m);
  });

  test('D3: a full disk ends it and is told; with room it goes on, and nothing half is there', async (t) => {
    const why = whyNoSmallDisk();
    if (why !== undefined) return t.skip(why);
    const server = await dataServer(t, { counts: { users: 20_000, content: 1 } });
    const disk = await smallDisk(3);
    t.after(() => disk.remove());
    const lake = await lakeOf(t, server.url, disk.dir);
    const full = await lake.run(['pull', 'users']);
    assert.equal(full.code, 1);
    assert.match(
      full.stderr,
      /^error: .*(no space left|disk is full).* Free some space, and run the command again\.$/im,
    );
    assert.deepEqual([...(await lake.objects()).keys()], []);
    disk.grow(64);
    const done = await lake.run(['pull', 'users']);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual([...(await lake.objects()).values()], [linesOf(server.data.users)]);
  });

  test('D2: what was refused is shown by its run, with path and reason', async (t) => {
    const one = { content_id: 'a', prayer_type: 'p', media_type: 'm', created_at: '2026-11-21T00:00:00Z' };
    const content = [one, { ...one, content_id: 'b', media_type: 7 }, { ...one, content_id: 'c', created_at: '' }];
    const api = await listApi(t, (asked) => sendJson(asked, { content, count: 3, total_content: 3 }));
    const lake = await lakeOf(t, `${api.url}api/`);
    const { id, deadLetters } = JSON.parse((await lake.run(['pull', 'content', '--json'])).stdout) as ShownRun;
    const table = await lake.run(['runs', 'refused', id, '--limit', '1']);
    assert.equal(table.code, 0, table.stderr);
    const [title, ...rows] = table.stdout.trimEnd().split('\n');
    assert.match(title ?? '', /^index +path +message +item$/);
    assert.deepEqual(
      rows.map((row) => row.trim().split(/ {2,}/)),
      [['0', 'media_type', 'expected string, got number 7', JSON.stringify(content[1])]],
    );
    assert.equal(table.stderr, `These are 1 of 2; --limit shows more, and ${deadLetters} has all.\n`);
    const json = await lake.run(['runs', 'refused', id, '--json']);
    assert.equal(json.stdout, (await lake.objects()).get(deadLetters ?? ''));
    await rm(join(lake.dataDir, 'objects', deadLetters ?? ''));
    const gone = await lake.run(['runs', 'refused', id]);
    assert.deepEqual([gone.code, gone.stderr.split('.')[0]], [1, `error: ${deadLetters?.split('.')[0]}`]);
  });

  test('D8: by its schedule while a server runs, also on after a stop', async (t) => {
    const server = await dataServer(t, { counts: { users: 1_000, content: 10 }, faults: { hang: 1 } });
    const lake = await lakeOf(t, server.url);
    const config = join(lake.dataDir, 'config.json');
    const app = join(lake.dataDir, 'scheduled.ts');
    await writeFile(
      app,
      `import { rest } from '${join(import.meta.dirname, '../../src/index.ts')}';
const users = rest.pull({ name: 'users', base: rest.variable('DATA_BASE_URL'), path: 'users', items: 'users', total: 'total_users',
  pages: rest.offset({ limit: 100 }), key: ({ user_id }) => user_id, schedule: '* * * * * *' });
export const app = { pulls: [users] };`,
    );
    await writeFile(config, JSON.stringify({ pipelines: ['scheduled.ts'] }));
    const start = () =>
      startProgram({ dataDir: lake.dataDir, env: { DATA_BASE_URL: server.url }, args: ['--config', config] });
    const first = await start();
    t.after(() => void first.child.kill('SIGKILL'));
    await until(() => server.requests > 0);
    assert.equal(await first.kill('SIGTERM'), 0, first.log());
    assert.deepEqual([...(await lake.objects()).keys()], []);
    server.faults = { ...server.faults, hang: 0 };
    const second = await start();
    t.after(() => void second.child.kill('SIGKILL'));
    await until(async () => (await lake.objects()).size >= 2);
    const metrics = await (await fetch(`${second.url}/metrics`)).text();
    assert.match(metrics, /^tributary_pull_runs_total\{pull="users",outcome="done"\} [1-9]/m);
    assert.equal(await second.kill('SIGTERM'), 0, second.log());
    for (const text of (await lake.objects()).values()) assert.equal(text, linesOf(server.data.users));
  });
});
