/** `scripts/register-schemas.sh` on a registry. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { scratch } from '../support/program.ts';
import { startRegistryServer } from '../support/registry-server.ts';
import { runScript } from '../support/run-script.ts';

const script = 'register-schemas.sh';

function recordOf(...fields: readonly object[]): string {
  const doc = 'A "quoted" \\ doc,\twith\nmore: äöü 🎲';
  return JSON.stringify({ type: 'record', name: 'Order', doc, fields }, undefined, '\t');
}

suite(script, { timeout: 60_000 }, () => {
  test('registers the schemas of the project, and nothing the second time', async (t) => {
    const registry = await startRegistryServer();
    t.after(() => registry.close());
    const env = { SCHEMA_REGISTRY_URL: registry.url };
    const first = await runScript(script, [], env);
    const registered = ['cards', 'events', 'lake', 'signals']
      .map((name, index) => `${name}.raw-value: registered, id ${index + 1}\n`)
      .join('');
    assert.deepEqual([first.code, first.stdout], [0, registered], first.stderr);
    const again = await runScript(script, [], env);
    const there = ['cards', 'events', 'lake', 'signals']
      .map((name) => `${name}.raw-value: is there, version 1\n`)
      .join('');
    assert.deepEqual([again.code, again.stdout], [0, there], again.stderr);
  });

  test('tells what differs, and registers it where it is told to; not what breaks a promise', async (t) => {
    const registry = await startRegistryServer();
    t.after(() => registry.close());
    const dir = await scratch(t);
    const file = join(dir, 'orders-value.avsc');
    const other = join(dir, 'lines-value.proto');
    const id = { name: 'id', type: 'string' };
    const run = (...args: readonly string[]) => runScript(script, ['--url', registry.url, ...args, file, other]);
    await writeFile(other, 'syntax = "proto3";\nmessage Line { string text = 1; } // "\\"\n');
    await writeFile(file, recordOf(id));
    assert.equal((await run()).stdout, 'orders-value: registered, id 1\nlines-value: registered, id 2\n');
    const { body } = await registry.ask('GET', '/subjects/orders-value/versions/1');
    assert.deepEqual(JSON.parse((body as { schema: string }).schema), JSON.parse(recordOf(id)));

    await writeFile(file, recordOf(id, { name: 'total', type: 'double', default: 0 }));
    const told = await run();
    assert.deepEqual(
      [told.code, told.stdout],
      [1, 'orders-value: differs from version 1 and those before\nlines-value: is there, version 1\n'],
    );
    assert.deepEqual((await registry.ask('GET', '/subjects/orders-value/versions')).body, [1]);
    const applied = await run('--apply');
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /^orders-value: registered as a new version after 1, id 3$/m);

    await writeFile(file, recordOf(id, { name: 'who', type: 'string' }));
    const refused = await run('--apply');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^orders-value: refused \(409\): /);
  });

  test('says what it needs, and when nothing answers, without the password', async (t) => {
    const help = await runScript(script, ['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^usage: /);
    const dir = await scratch(t);
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['--nonsense'], 2, /there is no option --nonsense/],
      [['--url'], 2, /--url needs a URL/],
      [['--url', 'ftp://a'], 2, /begins neither/],
      [['--url', 'http://a"'], 2, /has a quote/],
      [[join(dir, 'a.txt')], 2, /ends neither/],
      [[join(dir, 'missing.avsc')], 2, /cannot be read/],
      [['--url', 'http://me:s3cret@127.0.0.1:1'], 1, /cannot be reached/],
    ];
    for (const [args, code, message] of cases) {
      const ran = await runScript(script, args);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, message);
      assert.doesNotMatch(ran.stderr + ran.stdout, /s3cret/);
    }
  });
});
