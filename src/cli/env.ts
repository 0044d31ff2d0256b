/** `tributary env`: copies by name, side by side on one machine, each with a port, data and names of its own. */
import { createInterface } from 'node:readline/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { dataRootOf, loadConfig } from '../config/config.ts';
import { environmentNameForm, isEnvironmentName } from '../config/environment.ts';
import { Fault } from '../errors.ts';
import { byteSize } from './byte-size.ts';
import type { NamedConfig } from './env/environment.ts';
import { checkDataDir, type ConfigOptions, examples, withConfigFile } from './options.ts';
import { writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';

interface ListOptions extends ConfigOptions {
  readonly json?: true;
}

interface UpOptions extends ConfigOptions {
  readonly rates?: string;
}

interface DownOptions extends ConfigOptions {
  readonly remove?: true;
  readonly yes?: true;
}

const nameArgument = ['<name>', environmentNameForm, environmentName] as const;

export function addEnv(program: Command): void {
  const group = program.command('env').description('copies by name, each with a port and data of its own');
  group.addHelpText(
    'after',
    examples('tributary env up staging-a', 'tributary send events.json --env staging-a', 'tributary env list'),
  );
  withConfigFile(group.command('list'))
    .description(
      'list the environments of the data directory: whether they run, where, since when, and how much they hold',
    )
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary env list', "tributary env list --json | jq -r '.[].url'"))
    .action(list);
  withConfigFile(group.command('up'))
    .description('start one in the background, with what it had before, and print its URL when it is ready')
    .argument(...nameArgument)
    .option('--only <names>', 'only these systems, separated by commas')
    .option('--port <number>', 'from now on (default: the first free one from 8001 on, kept from its first start)')
    .option('--rates <dump>', 'load the tables of rates where they are missing, from this dump; "sample": a sample')
    .addHelpText(
      'after',
      examples(
        'tributary env up staging-a',
        'tributary env up prices --only rates --port 9001',
        'tributary env up prices --only rates --rates rates.sql',
      ),
    )
    .action(up);
  withConfigFile(group.command('down'))
    .description('stop one once everything in flight has landed; its data stays')
    .argument(...nameArgument)
    .option('--remove', 'its data and its port, too, after asking')
    .option('--yes', 'with --remove: without asking')
    .addHelpText('after', examples('tributary env down staging-a', 'tributary env down staging-a --remove --yes'))
    .action(down);
}

function environmentName(text: string): string {
  if (isEnvironmentName(text)) return text;
  throw new InvalidArgumentError(`Expected ${environmentNameForm}.`);
}

/** @throws Fault CONFIG_INVALID */
function configFor(name: string, options: ConfigOptions): NamedConfig {
  const config = loadConfig({ file: options.config, env: process.env, flags: { ...options, env: name } });
  checkDataDir(config.dataDir);
  return { ...config, env: name };
}

/** As it was given: names and ports of the environment around do not change where they lie. */
function rootOf(options: ConfigOptions): string {
  const root = dataRootOf({ file: options.config, env: process.env, flags: { ...options } });
  checkDataDir(root);
  return root;
}

async function list(options: ListOptions): Promise<void> {
  const { diskUse, environmentDir, listEnvironments } = await import('./env/environment.ts');
  const root = rootOf(options);
  const environments = await listEnvironments(root);
  const rows = await Promise.all(
    environments.map(async ({ name, state, port, server }) => ({
      name,
      state,
      port: port ?? null,
      url: server?.url ?? null,
      pid: server?.pid ?? null,
      dataBytes: await diskUse(environmentDir(root, name)),
      startedAt: server?.startedAt ?? null,
    })),
  );
  if (options.json) return writeLine(JSON.stringify(rows));
  if (rows.length === 0) return writeLine('There are no environments. tributary env up <name> makes one.');
  const cells = rows.map(({ name, state, port, pid, dataBytes, startedAt }) =>
    [name, state, port, pid, byteSize(dataBytes), startedAt?.slice(0, 19)].map((cell) => String(cell ?? '')),
  );
  await writeLine(renderTable(columns, cells, outputWidth()));
}

const columns = [
  { title: 'name' },
  { title: 'state' },
  { title: 'port', align: 'right' },
  { title: 'pid', align: 'right' },
  { title: 'data', align: 'right' },
  { title: 'started (UTC)' },
] as const;

async function up(name: string, options: UpOptions): Promise<void> {
  const [{ bringUp }, { checkDump, initRates }] = await Promise.all([
    import('./env/bring-up.ts'),
    import('./rates.ts'),
  ]);
  const { config: file, only, port, rates } = options;
  const dump = rates === 'sample' ? undefined : rates;
  if (dump !== undefined) await checkDump(dump);
  const given = { '--data-dir': rootOf(options), '--config': file, '--only': only, '--port': port };
  const args = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const config = configFor(name, options);
  const { url, wasUp } = await bringUp(config, args);
  if (rates !== undefined) await initRates(config, { dump, ifMissing: true });
  await writeLine(`Environment ${name} is ${wasUp ? 'up already' : 'ready'}: ${url}`);
}

async function down(name: string, options: DownOptions): Promise<void> {
  const [{ removeEnvironment, stopEnvironment }, { listEnvironments }] = await Promise.all([
    import('./env/take-down.ts'),
    import('./env/environment.ts'),
  ]);
  const known = await listEnvironments(rootOf(options));
  if (!known.some((one) => one.name === name))
    throw new Fault('USAGE', `there is no environment ${name}; tributary env list shows those that are there`);
  const config = configFor(name, options);
  if (options.remove && !options.yes) await confirm(config);
  const wasUp = await stopEnvironment(config);
  if (options.remove) await removeEnvironment(config);
  const how = options.remove ? 'removed' : wasUp ? 'stopped' : 'stopped already';
  await writeLine(`Environment ${name} is ${how}.`);
}

/** @throws Fault USAGE where nobody can be asked, or says no */
async function confirm({ env, dataDir }: NamedConfig): Promise<void> {
  if (!process.stdin.isTTY) throw new Fault('USAGE', `--remove deletes all that ${env} holds: say so with --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Delete ${dataDir} with all that it holds? Type its name: `);
  terminal.close();
  if (answer.trim() !== env) throw new Fault('USAGE', `${env} stays as it is`);
}
