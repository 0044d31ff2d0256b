/** `tributary dead-letters` against a running server: what it prints, what it refuses, the editor. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { packageOf } from '../support/collect-event.ts';
import { httpRequest, type PackageAnswer, taken } from '../support/http-request.ts';
import { listed, makeLetters, patch, replay, setAmount, withoutAmount } from '../support/letters.ts';
import { type Program, scratch, startProgram } from '../support/program.ts';
import { cli } from './run-cli.ts';

const unknown = '01932f5e-0c00-8a1b-9c3d-4e5f60000000';

/** An editor that is a shell script; its path has a space in it. */
async function editor(t: { after(fn: () => Promise<void>): void }, script: string): Promise<string> {
  const file = join(await scratch(t), 'my editor.sh');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return `"${file}"`;
}

suite('tributary dead-letters', { timeout: 280_000 }, () => {
  let dataDir: string;
  let program: Program;
  let to: readonly string[];

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-letters-'));
    program = await startProgram({ dataDir });
    to = ['--to', program.url];
  });
  after(async () => {
    await program.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  async function oneLetter(): Promise<string> {
    const [id] = await makeLetters(program.url, 1);
    return id!;
  }

  test('wrong usage is told in one line; exit code 2', async () => {
    for (const [args, message] of [
      [['replay'], 'replay needs correlation ids, a filter, or --all. Run'],
      [['replay', 'x'], '"x" is no correlation id. Run'],
      [['edit'], 'edit takes one correlation id, or --patch for many. Run'],
      [['edit', unknown, unknown], 'edit takes one correlation id, or --patch for many. Run'],
      [['edit', '--patch', '{}'], 'edit --patch needs correlation ids, a filter, or --all. Run'],
      [['edit', '--all', '--patch', '{'], 'the patch: not JSON: '],
      [['edit', '--all', '--patch', '[{"op":"x"}]'], 'the patch: operation 0: expected op to be one of'],
      [
        ['list', '--since', 'yesterday'],
        "option '--since <time>' argument 'yesterday' is invalid. Expected 2026-11-20",
      ],
      [['list', '--at', 'home'], "option '--at <where>' argument 'home' is invalid."],
      [
        ['replay', '--all', '--to', 'localhost'],
        '--to: expected a URL such as http://localhost:8000, got "localhost".',
      ],
    ] as const) {
      const ran = await cli(['dead-letters', ...args]);
      assert.deepEqual([ran.code, ran.stdout], [2, ''], ran.stderr);
      assert.ok(ran.stderr.startsWith(`error: ${message}`), ran.stderr);
      assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
    }
  });

  test('a filter by a pipeline that there is none of is told, with the one that may have been meant', async () => {
    const none = 'There are no such dead letters.\n';
    const meant = `${none}No pipeline of the configuration is named "colect"; did you mean collect?\n`;
    for (const args of [
      ['list', '--data-dir', dataDir],
      ['list', '--count', '--data-dir', dataDir],
      ['replay', ...to],
    ])
      assert.equal((await cli(['dead-letters', ...args, '--pipeline', 'colect'])).stderr, meant);
    const known = await cli(['dead-letters', 'list', '--data-dir', dataDir, '--pipeline', 'signals']);
    assert.deepEqual([known.code, known.stdout, known.stderr], [0, '', none]);
    const far = await cli(['dead-letters', 'list', '--data-dir', dataDir, '--pipeline', 'none']);
    assert.match(far.stderr, /is named "none"; there is collect, signals, cards, lake\n$/);
  });

  test('where no server answers, or another one, it is said what to do; exit code 1', async () => {
    const none = await cli(['dead-letters', 'replay', '--all', '--to', 'http://localhost:1']);
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /^error: no Tributary answers at http:\/\/localhost:1: [^\n]*ECONNREFUSED[^\n]* Start it \(tributary start\), or name where it runs \(--to URL\)[^\n]*\n$/,
    );
    const wrong = await cli(['dead-letters', 'replay', '--all', '--to', `${program.url}/ping`]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^error: http:\S+ answered 404: there is no POST \/ping\/admin[^\n]*\n$/);
  });

  test('letters that are not there: one line, exit code 1', async () => {
    const missing = await replay(program.url, unknown, '--yes');
    assert.deepEqual([missing.ran.code, missing.summary], [1, { 'not found': 1 }]);
    const edited = await cli(['dead-letters', 'edit', unknown, ...to], { env: { EDITOR: 'true' } });
    assert.equal(edited.code, 1);
    assert.match(edited.stderr, new RegExp(`^error: there is no dead letter ${unknown}\\. [^\n]+\n$`));
    const shown = await cli(['dead-letters', 'show', unknown, '--data-dir', dataDir]);
    assert.deepEqual([shown.code, shown.stdout], [1, '']);
  });

  test('nothing of a letter is obeyed by a terminal', async () => {
    const [garbage, named, bytes] = [
      '\u001B[2J\u009B1m\tx',
      '{"\u009B1m\u202E":"\\u0000"}',
      Buffer.from([0x7b, 0xff, 0x1b]),
    ];
    const body = Buffer.concat([Buffer.from(`${garbage}\n${named}\n`), bytes]);
    const headers = { 'content-type': 'application/x-ndjson' };
    const { packageId, errors } = JSON.parse(
      (await httpRequest(`${program.url}/collect`, { body, headers })).text,
    ) as PackageAnswer;
    const ids = errors.map(({ correlationId }) => correlationId);
    const shown = await Promise.all(
      [
        ...ids.flatMap((id) => [
          ['dead-letters', 'show', id],
          ['dead-letters', 'show', id, '--json'],
        ]),
        ['packages', 'show', packageId],
        ['packages', 'show', packageId, '--json'],
        ['events', 'show', ids[1]!, '--json'],
        ['dead-letters', 'list', '--json'],
        ['dead-letters', 'list', '--count', '--json'],
      ].map((args) => cli([...args, '--data-dir', dataDir])),
    );
    for (const { code, stdout, stderr } of shown) {
      assert.equal(code, 0, stderr);
      assert.doesNotMatch((stdout + stderr).replaceAll(/[\n\t]/g, ''), /[\p{Control}\p{Bidi_Control}]/u);
    }
    assert.ok(shown[0]!.stdout.endsWith('as received:\n\\x1b[2J\\x9b1m\tx\n'), shown[0]!.stdout);
    assert.equal((JSON.parse(shown[1]!.stdout) as { event: string }).event, garbage);
    assert.ok(shown[4]!.stdout.endsWith(`as received:\nbase64:${bytes.toString('base64')}\n`), shown[4]!.stdout);
  });

  test('a dry run by default, in a table and as JSON; --yes does it; D9: again it skips and says so', async () => {
    const id = await oneLetter();
    const tryPatch = await cli(['dead-letters', 'edit', id, '--patch', setAmount, ...to]);
    assert.equal(tryPatch.code, 0, tryPatch.stderr);
    assert.match(tryPatch.stdout, new RegExp(`^${id} +changed +/data/amount: nothing -> 1\\.50$`, 'm'));
    assert.equal(tryPatch.stderr, 'Nothing was changed: 1 of 1 would be changed with --yes.\n');
    const refused = await cli(['dead-letters', 'replay', id, ...to]);
    assert.equal(refused.code, 1, 'it would be refused');
    assert.match(refused.stdout, /^ +1 +refused +collect +data\.amount +expected a number, but it is missing$/m);

    assert.deepEqual((await patch(program.url, setAmount, id, '--yes')).summary, { changed: 1 });
    assert.deepEqual((await replay(program.url, id)).summary, { accepted: 1 });
    assert.deepEqual(
      (await listed(dataDir, '--replayed')).map(({ correlationId }) => correlationId),
      [],
    );
    const done = await cli(['dead-letters', 'replay', id, '--yes', ...to]);
    assert.deepEqual([done.code, done.stderr], [0, 'Replayed 1 of 1; 0 had been replayed before.\n']);
    const again = await cli(['dead-letters', 'replay', id.toUpperCase(), '--yes', ...to]);
    assert.deepEqual([again.code, again.stderr], [0, 'Replayed 0 of 1; 1 had been replayed before.\n']);

    const shown = await cli(['dead-letters', 'show', id, '--data-dir', dataDir]);
    assert.match(shown.stdout, /^state: +replayed\nedited: +\d{4}-.*Z\nreplayed: +\d{4}-.*Z as [0-9a-f-]{36}$/m);
    assert.ok(shown.stdout.includes(`as received:\n${withoutAmount('order 0')}\n\nas edited:\n`), shown.stdout);
    const settled = await cli(['dead-letters', 'edit', id, ...to], { env: { EDITOR: 'false' } });
    assert.match(
      settled.stderr,
      /^error: the dead letter \S+ was replayed at \S+, as \S+; it cannot be edited any more\.\n$/,
    );
    assert.equal((await patch(program.url, '{"x":1}', id, '--yes')).ran.code, 1);
  });

  test('list filters by reason, time and text, and counts by reason', async () => {
    const { errors } = await taken(program.url, packageOf(['{"data":{"id":"needle","amount":"x"}}', '{}', '{}']));
    const [needle] = errors;
    const found = await listed(dataDir, '--text', 'needle', '--reason', 'got "x"', '--since', '1h', '--not-replayed');
    assert.deepEqual(
      found.map(({ correlationId }) => correlationId),
      [needle?.correlationId],
    );
    assert.deepEqual(await listed(dataDir, '--until', '2020-01-01'), []);
    const counted = await cli([
      'dead-letters',
      'list',
      '--count',
      '--json',
      '--reason',
      'data: expected',
      '--data-dir',
      dataDir,
    ]);
    const [count] = JSON.parse(counted.stdout) as readonly object[];
    const { first, last, ...rest } = count as { first: string; last: string };
    assert.deepEqual(rest, {
      pipeline: 'collect',
      path: 'data',
      message: 'expected an object, but it is missing',
      count: 2,
    });
    assert.ok(Date.parse(first) <= Date.parse(last));
    const table = await cli(['dead-letters', 'list', '--count', '--reason', 'data: expected', '--data-dir', dataDir]);
    assert.match(table.stdout, /^count +pipeline +path +message +first +last\n +2 +collect +data +expected an object/);
  });

  test('edit opens $VISUAL before $EDITOR, with a member a line; what is saved becomes the event', async (t) => {
    const id = await oneLetter();
    const visual = await editor(
      t,
      `cp "$2" "$2.seen"; sed -i 's/"id": "order 0"/"id": "edited", "amount": 1.50/' "$2"; mv "$2.seen" "$1"`,
    );
    const seen = join(await scratch(t), 'seen');
    const ran = await cli(['dead-letters', 'edit', id, ...to], {
      env: { VISUAL: `${visual} ${seen}`, EDITOR: 'false' },
    });
    assert.deepEqual([ran.code, ran.stdout], [0, ''], ran.stderr);
    assert.match(await readFile(seen, 'utf8'), /^\{\n {2}"data": \{\n {4}"id": "order 0"\n/);
    const shown = JSON.parse((await cli(['dead-letters', 'show', id, '--json', '--data-dir', dataDir])).stdout) as {
      edited: string;
    };
    assert.match(shown.edited, /^\{"data":\{"id":"edited","amount":1\.50\},"attributes":/);
    assert.deepEqual((await replay(program.url, id, '--yes')).summary, { accepted: 1 });
  });

  test('edit: unchanged, an editor that fails, and text that is no JSON change nothing; the text is kept', async (t) => {
    const id = await oneLetter();
    const temporary = await scratch(t);
    const run = async (EDITOR: string) =>
      cli(['dead-letters', 'edit', id, ...to], { env: { EDITOR, TMPDIR: temporary } });
    const kept = async (): Promise<readonly string[]> =>
      (await readdir(temporary)).filter((name) => name.startsWith('tributary-edit-'));
    const unchanged = await run('true');
    assert.deepEqual([unchanged.code, unchanged.stderr], [0, 'The event is unchanged: nothing was done.\n']);
    assert.deepEqual(await kept(), []);

    const failed = await run('exit 3; :');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^error: the editor ended with 3: nothing was done\. The text is in \S+\.json\.\n$/);
    assert.equal((await run('/no/such/editor')).code, 1);

    const broken = await run(await editor(t, `printf '{\\n"a": oops' > "$1"`));
    assert.equal(broken.code, 1);
    const [, file] = /^error: this is no JSON, from line 2 on: nothing was done\. The text is in (\S+\.json)\.\n$/.exec(
      broken.stderr,
    )!;
    assert.equal(await readFile(file!, 'utf8'), '{\n"a": oops');
    const [letter] = await listed(dataDir, '--limit', '1', '--since', '1h', '--not-replayed', '--text', 'order 0');
    assert.deepEqual([letter?.state, letter?.edits], ['open', []]);

    const raced = await run(
      await editor(
        t,
        `curl -sS -X PUT -H 'content-type: application/json' -d '{"event":"{}","edits":0}' ${program.url}/admin/dead-letters/${id} > /dev/null; echo '{"mine":1}' > "$1"`,
      ),
    );
    assert.equal(raced.code, 1);
    assert.match(
      raced.stderr,
      /^The text is in \S+\.\nerror: the dead letter \S+ was edited meanwhile \(1 edits, not 0\)\. [^\n]+\n$/,
    );
  });

  test('the admin API: a list, one, counts; what changes anything has to be application/json', async () => {
    const id = await oneLetter();
    const get = async (path: string) => httpRequest(`${program.url}/admin/dead-letters${path}`);
    const list = JSON.parse((await get('?limit=1&replayed=false')).text) as { letters: object[]; more: boolean };
    assert.deepEqual([list.letters.length, list.more], [1, true]);
    const one = JSON.parse((await get(`/${id}`)).text) as { correlationId: string; state: string };
    assert.deepEqual([one.correlationId, one.state], [id, 'open']);
    assert.ok((JSON.parse((await get('/counts')).text) as object[]).length > 0);
    for (const [path, status] of [
      ['?limit=0', 400],
      ['?since=x', 400],
      ['?color=red', 400],
      [`/${unknown}`, 404],
    ] as const)
      assert.equal((await get(path)).status, status, path);
    const body = JSON.stringify({ filter: {}, dryRun: false });
    const plain = await httpRequest(`${program.url}/admin/dead-letters/replay`, {
      body,
      headers: { 'content-type': 'text/plain' },
    });
    assert.equal(plain.status, 415);
    const json = { 'content-type': 'application/json' };
    const wrong = await httpRequest(`${program.url}/admin/dead-letters/replay`, {
      body: '{"filter":{"when":1},"dryRun":true}',
      headers: json,
    });
    assert.equal(wrong.status, 400);
    assert.match(wrong.text, /REPAIR_INVALID/);
  });
});
