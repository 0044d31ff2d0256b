/** `rerun.sh` and `clean.sh` as somebody runs them, in a copy of the apps: what they start ends with them, and what they leave is removed. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { cleanEnvironment, scratch } from '../../support/program.ts';
import { until } from '../../support/until.ts';

const root = join(import.meta.dirname, '../../..');
const inPath = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
const left = ['data', '.tributary'];

/** A checkout of which only the apps are copied. Answers the directory of `cards`. */
async function checkout(t: TestContext): Promise<string> {
  const dir = join(await scratch(t), 'checkout');
  await mkdir(dir);
  for (const name of ['node_modules', 'src', 'bin', 'schemas', 'topics', 'package.json'])
    await symlink(join(root, name), join(dir, name));
  await cp(join(root, 'apps'), join(dir, 'apps'), {
    recursive: true,
    filter: (path) => !left.includes(basename(path)),
  });
  return join(dir, 'apps/cards');
}

interface Demo {
  readonly child: ChildProcess;
  /** What it started may still hold its output then. */
  readonly ended: Promise<readonly [code: number | null]>;
  readonly closed: Promise<unknown>;
  readonly output: () => string;
  readonly url: () => Promise<string>;
}

function rerun(t: TestContext, cards: string, ...args: readonly string[]): Demo {
  const env = cleanEnvironment({ ...inPath, PORT: '0', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  const child = spawn(join(cards, 'rerun.sh'), args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => {
    for (const { pid } of childrenOf(child)) process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const url = async (): Promise<string> => {
    await until(() => /ready: http/.test(output));
    return /http:\S+/.exec(output)![0];
  };
  return {
    child,
    ended: once(child, 'exit') as Promise<[number | null]>,
    closed: once(child, 'close'),
    output: () => output,
    url,
  };
}

function clean(cards: string, more: Readonly<Record<string, string>> = {}): void {
  execFileSync(join(cards, 'clean.sh'), { env: cleanEnvironment({ ...inPath, ...more }), stdio: 'pipe' });
}

/** The loader and the producers, by their command lines. */
function childrenOf({ pid }: ChildProcess): readonly { readonly pid: number; readonly args: string }[] {
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return [...listed.matchAll(/^ *(\d+) +(\d+) +(.*)$/gm)]
    .filter(([, , parent, args]) => Number(parent) === pid && /tributary\.js|produce\.ts/.test(args!))
    .map(([, own, , args]) => ({ pid: Number(own), args: args! }));
}

type Child = ReturnType<typeof childrenOf>[number];

/** Those that do not are killed after the test. */
function assertEnded(t: TestContext, children: readonly Child[]): void {
  const living = children.filter(lives);
  t.after(() => living.forEach(({ pid }) => process.kill(pid, 'SIGKILL')));
  assert.deepEqual(living, []);
}

function lives({ pid }: Child): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function loaded(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^tributary_files_total\{[^}]*outcome="loaded"[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

suite('rerun.sh and clean.sh', { timeout: 240_000 }, () => {
  test('D8: files are loaded until Ctrl-C, which ends all; clean.sh removes what is left and nothing else, and not under a run', async (t) => {
    const cards = await checkout(t);
    const before = await readdir(cards);
    await writeFile(join(cards, 'mine.txt'), 'mine');
    const demo = rerun(t, cards, '--speed', '2', '--seed', 'mine');
    const url = await demo.url();
    await until(async () => (await loaded(url)) > 20);
    assert.throws(() => clean(cards), /a run is under way/);
    assert.throws(() => clean(cards, { TRIBUTARY_ENV: 'other' }), /a run is under way/);
    assert.throws(
      () => clean(cards, { PORT: 'none' }),
      /PORT[^]*nothing was removed/,
      'who cannot tell removes nothing',
    );
    const children = childrenOf(demo.child);
    assert.equal(children.length, 3, 'the loader and two producers');
    demo.child.kill('SIGINT');
    assert.equal((await demo.ended)[0], 130, demo.output());
    assertEnded(t, children);
    await demo.closed;
    assert.match(demo.output(), /database system is shut down/, 'drained');
    assert.match(await readFile(join(cards, 'data/events/inbox/cards/__id_counter'), 'utf8'), /^\d+$/);
    clean(cards);
    assert.deepEqual((await readdir(cards)).toSorted(), [...before, 'mine.txt'].toSorted());
    clean(cards); // nothing is left to remove
  });

  test('a run begins anew; when a producer is killed, everything ends', async (t) => {
    const cards = await checkout(t);
    const inbox = join(cards, 'data/events/inbox/users');
    await mkdir(inbox, { recursive: true });
    await writeFile(join(inbox, 'of-the-run-before.json'), '{}');
    const demo = rerun(t, cards, '--speed', '2');
    await demo.url();
    assert.ok(!(await readdir(inbox)).includes('of-the-run-before.json'));
    const children = childrenOf(demo.child);
    process.kill(children.find(({ args }) => args.includes('produce.ts cards'))!.pid, 'SIGKILL');
    assert.equal((await demo.ended)[0], 1);
    assertEnded(t, children);
    await demo.closed;
    assert.match(demo.output(), /a producer or the loader has ended, so all end/);
  });

  test('a producer that cannot run ends everything, too', async (t) => {
    const demo = rerun(t, await checkout(t), '--speed', 'fast');
    assert.equal((await demo.ended)[0], 1);
    await demo.closed;
    assert.match(demo.output(), /usage: produce\.ts/);
  });
});
