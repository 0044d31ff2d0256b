import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/commands.ts';
import { cleanEnvironment, scratch } from '../support/program.ts';
import { cli, root } from './run-cli.ts';

const bin = join(root, 'bin/tributary.js');

function takes(command: Command, long: string): boolean {
  return command.options.some((option) => option.long === long);
}

suite('tributary', () => {
  test('every command has help with examples', async () => {
    const all = await cli(['--help']);
    assert.equal(all.code, 0);
    const names = [...all.stdout.matchAll(/^ {2}([a-z-]+) [[ ]/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'help');
    assert.ok(
      ['start', 'generate', 'send', 'lag', 'sql', 'dead-letters'].every((name) => names.includes(name)),
      all.stdout,
    );
    for (const name of names) {
      const help = await cli([name, '--help']);
      assert.equal(help.code, 0, name);
      assert.match(help.stdout, /^Examples:\n {2}\S/m, name);
      assert.equal(help.stderr, '');
    }
    for (const inner of (await createProgram()).commands.flatMap((one) => one.commands)) {
      let help = '';
      inner.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      assert.match(help, /^Examples:\n {2}\S/m, help);
    }
  });

  test('every command that reads the configuration works on an environment by its name, but those that make data of their own', async () => {
    const { commands } = await createProgram();
    const all = commands
      .filter((one) => !['env', 'prove'].includes(one.name()))
      .flatMap((one) => [one, ...one.commands]);
    const configured = all.filter((one) => takes(one, '--config'));
    assert.ok(configured.length > 30);
    for (const one of configured) assert.ok(takes(one, '--env') && takes(one, '--data-dir'), one.name());
  });

  test('wrong usage is told in one line, with what may have been meant; exit code 2', async () => {
    for (const [args, message] of [
      [['strat'], "error: unknown command 'strat'. Did you mean start?\n"],
      [['start', '--prot', '1'], "error: unknown option '--prot'. Did you mean --port?\n"],
      [['lag', '--timeout'], "error: option '--timeout <seconds>' argument missing. Run the command with --help.\n"],
      [['sql'], 'error: sql needs a query. Run the command with --help.\n'],
    ] as const)
      assert.deepEqual(await cli(args), { code: 2, signal: null, stdout: '', stderr: message });
    const none = await cli([]);
    assert.deepEqual([none.code, none.stdout], [2, '']);
    assert.match(none.stderr, /^Usage: tributary/);
  });

  test('wrong configuration: exit code 2, the setting and its place in one line', async (t) => {
    const cwd = await scratch(t);
    await writeFile(join(cwd, 'tributary.config.json'), '{"prot": 1}');
    const ran = await cli(['generate', 'collect'], { cwd });
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /^error: .*tributary\.config\.json: prot is not a setting; did you mean port\?.*\n$/);
    const env = { PORT: '8o' };
    assert.match((await cli(['start'], { env })).stderr, /^error: PORT in the environment: expected a port/);
  });

  test('what the user may not touch is told with what to do about it', async (t) => {
    const cwd = await scratch(t);
    const refusal = `Object.assign(new Error("EACCES: permission denied, scandir 'log'"), { code: 'EACCES' })`;
    await writeFile(join(cwd, 'app.ts'), `throw ${refusal}`);
    await writeFile(join(cwd, 'tributary.config.json'), '{"pipelines": ["app.ts"]}');
    const ran = await cli(['generate', 'collect'], { cwd });
    assert.equal(ran.code, 1);
    assert.match(
      ran.stderr,
      /^error: EACCES: permission denied, scandir 'log'\. Run the command as the user whose it is,/,
    );
  });

  test('a stack trace shows only on request', async (t) => {
    const cwd = await scratch(t);
    await writeFile(join(cwd, 'app.ts'), 'throw new Error("broken app")');
    await writeFile(join(cwd, 'tributary.config.json'), '{"pipelines": ["app.ts"]}');
    const quiet = await cli(['generate', 'collect'], { cwd });
    assert.equal(quiet.code, 1);
    assert.equal(quiet.stderr, 'error: broken app. LOG_LEVEL=debug shows where it comes from.\n');
    const loud = await cli(['generate', 'collect'], { cwd, env: { LOG_LEVEL: 'debug' } });
    assert.match(loud.stderr, /at .*app\.ts:1/);
  });
});

suite('tributary generate', () => {
  const generate = ['generate', 'collect', '--count'];

  test('writes one JSON text a line; the same seed gives the same', async () => {
    const one = await cli([...generate, '2000', '--invalid', '5%', '--seed', '7']);
    assert.deepEqual([one.code, one.stderr], [0, '']);
    const lines = one.stdout.trimEnd().split('\n');
    assert.equal(lines.length, 2000);
    for (const line of lines) assert.equal(typeof JSON.parse(line), 'object');
    assert.equal((await cli([...generate, '2000', '--invalid', '5%', '--seed', '7'])).stdout, one.stdout);
    assert.notEqual((await cli([...generate, '2000', '--invalid', '5%', '--seed', '8'])).stdout, one.stdout);
    assert.equal((await cli([...generate, '0'])).stdout, '');
  });

  test('ends quietly when its reader has seen enough', { timeout: 30_000 }, async () => {
    const ran = await cli([...generate, '100000000'], {
      onSpawn: (child) => child.stdout.once('data', () => child.stdout.destroy()),
    });
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
  });

  test('Ctrl-C ends it with exit code 130', { timeout: 30_000 }, async () => {
    const ran = await cli([...generate, '100000000'], {
      onSpawn: (child) => child.stdout.once('data', () => child.kill('SIGINT')),
    });
    assert.deepEqual([ran.code, ran.stderr], [130, '']);
  });

  test('unknown systems are refused with the nearest; exit code 2', async () => {
    const ran = await cli(['generate', 'colect']);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /^error: there is no system "colect"; the nearest is collect\./);
    const far = await cli(['generate', 'orders']);
    assert.match(far.stderr, /^error: there is no system "orders"; there is collect, signals, rates, cards, lake\./);
  });
});

/** The machine's own Node.js, not the pinned one; it may be too old to run the program itself. */
function findMachineNode(): string | undefined {
  const dirs = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => !dir.includes('node_modules'));
  return dirs.map((dir) => join(dir, 'node')).find((file) => existsSync(file));
}

suite('bin/tributary.js', () => {
  const machineNode = findMachineNode();

  test('runs in this process on a Node.js that can, also through a symbolic link and from anywhere', async (t) => {
    const cwd = await scratch(t);
    await symlink(bin, join(cwd, 'tributary'));
    const ran = await cli(['strat'], { command: [process.execPath, join(cwd, 'tributary')], cwd });
    assert.deepEqual([ran.code, ran.stderr], [2, "error: unknown command 'strat'. Did you mean start?\n"]);
  });

  test("runs on the pinned Node.js under the machine's own", { skip: machineNode === undefined }, async (t) => {
    const cwd = await scratch(t);
    const command = [machineNode!, bin] as const;
    assert.match((await cli(['--version'], { command, cwd })).stdout, /^\d+\.\d+\.\d+\n$/);
    assert.equal((await cli(['strat'], { command, cwd })).code, 2);
    const ran = await cli(['generate', 'collect', '--count', '100000000'], {
      command,
      onSpawn: (child) => child.stdout.once('data', () => child.kill('SIGINT')),
    });
    assert.equal(ran.code, 130, 'signals and exit codes pass through');
  });

  test('killed, it takes the program with it', { skip: machineNode === undefined, timeout: 30_000 }, async () => {
    const child = spawn(machineNode!, [bin, 'generate', 'collect', '--count', '100000000'], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    child.stdout.resume(); // ends when the last process that holds it is gone
    await once(child.stdout, 'end');
  });
});
