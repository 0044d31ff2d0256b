/** All commands. Each is a file of its own; what a command does not need is not loaded for it, which would be most of its time. */
import { Command } from 'commander';
import { packageVersion } from '../config/package-root.ts';
import { examples } from './options.ts';
import { commanderErrorLine } from './report-error.ts';

/** In the order of the help. */
const commands: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  start: async () => (await import('./start.ts')).addStart,
  generate: async () => (await import('./generate.ts')).addGenerate,
  send: async () => (await import('./send.ts')).addSend,
  load: async () => (await import('./load.ts')).addLoad,
  pull: async () => (await import('./pull.ts')).addPull,
  runs: async () => (await import('./runs.ts')).addRuns,
  lag: async () => (await import('./lag.ts')).addLag,
  status: async () => (await import('./status.ts')).addStatus,
  sql: async () => (await import('./sql.ts')).addSql,
  models: async () => (await import('./models.ts')).addModels,
  rates: async () => (await import('./rates.ts')).addRates,
  warehouse: async () => (await import('./warehouse.ts')).addWarehouse,
  'dead-letters': async () => (await import('./dead-letters.ts')).addDeadLetters,
  events: async () => (await import('./events.ts')).addEvents,
  packages: async () => (await import('./packages.ts')).addPackages,
  replay: async () => (await import('./replay.ts')).addReplay,
  compact: async () => (await import('./compact.ts')).addCompact,
  schemas: async () => (await import('./schemas.ts')).addSchemas,
  views: async () => (await import('./views.ts')).addViews,
  forget: async () => (await import('./forget.ts')).addForget,
  topics: async () => (await import('./topics.ts')).addTopics,
  tail: async () => (await import('./tail.ts')).addTail,
  env: async () => (await import('./env.ts')).addEnv,
  keys: async () => (await import('./keys.ts')).addKeys,
  prove: async () => (await import('./prove.ts')).addProve,
  bench: async () => (await import('./bench.ts')).addBench,
};

/** @param args the command line's: where they begin with a command, the program has only that */
export async function createProgram(args: readonly string[] = []): Promise<Command> {
  const program = new Command('tributary')
    .description('Takes events in, and lands each exactly once in objects and in PostgreSQL.')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(commanderErrorLine(text)) })
    .addHelpText(
      'after',
      examples(
        'tributary start',
        'tributary generate collect --count 10000 > events.json',
        'tributary send events.json',
      ),
    );
  const [name = ''] = args;
  const wanted = Object.hasOwn(commands, name) ? [name] : Object.keys(commands);
  for (const one of wanted) (await commands[one]?.())?.(program);
  return program;
}
