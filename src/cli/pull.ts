/**
 * `tributary pull`: entities from their APIs into the object store, each run whole or not at all. What is interrupted goes on with the
 * next call.
 */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Pull } from '../pipeline/pulls.ts';
import type { Run } from '../sources/rest/run.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { duration } from './duration.ts';
import { interrupted, onInterrupt } from './interrupt.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { configuredPulls, namedPulls } from './pull/named-pulls.ts';
import { reportError } from './report-error.ts';

interface PullOptions extends ConfigOptions {
  readonly json?: true;
}

export function addPull(program: Command): void {
  withConfig(program.command('pull'))
    .description('pull entities from their APIs into the object store; one that was interrupted goes on')
    .argument('<name...>', 'pulls of the configuration')
    .option('--json', 'a line of JSON for each run that is done')
    .addHelpText('after', examples('tributary pull users content', 'tributary pull users --json'))
    .action(pull);
}

async function pull(names: readonly string[], options: PullOptions): Promise<void> {
  const config = configOf(options);
  const wanted = namedPulls(await configuredPulls(config), names);
  const [{ openObjects }, { pullInEngine }, { showPull }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../engine/pulls.ts'),
    import('./pull/show-pull.ts'),
  ]);
  const stopping = new AbortController();
  onInterrupt(['SIGINT', 'SIGTERM'], () => stopping.abort(new Error('interrupted')));
  const objects = await openObjects(config);
  const state = await stateOfAll(config);
  for (const one of wanted) {
    const shown = showPull(one.name);
    const startedMs = performance.now();
    try {
      const about = { dataDir: config.dataDir, objects, state, observer: shown, signal: stopping.signal };
      const run = await pullInEngine(one, about).finally(() => shown.stop());
      await writeLine(options.json ? JSON.stringify(run) : inWords(run, performance.now() - startedMs));
    } catch (error) {
      if (stopping.signal.aborted) {
        endInterrupted(one);
        break;
      }
      process.exitCode = Math.max(Number(process.exitCode ?? 0), reportError(error));
    }
  }
  await state?.close();
}

/** Undefined where no other node pulls the same. */
async function stateOfAll(config: Config): Promise<StateStore | undefined> {
  const { pullsTogether } = await import('../engine/pulls.ts');
  if (!pullsTogether(config)) return undefined;
  const { openSharedState } = await import('../engine/state-stores.ts'); // not loaded where it is not needed
  return openSharedState(config);
}

function endInterrupted({ name }: Pull): void {
  tell(`Interrupted. What has come of ${name} is kept: tributary pull ${name} goes on from there.`);
  process.exitCode = interrupted;
}

function inWords(
  { pull: name, kept, refused, leftOut, known, restarts, object, deadLetters }: Run,
  ms: number,
): string {
  const others = [
    ...(refused > 0 ? [`${refused} refused, in ${deadLetters}`] : []),
    ...(leftOut > 0 ? [`${leftOut} left out`] : []),
    ...(known > 0 ? [`${known} known already`] : []),
    ...(restarts > 0 ? [`begun anew ${restarts === 1 ? 'once' : `${restarts} times`}, as the list changed`] : []),
  ];
  const where = object === null ? 'nothing new' : `${kept} items in ${object}`;
  return `${name}: ${[where, ...others].join('; ')} (${duration(ms)})`;
}
