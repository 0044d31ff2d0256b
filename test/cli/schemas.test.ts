import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { scratch, startFor } from '../support/program.ts';
import { cli, type CliResult } from './run-cli.ts';

const order = (total: string, more = ''): string =>
  `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"${total}"}${more}]}`;

const files: Readonly<Record<string, string>> = {
  'order-1.avsc': order('float'),
  'order-2.avsc': order('double', ',{"name":"note","type":["null","string"],"default":null}'),
  'order-3.avsc': order('string'),
  'order.json': '{"type":"object","properties":{"id":{"type":"string"}}}',
  'a.proto': 'syntax = "proto3";\nmessage A { string s = 1; }\n',
  'b-1.proto': 'syntax = "proto3";\nimport "a.proto";\nmessage B { A a = 1; }\n',
  'b-2.proto': 'syntax = "proto3";\nimport "a.proto";\nmessage B { A a = 1; message C { int32 n = 1; } C c = 2; }\n',
  'broken.avsc': '{"type":"record","name":"Broken","fields":[{"name":"id","type":"strin"}]}',
};

/** Runs `tributary schemas` in a directory with the files. */
async function project(t: TestContext): Promise<(args: string, env?: Record<string, string>) => Promise<CliResult>> {
  const cwd = await scratch(t);
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
  return (args, env = {}) => cli(['schemas', ...args.split(' ')], { cwd, env });
}

const done = (result: CliResult): string => {
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
};

suite('tributary schemas', { timeout: 240_000 }, () => {
  test('registers, lists, and shows what changed by path, without a server', async (t) => {
    const schemas = await project(t);
    const first = done(await schemas('register order order-1.avsc'));
    assert.equal(first, 'subject  version  id  type\norder    1        1   AVRO\n');
    assert.equal(done(await schemas('register order order-1.avsc')), first);
    done(await schemas('register order order-2.avsc'));
    const listed =
      'subject  version  id  type  versions  compatibility\norder    2        2   AVRO  2         BACKWARD\n';
    assert.equal(done(await schemas('list')), listed);
    const json = JSON.parse(done(await schemas('list --json'))) as unknown;
    assert.deepEqual(json, [
      { subject: 'order', version: 2, id: 2, type: 'AVRO', versions: 2, compatibility: 'BACKWARD' },
    ]);
    const diff = JSON.parse(done(await schemas('diff order --json'))) as object;
    const changes = [
      { path: 'fields.total.type', change: 'changed', from: 'float', to: 'double' },
      { path: 'fields.note', change: 'added', to: { name: 'note', type: ['null', 'string'], default: null } },
    ];
    assert.deepEqual(diff, { subject: 'order', from: 1, to: 2, changes });
    const shown = await schemas('diff order 2 1');
    assert.match(done(shown), /^fields\.total\.type +changed +"double" +"float"$/m);
    assert.equal(shown.stderr, 'order, from version 2 to 1:\n');
    assert.equal((await schemas('diff order 1 1')).stderr, 'order, from version 1 to 1:\nNothing changed.\n');
  });

  test('check names what keeps a schema from being registered; exit code 1', async (t) => {
    const schemas = await project(t);
    done(await schemas('register order order-1.avsc'));
    assert.deepEqual(await schemas('check order order-2.avsc'), {
      code: 0,
      signal: null,
      stdout: '',
      stderr: 'It is compatible.\n',
    });
    const checked = await schemas('check order order-3.avsc');
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /^subject +version +path +reason\norder +1 .*float.*string/);
    const json = await schemas('check order order-3.avsc --json');
    const { isCompatible, problems } = JSON.parse(json.stdout) as { isCompatible: boolean; problems: Problem[] };
    assert.deepEqual([json.code, isCompatible], [1, false]);
    for (const { subject, version, message } of problems) {
      assert.deepEqual([subject, version], ['order', 1]);
      assert.ok(message.length > 0);
    }
    assert.equal((await schemas('check new order-3.avsc')).code, 0);
    const registered = await schemas('register order order-3.avsc');
    assert.equal(registered.code, 1);
    assert.match(registered.stderr, /^error: .*incompatible.*"order": version 1.*tributary schemas check.*\n$/);
    const broken = await schemas('check order broken.avsc');
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /^error: Invalid schema: .*fields\.0\.type.*strin.*\n$/);
  });

  test('knows kinds by the ending or by --type, and finds references', async (t) => {
    const schemas = await project(t);
    done(await schemas('register json order.json'));
    done(await schemas('register avro order-1.avsc --type AVRO'));
    done(await schemas('register a a.proto'));
    done(await schemas('register b b-1.proto --reference a.proto=a@1'));
    done(await schemas('register b b-2.proto --reference a.proto=a@latest'));
    const types = JSON.parse(done(await schemas('list --json'))) as { subject: string; type: string }[];
    assert.deepEqual(
      types.map(({ subject, type }) => `${subject} ${type}`),
      ['a PROTOBUF', 'avro AVRO', 'b PROTOBUF', 'json JSON'],
    );
    const { changes } = JSON.parse(done(await schemas('diff b --json'))) as { changes: { path: string }[] };
    assert.deepEqual(
      changes.map(({ path }) => path),
      ['B.fields.c', 'B.C'],
    );
    const missing = await schemas('register c b-1.proto');
    assert.deepEqual([missing.code, /import "a\.proto"/.test(missing.stderr)], [1, true], missing.stderr);
  });

  test("without arguments takes the project's schemas", async (t) => {
    const cwd = await scratch(t);
    await mkdir(join(cwd, 'schemas'));
    await writeFile(join(cwd, 'schemas/orders.avsc'), order('float'));
    await writeFile(join(cwd, 'tributary.config.json'), '{"schemasDir": "schemas"}');
    const schemas = (args: string) => cli(['schemas', ...args.split(' ')], { cwd });
    assert.match(done(await schemas('register')), /^orders +1 +1 +AVRO$/m);
    await writeFile(join(cwd, 'schemas/orders.avsc'), order('boolean'));
    assert.equal((await schemas('check')).code, 1);
    const refused = await cli(['start', '--port', '0'], { cwd });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /error: .*schemas\/orders\.avsc: .*incompatible.*version 1/);
  });

  test('works beside a running server, and on another registry by its address', async (t) => {
    const dir = await scratch(t);
    const schemas = await project(t);
    const program = await startFor(t, { dataDir: join(dir, 'data') });
    const url = `${program.url}/registry`;
    done(await schemas(`register order order-1.avsc --data-dir ${program.dataDir}`));
    const listed = done(await schemas(`list --url ${url}`));
    assert.match(listed, /^order +1 +\d+ +AVRO +1 +BACKWARD$/m);
    assert.equal(done(await schemas('list', { SCHEMA_REGISTRY_URL: url })), listed);
    assert.equal(done(await schemas(`list --data-dir ${program.dataDir}`)), listed);
    done(await schemas(`register order order-2.avsc --url ${url}`));
    assert.match(done(await schemas(`diff order --url ${url}`)), /^fields\.total\.type +changed/m);
    const checked = await schemas(`check order order-3.avsc --url ${url}`);
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /version 2.*double/);
    done(await schemas(`register a a.proto --url ${url}`));
    done(await schemas(`register b b-1.proto --url ${url} --reference a.proto=a@1`));
    assert.match((await schemas(`diff b --url ${url}`)).stderr, /Nothing changed/);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    const gone = await schemas(`list --url ${url.replace('//', '//me:secret@')}`);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /^error: the schema registry at http:\/\/localhost:\d+\/registry did not answer: .*\n$/);
    assert.doesNotMatch(gone.stderr, /secret/);
  });

  test('wrong usage: exit code 2; no registry: exit code 1', async (t) => {
    const schemas = await project(t);
    for (const args of [
      'register order',
      'register order tributary.txt',
      'check order order-1.avsc --type XML',
      'register b b-1.proto --reference a.proto',
      'list --url ftp://localhost',
    ])
      assert.equal((await schemas(args)).code, 2, args);
    const none = await schemas('list');
    assert.equal(none.code, 1);
    assert.match(none.stderr, /^error: there is no schema registry in .*\.tributary\/registry\. /);
  });
});

interface Problem {
  readonly subject: string;
  readonly version: number;
  readonly message: string;
}
