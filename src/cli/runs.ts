/** `tributary runs`: what has been pulled, from the data directory that it was pulled into, also while a run goes on. */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import type { Run } from '../sources/rest/run.ts';
import { duration } from './duration.ts';
import { type ConfigOptions, configOf, examples, wholeNumber, withConfig } from './options.ts';
import { writeJson, writeLine } from './output.ts';
import { configuredPulls, namedPulls } from './pull/named-pulls.ts';
import { type RefusedOptions, showRefused } from './pull/refused.ts';
import { outputWidth, renderTable } from './table.ts';

interface ListOptions extends ConfigOptions {
  readonly pull?: string;
  readonly limit: number;
  readonly json?: true;
}

interface ShowOptions extends ConfigOptions {
  readonly json?: true;
}

/** `interrupted`: goes on with the next pull. */
type ShownState = 'running' | 'interrupted' | 'done' | 'failed';

type ShownRun = Omit<Run, 'state'> & { readonly state: ShownState };

export function addRuns(program: Command): void {
  const runs = program.command('runs').description('runs of pulls: list them, or show one');
  runs.addHelpText('after', examples('tributary runs list', 'tributary runs refused 20261121T214500123Z-1f3a9c'));
  withConfig(runs.command('list'))
    .description('runs of pulls that were made on this data directory, newest first')
    .option('--pull <name>', 'of this pull only')
    .option('--limit <n>', 'at most so many of each pull', wholeNumber(1), 20)
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary runs list', 'tributary runs list --pull users --json'))
    .action(list);
  withConfig(runs.command('show'))
    .description('all that is known of a run')
    .argument('<run-id>', 'as runs list shows it')
    .option('--json', 'as a JSON object')
    .addHelpText('after', examples('tributary runs show 20261121T214500123Z-1f3a9c'))
    .action(show);
  withConfig(runs.command('refused'))
    .description('what a run has set aside, with the reasons')
    .argument('<run-id>', 'as runs list shows it')
    .option('--limit <n>', 'at most so many (default: 50, with --json all)', wholeNumber(1))
    .option('--json', 'one JSON object a line, as the object store has them')
    .addHelpText(
      'after',
      examples(
        'tributary runs refused 20261121T214500123Z-1f3a9c',
        "tributary runs refused 20261121T214500123Z-1f3a9c --json | jq -r '.error.path' | sort | uniq -c",
      ),
    )
    .action(refused);
}

async function list({ pull, limit, ...options }: ListOptions): Promise<void> {
  const runs = await readRuns(configOf(options), pull, limit);
  await (options.json ? writeJson(runs) : writeLine(asTable(runs)));
}

async function show(id: string, options: ShowOptions): Promise<void> {
  const found = await readRun(configOf(options), id);
  await (options.json ? writeJson(found) : writeLine(asFields(found)));
}

async function refused(id: string, options: ConfigOptions & RefusedOptions): Promise<void> {
  const config = configOf(options);
  await showRefused(config, await readRun(config, id), options);
}

async function readRun(config: Config, id: string): Promise<ShownRun> {
  const found = (await readRuns(config, undefined, Number.MAX_SAFE_INTEGER)).find((run) => run.id === id);
  if (!found) throw new Fault('RUN_UNKNOWN', `there is no run ${JSON.stringify(id)}`);
  return found;
}

async function readRuns(config: Config, name: string | undefined, limit: number): Promise<readonly ShownRun[]> {
  const pulls = await configuredPulls(config);
  const { isPulled, runsOf } = await import('../engine/pulls.ts');
  const wanted = name === undefined ? pulls : namedPulls(pulls, [name]);
  const shown: ShownRun[] = [];
  for (const run of runsOf(wanted, config.dataDir, limit)) {
    const { state } = run;
    const isOpen = state === 'fetching' || state === 'fetched';
    const now = isOpen && ((await isPulled(config.dataDir, run.pull)) ? 'running' : 'interrupted');
    shown.push({ ...run, state: now || (state as 'done' | 'failed') });
  }
  return shown;
}

function asTable(runs: readonly ShownRun[]): string {
  const counts = ['items', 'kept', 'refused'].map((title) => ({ title, align: 'right' as const }));
  return renderTable(
    [
      { title: 'run', isWhole: true },
      { title: 'pull' },
      { title: 'state' },
      ...counts,
      { title: 'took', align: 'right' },
      { title: 'why' },
    ],
    runs.map((run) => [
      run.id,
      run.pull,
      run.state,
      ...[run.items, run.kept, run.refused].map(String),
      run.endedAt === null ? '' : duration(Date.parse(run.endedAt) - Date.parse(run.startedAt)),
      run.reason ?? '',
    ]),
    outputWidth(),
  );
}

function asFields(run: ShownRun): string {
  const rows = Object.entries(run).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]));
  return renderTable([{ title: 'of the run' }, { title: '' }], rows, outputWidth());
}
