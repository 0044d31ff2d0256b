/**
 * Every shell block of the documentation runs, document by document, in order, in a directory that looks like a clone: its
 * entries lead to ours, and what the blocks write lies beside them. Three notes tell a block apart, in a comment on the line
 * before it: `docs test: background` is left running (it serves), `docs test: not run` would run the tests in the tests.
 * The guide is one session, in a project with the README's pipeline: its pages are read one after the other, with one server.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cleanEnvironment, scratch } from '../support/program.ts';
import { type Block, blocksOf, documents, namedBlock, root } from './markdown.ts';

/** What would take minutes takes seconds; nothing else is changed. */
const smaller = [
  ['--count 100000', '--count 5000'],
  ['--kills 100', '--kills 2'],
  ['npm ci && npm start', 'npm start'], // the packages are there
] as const;

/** What a reader is told to expect. */
const expected: readonly (readonly [inBlock: string, output: RegExp])[] = [
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
  ['tail orders', /0190a1b2/],
  [
    '/health/live',
    /"status":"live"[^]*"status":"ready"[^]*^tributary_events_landed_total\{pipeline="collect",sink="events"\} [1-9]/m,
  ],
];

const neverRun =
  /^(npm ci && npm test|npm run format && npm run check|npm exec -c 'npm install <name>'|scripts\/create-topics\.sh [^]*)$/;

const documentsWithBlocks = documents()
  .map((file) => ({ file, blocks: blocksOf(file).filter(({ language }) => language === 'sh') }))
  .filter(({ blocks }) => blocks.length > 0);

/** In the order in which they are read. */
const guide = ['first-pipeline', 'dead-letters', 'schemas', 'operating'].map((page) => `docs/guide/${page}.md`);

for (const { file, blocks } of documentsWithBlocks.filter((document) => !guide.includes(document.file)))
  test(`the shell blocks of ${file} run`, { timeout: 240_000 }, async (t) => {
    await runAll(t, await openSession(t, inClone), blocks);
  });

test('the shell blocks of the guide run, page by page, with one server', { timeout: 240_000 }, async (t) => {
  const session = await openSession(t, inProject);
  await runAll(
    t,
    session,
    guide.flatMap((page) => blocksOf(page).filter(({ language }) => language === 'sh')),
  );
});

async function runAll(t: TestContext, session: Session, blocks: readonly Block[]): Promise<void> {
  for (const block of blocks) {
    if (block.note === 'not run') assert.match(block.text.trim(), neverRun, where(block));
    else if (block.note === 'background') await serve(t, session, block);
    else await run(session, block);
  }
}

test('what is expected of a block is expected of one that is there', () => {
  const blocks = documentsWithBlocks.flatMap((document) => document.blocks);
  for (const [text] of expected)
    assert.ok(
      blocks.some((block) => block.text.includes(text)),
      text,
    );
});

interface Session {
  readonly dir: string;
  env: NodeJS.ProcessEnv;
}

async function openSession(t: TestContext, fill: (dir: string) => Promise<void>): Promise<Session> {
  const dir = join(await scratch(t), 'session');
  const bin = join(dirname(dir), 'bin');
  await mkdir(dir);
  await mkdir(bin);
  await fill(dir);
  // npx takes a second and fills a cache outside; test/packaging/npx.test.ts runs the real one
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nshift\nexec node '${join(root, 'bin/tributary.js')}' "$@"\n`);
  await chmod(join(bin, 'npx'), 0o755);
  const nodes = [bin, dirname(process.execPath), process.env['PATH'] ?? ''];
  return { dir, env: { ...cleanEnvironment(), PATH: nodes.join(delimiter), PORT: '0' } };
}

async function inClone(dir: string): Promise<void> {
  const entries = (await readdir(root)).filter((name) => !['.git', '.tributary', 'dist'].includes(name));
  for (const name of entries) await symlink(join(root, name), join(dir, name));
}

async function inProject(dir: string): Promise<void> {
  await mkdir(join(dir, 'node_modules'));
  await mkdir(join(dir, 'schemas'));
  await symlink(root, join(dir, 'node_modules/tributary'));
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  for (const name of ['orders.ts', 'schemas/orders-value.schema.json', 'tributary.config.json'])
    await writeFile(join(dir, name), namedBlock('README.md', name));
}

/** Resolves when it says its URL; the blocks that follow find it there. */
async function serve(t: TestContext, session: Session, block: Block): Promise<void> {
  const child = shell(session, block);
  t.after(() => endGroup(child));
  let output = '';
  child.stdout!.on('data', (text: string) => (output += text));
  child.stderr!.on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(() => assert.fail(`${where(block)} ended:\n${output}`));
  ended.catch(() => undefined); // at the end of the test it is meant to
  while (!/^Tributary is ready: /m.test(output)) await Promise.race([once(child.stdout!, 'data'), ended]);
  const port = /^Tributary is ready: http:\/\/localhost:(\d+)$/m.exec(output)?.[1];
  assert.ok(port !== undefined, output);
  session.env = { ...session.env, PORT: port };
}

async function run(session: Session, block: Block): Promise<void> {
  const child = shell(session, block);
  let output = '';
  child.stdout!.on('data', (text: string) => (output += text));
  child.stderr!.on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `${where(block)} ended with ${code}:\n${output}`);
  for (const [text, wanted] of expected) if (block.text.includes(text)) assert.match(output, wanted, where(block));
}

/** A process group of its own, so that all of it can be ended. */
function shell({ dir, env }: Session, block: Block): ChildProcess {
  const text = smaller.reduce((changed, [from, to]) => changed.replaceAll(from, to), block.text);
  const script = text.replaceAll('localhost:8000', `localhost:${env['PORT']}`);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', `curl() { command curl --fail-with-body "$@"; }\n${script}`], {
    cwd: dir,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  return child;
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) {
    process.kill(-child.pid!, 'SIGTERM');
    await once(child, 'close');
  }
}

function where({ file, line }: Block): string {
  return `${file}:${line}`;
}
