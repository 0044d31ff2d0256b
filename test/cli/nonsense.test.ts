/**
 * Whatever nonsense a command is given, it answers with one clear line on standard error and exit code 2 (wrong usage or configuration)
 * or 1 (it looked, and there is no such thing): never a stack trace, nothing on standard output. Over every command of
 * commands.ts, those that come later too.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Command, CommanderError } from 'commander';
import { createProgram } from '../../src/cli/commands.ts';
import { cli } from './run-cli.ts';

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

/** Commands without commands of their own. */
function leavesOf(command: Command, path: readonly string[] = []): readonly Leaf[] {
  const inner = command.commands.filter((one) => one.name() !== 'help');
  if (inner.length === 0) return [{ path, command }];
  return inner.flatMap((one) => leavesOf(one, [...path, one.name()]));
}

const leaves = leavesOf(await createProgram());
const shown = (words: readonly string[]): string => JSON.stringify(words.join(' ').slice(0, 200));

/** One line, which names no file of ours and does not send the reader to one; control characters shown as such. */
function assertOneLine(words: readonly string[], text: string): void {
  assert.match(text, /^error: [^\n]+[.?!]\n$/, shown(words));
  // oxlint-disable-next-line no-control-regex -- that there are none is what is tested
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f]|\bat .*\.[jt]s:\d|LOG_LEVEL=debug/, shown(words));
}

/** Reads a command line without running what it says. */
async function parse(words: readonly string[]): Promise<{ readonly ran: boolean; readonly told: string }> {
  const program = await createProgram();
  let told = '';
  let ran = false;
  const tell = (text: string): void => void (told += text);
  const listen = (command: Command): void => {
    command.configureOutput({ writeErr: tell, writeOut: tell });
    command.commands.forEach(listen);
  };
  listen(program);
  for (const { command } of leavesOf(program)) command.action(() => void (ran = true));
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    assert.ok(error instanceof CommanderError, `${shown(words)}: ${String(error)}`);
  }
  return { ran, told };
}

async function refusedUnread(words: readonly string[]): Promise<void> {
  const { ran, told } = await parse(words);
  assert.ok(!ran, `${shown(words)} was taken`);
  assertOneLine(words, told);
}

/** For an option whose text is read, none of these is a value. */
const noValues = [
  '',
  ' ',
  'nonsense',
  '-1',
  '1e999',
  '9'.repeat(23),
  '9'.repeat(400),
  'NaN',
  '0x10',
  ' 1',
  '1;2',
  'a\nb',
  '\u001b[2J',
];
const nonsense = 'no such/thing\u001b[2J\u0007';

suite('nonsense on the command line', () => {
  test('every command is looked at', () => assert.ok(leaves.length > 20, String(leaves.length)));

  for (const { path, command } of leaves) {
    const required = command.registeredArguments.filter((argument) => argument.required).map(() => 'x');
    const all = command.registeredArguments.map(() => 'x');
    const isVariadic = command.registeredArguments.some((argument) => argument.variadic);

    test(`${path.join(' ')}: options that are none, values that are missing or none, arguments too few or too many`, async () => {
      await refusedUnread([...path, ...required, '--nonsense']);
      await refusedUnread([...path, ...required, '-€']);
      if (required.length > 0) await refusedUnread(path);
      if (!isVariadic) await refusedUnread([...path, ...all, 'more']);
      for (const { long, required: needsValue, parseArg, argChoices } of command.options) {
        assert.ok(long !== undefined && long !== null);
        if (!needsValue) await refusedUnread([...path, ...required, `${long}=yes`]);
        else await refusedUnread([...path, ...required, long]);
        if (needsValue && (parseArg !== undefined || argChoices !== undefined))
          for (const value of noValues) await refusedUnread([...path, ...required, `${long}=${value}`]);
      }
    });
  }
});

suite('nonsense that a command meets when it runs', { timeout: 600_000 }, () => {
  let dir: string;
  let file: string;
  let garbage: string;
  let dataDir: string;
  let cwd: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-nonsense-'));
    [file, garbage, dataDir, cwd] = [join(dir, 'file'), join(dir, 'garbage.json'), join(dir, 'data'), join(dir, 'cwd')];
    await mkdir(cwd);
    await writeFile(file, 'not a directory');
    await writeFile(garbage, '{"\u0000 nonsense');
    const schema = join(dir, 'a.avsc');
    await writeFile(schema, '"string"');
    // A log and a registry, so that it is the nonsense that is not there.
    for (const words of [
      ['topics', 'apply'],
      ['schemas', 'register', 'a', schema],
    ])
      assert.equal((await cli([...words, '--data-dir', dataDir])).code, 0);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function refused(words: readonly string[], codes: readonly number[] = [1, 2]): Promise<string> {
    const { code, signal, stdout, stderr } = await cli(words, { cwd, env: { EDITOR: 'false' } });
    assert.ok(
      signal === null && codes.includes(code ?? -1),
      `${shown(words)} ended with ${code ?? signal}: ${stdout}${stderr}`,
    );
    assert.equal(stdout, '', shown(words));
    assertOneLine(words, stderr);
    return stderr;
  }

  for (const { path, command } of leaves) {
    const has = (long: string): boolean => command.options.some((option) => option.long === long);
    const args = command.registeredArguments.filter((argument) => argument.required).map(() => 'x');
    const name = path.join(' ');

    if (has('--config'))
      test(`${name}: a configuration file of garbage`, async () => {
        const told = await refused([...path, ...args, '--config', garbage], [2]);
        assert.ok(told.includes('garbage.json') || told.includes('--help'), told);
      });
    if (has('--data-dir'))
      test(`${name}: a data directory that is a file`, async () => {
        await refused([...path, ...args, '--data-dir', file]);
      });
    if (command.registeredArguments.length > 0)
      test(`${name}: arguments that name nothing`, async () => {
        const given = command.registeredArguments.map(() => nonsense);
        await refused([...path, ...given, ...(has('--data-dir') ? ['--data-dir', dataDir] : [])]);
      });
    for (const url of ['--to', '--url'])
      if (command.options.some((option) => option.long === url && option.required))
        test(`${name}: ${url} that is no URL`, async () => {
          await refused([...path, ...args, url, nonsense], [2]);
        });
  }

  const rows: readonly (readonly string[])[] = [
    ['start', '--port', '8o'],
    ['start', '--port', '99999999'],
    ['start', '--port', ''],
    ['start', '--host', ''],
    ['start', '--only', ''],
    ['start', '--only', nonsense],
    ['start', '--data-dir', ''],
    ['lag', '--data-dir', 'x'.repeat(5_000)],
    ['lag', '--config', ''],
    ['lag', '--config', '.'],
    ['lag', '--config', nonsense],
    ['lag', '--data-dir', '/dev/null/x'],
    ['send', '.'],
    ['topics', 'apply', '.'],
    ['schemas', 'check', 'a', '.'],
    ['schemas', 'check', 'a', '.', '--type', 'AVRO'],
    ['dead-letters', 'edit', '--all', '--patch', nonsense],
    ['keys', 'add', 'a', '--source', nonsense],
  ];
  for (const words of rows)
    test(shown(words), async () => {
      await refused(words);
    });
});
