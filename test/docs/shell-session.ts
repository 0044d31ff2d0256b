/** Runs shell blocks of the documentation in a directory that looks like a clone, or like a project. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { killEnvironments } from '../support/environments.ts';
import { cleanEnvironment, scratch } from '../support/program.ts';
import { type Block, namedBlock, root } from './markdown.ts';

export type Expected = readonly (readonly [inBlock: string, output: RegExp])[];

/** What would take minutes takes seconds, and a port is a free one; nothing else is changed. */
const smaller = [
  ['--count 100000', '--count 5000'],
  ['--kills 100', '--kills 2'],
  ['npm ci && npm start', 'npm start'], // the packages are there
  ['--port 8001', '--port 0'],
] as const;

const neverRun =
  /^(npm ci && npm test|npm run format && npm run check|npm exec -c 'npm install <name>'|scripts\/create-topics\.sh [^]*|duckdb -c [^]*|TRIBUTARY_OBJECTS=[^]* dbt run [^]*)$/;

/** @param expected what a reader is told to expect of blocks */
export async function runAll(
  t: TestContext,
  session: Session,
  blocks: readonly Block[],
  expected: Expected,
): Promise<void> {
  for (const block of blocks) {
    if (block.note === 'not run') assert.match(block.text.trim(), neverRun, where(block));
    else if (block.note === 'background') await serve(t, session, block);
    else await run(session, block, expected);
  }
}

export interface Session {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of the servers that run, in the order in which they were started: the documentation has them at 8000, 8001 and so on. */
  readonly ports: string[];
}

export async function openSession(t: TestContext, fill: (dir: string) => Promise<void>): Promise<Session> {
  t.after(() => killEnvironments(join(dir, '.tributary')));
  const dir = join(await scratch(t), 'session');
  const bin = join(dirname(dir), 'bin');
  await mkdir(dir);
  await mkdir(bin);
  await fill(dir);
  // npx takes a second and fills a cache outside; test/packaging/npx.test.ts runs the real one
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nshift\nexec node '${join(root, 'bin/tributary.js')}' "$@"\n`);
  await chmod(join(bin, 'npx'), 0o755);
  const nodes = [bin, dirname(process.execPath), process.env['PATH'] ?? ''];
  const { XDG_CACHE_HOME } = process.env; // where the services are that run already
  const env = { ...cleanEnvironment(XDG_CACHE_HOME ? { XDG_CACHE_HOME } : {}), PATH: nodes.join(delimiter), PORT: '0' };
  return { dir, env, ports: [] };
}

export async function inClone(dir: string): Promise<void> {
  const entries = (await readdir(root)).filter((name) => !['.git', '.tributary', 'data', 'dist'].includes(name));
  for (const name of entries) await symlink(join(root, name), join(dir, name));
}

export const inProject = projectOf('README.md', 'orders');

/** With the pipeline that a page shows. */
export function projectOf(page: string, name: string): (dir: string) => Promise<void> {
  const files = [`${name}.ts`, `schemas/${name}-value.schema.json`, 'tributary.config.json'];
  return (dir) => writeProject(dir, page, files);
}

async function writeProject(dir: string, page: string, files: readonly string[]): Promise<void> {
  await mkdir(join(dir, 'node_modules'));
  await mkdir(join(dir, 'schemas'));
  await symlink(root, join(dir, 'node_modules/tributary'));
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  for (const name of files) await writeFile(join(dir, name), namedBlock(page, name));
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
  session.ports.push(port);
  session.env['PORT'] = session.ports[0]!;
}

async function run(session: Session, block: Block, expected: Expected): Promise<void> {
  const child = shell(session, block);
  let output = '';
  child.stdout!.on('data', (text: string) => (output += text));
  child.stderr!.on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `${where(block)} ended with ${code}:\n${output}`);
  for (const [text, wanted] of expected) if (block.text.includes(text)) assert.match(output, wanted, where(block));
}

/** A process group of its own, so that all of it can be ended. */
function shell({ dir, env, ports }: Session, block: Block): ChildProcess {
  const text = smaller.reduce((changed, [from, to]) => changed.replaceAll(from, to), block.text);
  const script = ports.reduce(
    (changed, port, i) => changed.replaceAll(`localhost:${8000 + i}`, `localhost:${port}`),
    text,
  );
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
