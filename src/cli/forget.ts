/** `tributary forget`: the log no longer keeps what a consumer has not landed that is gone for good, and its views are deleted. */
import type { Command } from 'commander';
import type { EngineReader } from '../engine/engine.ts';
import { Fault } from '../errors.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { writeLine } from './output.ts';
import { pipelinesOf } from '../pipeline/apps.ts';

interface ForgetOptions extends ConfigOptions {
  readonly json?: true;
}

export function addForget(program: Command): void {
  withConfig(program.command('forget'))
    .description(
      'let go of what is kept for a consumer that is no longer in the configuration, and of its views; only where no server runs',
    )
    .argument('<consumer>')
    .option('--json', 'as a JSON object')
    .addHelpText('after', examples('tributary forget old-pipeline', 'tributary forget old.dead.letter/keeper'))
    .action(forget);
}

/** Beside a running `start` it is refused (DATA_DIR_IN_USE): keyed state has one writer. */
async function forget(consumer: string, options: ForgetOptions): Promise<void> {
  const config = configOf(options);
  const [{ closeEngine, openEngine, openEngineReader }, { consumersOf }, { loadApps }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../engine/landing.ts'),
    import('../engine/load-apps.ts'),
  ]);
  const apps = await loadApps({ pipelines: config.pipelines });
  if (consumersOf(pipelinesOf(apps)).some(({ name }) => name === consumer))
    throw new Fault('USAGE', `${JSON.stringify(consumer)} is a consumer of the configuration, and would begin anew`);
  const reader = await openEngineReader(config);
  const isKnown = await knows(reader, consumer);
  if (!isKnown) throw new Fault('USAGE', `the log knows no consumer ${JSON.stringify(consumer)}`);
  const engine = await openEngine(config);
  let partitions: number;
  try {
    partitions = await forgetAll(engine, consumer);
  } finally {
    await closeEngine(engine);
  }
  await writeLine(options.json ? JSON.stringify({ consumer, partitions }) : `Forgot ${consumer}.`);
}

interface Kept {
  readonly log: Pick<EngineReader['log'], 'id'>;
  readonly state: StateStore;
  readonly views: StateStore;
}

async function knows(reader: EngineReader, consumer: string): Promise<boolean> {
  try {
    const { keys, found } = await whatIsKept(reader, consumer);
    return keys !== undefined || found.length > 0;
  } finally {
    await reader.close();
  }
}

async function whatIsKept({ log, state, views }: Kept, consumer: string) {
  const { keysOfConsumer } = await import('../processing/keys-of-consumer.ts');
  const { viewsOf } = await import('../views/doomed.ts');
  const keys = await keysOfConsumer(state, log.id, consumer);
  return { keys, found: await viewsOf(views, log.id, consumer) };
}

/** Answers of how many partitions something was kept. */
async function forgetAll(kept: Kept, consumer: string): Promise<number> {
  const { forgetView } = await import('../views/doomed.ts');
  const { keys, found } = await whatIsKept(kept, consumer);
  let ofViews = 0;
  for (const of of found) ofViews += await forgetView(kept.views, of);
  if (keys) await kept.state.commit({ delete: keys.all });
  return keys?.checkpoints ?? ofViews;
}
