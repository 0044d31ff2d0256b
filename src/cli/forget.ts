/** `tributary forget`: the log no longer keeps what a consumer has not landed that is gone for good. */
import type { Command } from 'commander';
import type { EngineReader } from '../engine/engine.ts';
import { Fault } from '../errors.ts';
import type { keysOfConsumer } from '../processing/keys-of-consumer.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { writeLine } from './output.ts';
import { pipelinesOf } from '../pipeline/apps.ts';

interface ForgetOptions extends ConfigOptions {
  readonly json?: true;
}

export function addForget(program: Command): void {
  withConfig(program.command('forget'))
    .description('let go of what the log keeps for a consumer that is no longer in the configuration')
    .argument('<consumer>')
    .option('--json', 'as a JSON object')
    .addHelpText('after', examples('tributary forget old-pipeline', 'tributary forget old.dead.letter/keeper'))
    .action(forget);
}

/** Beside a running `start` it is refused (DATA_DIR_IN_USE): keyed state has one writer. */
async function forget(consumer: string, options: ForgetOptions): Promise<void> {
  const config = configOf(options);
  const [{ openEngine, openEngineReader }, { consumersOf }, { loadApps }, { keysOfConsumer }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../engine/landing.ts'),
    import('../engine/load-apps.ts'),
    import('../processing/keys-of-consumer.ts'),
  ]);
  const apps = await loadApps({ pipelines: config.pipelines });
  if (consumersOf(pipelinesOf(apps)).some(({ name }) => name === consumer))
    throw new Fault('USAGE', `${JSON.stringify(consumer)} is a consumer of the configuration, and would begin anew`);
  const keys = await readKeys(await openEngineReader(config), consumer, keysOfConsumer);
  if (keys === undefined) throw new Fault('USAGE', `the log knows no consumer ${JSON.stringify(consumer)}`);
  const { log, state, views } = await openEngine(config);
  try {
    await state.commit({ delete: keys.all });
  } finally {
    await log.close();
    await state.close();
    await views.close();
  }
  await writeLine(options.json ? JSON.stringify({ consumer, partitions: keys.checkpoints }) : `Forgot ${consumer}.`);
}

async function readKeys(reader: EngineReader, consumer: string, keysOf: typeof keysOfConsumer) {
  try {
    return await keysOf(reader.state, reader.log.id, consumer);
  } finally {
    await reader.close();
  }
}
