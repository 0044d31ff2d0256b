import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { refuse, startReceiver } from './receiver.ts';
import { scratch } from '../support/program.ts';
import { cli } from './run-cli.ts';

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly source?: string;
}

async function keysIn(t: TestContext) {
  const at = ['--data-dir', join(await scratch(t), 'data')];
  return (...args: readonly string[]) => cli(['keys', ...args, ...at]);
}

suite('tributary keys', { timeout: 240_000 }, () => {
  test('add prints the key alone, list never does, revoke ends it', async (t) => {
    const keys = await keysIn(t);
    assert.deepEqual(await keys('list', '--json'), { code: 0, signal: null, stdout: '[]\n', stderr: '' });
    const added = await keys('add', 'shop', '--source', '/collect', '--rate', '2.5/s', '--expires', '90d');
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /^trb_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$/);
    const id = added.stdout.slice(4, 16);
    assert.match(added.stderr, new RegExp(`only time .* ${id}, .* /collect`));
    const json = await keys('add', 'other', '--max-body-bytes', '1000', '--json');
    assert.deepEqual(Object.keys(JSON.parse(json.stdout) as object), [
      'key',
      'id',
      'name',
      'maxBodyBytes',
      'createdAt',
      'status',
    ]);

    const listed = await keys('list', '--json');
    const rows = JSON.parse(listed.stdout) as readonly Listed[];
    assert.deepEqual(
      rows.map(({ name, status, source }) => [name, status, source]),
      [
        ['shop', 'active', '/collect'],
        ['other', 'active', undefined],
      ],
    );
    const table = await keys('list');
    assert.match(table.stdout, /^id +name +status +source +requests\/s +body bytes +created +expires +last used\n/);
    for (const { stdout } of [listed, table])
      assert.ok(!stdout.includes(added.stdout.trim().slice(17)) && !/sha256/.test(stdout));

    assert.equal((await keys('revoke', id)).code, 0);
    const [first] = JSON.parse((await keys('list', '--json')).stdout) as readonly Listed[];
    assert.equal(first?.status, 'revoked');
  });

  test('a key may be for what an app answers, a path and those below it', async (t) => {
    const keys = await keysIn(t);
    for (const source of ['/dashboard', '/dashboard/live', '/initial']) {
      const ran = await keys('add', 'wall-screen', '--source', source);
      assert.equal(ran.code, 0, ran.stderr);
    }
    assert.equal((await keys('add', 'wall-screen', '--source', '/dash')).code, 2);
  });

  test('nonsense is told in one line', async (t) => {
    const keys = await keysIn(t);
    for (const [args, code, message] of [
      [['add', 'a', '--rate', '5/m'], 2, /Expected requests a second/],
      [['add', 'a', '--source', '/colect'], 2, /nothing takes a key at "\/colect"; there is \/collect/],
      [['revoke', '../../x'], 1, /there is no key/],
    ] as const) {
      const ran = await keys(...args);
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`);
      assert.match(ran.stderr, /^error: [^\n]+\n$/);
      assert.match(ran.stderr, message);
    }
  });

  test('send presents the key of the environment, and shows it nowhere', async (t) => {
    const shown: (string | undefined)[] = [];
    const receiver = await startReceiver(t, ({ authorization }, nth, response) => {
      shown.push(authorization);
      return nth === 1 ? refuse(response, 503, { 'retry-after': '0' }) : undefined;
    });
    const file = join(await scratch(t), 'events.json');
    await writeFile(file, '{}\n');
    const env = { TRIBUTARY_KEY: 'a-key-of-somebody', LOG_LEVEL: 'trace' };
    const ran = await cli(['send', file, '--to', receiver.url], { env });
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(shown, ['Bearer a-key-of-somebody', 'Bearer a-key-of-somebody']);
    assert.doesNotMatch(ran.stdout + ran.stderr, /a-key-of/);
    assert.equal((await cli(['send', file, '--to', receiver.url])).code, 0);
    assert.equal(shown.at(-1), undefined);
  });
});
