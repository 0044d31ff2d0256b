/** `tributary generate`: events for trials on standard output, one JSON text a line. */
import { randomInt } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Command } from 'commander';
import { Fault } from '../errors.ts';
import { type ConfigOptions, configOf, examples, share, wholeNumber, withConfig } from './options.ts';
import { write } from './output.ts';

interface GenerateCommandOptions extends ConfigOptions {
  readonly count: number;
  readonly invalid: number;
  readonly seed?: string;
}

const chunkCharacters = 64 * 1024;
const progressEveryMs = 200;

export function addGenerate(program: Command): void {
  withConfig(program.command('generate'))
    .description('write events of a system to standard output, one JSON a line')
    .argument('<system>', 'such as collect, or signals')
    .option('--count <n>', 'how many', wholeNumber(0), 1000)
    .option('--invalid <share>', 'share of invalid events, such as 1%', share, 0)
    .option('--seed <text>', 'the same seed gives the same events (default: random)')
    .addHelpText(
      'after',
      examples(
        'tributary generate collect --count 100000 --invalid 1% --seed 7 > events.json',
        'tributary generate collect | tributary send -',
        'tributary generate signals --count 3 --seed 7 | tributary send -',
      ),
    )
    .action(generate);
}

async function generate(system: string, options: GenerateCommandOptions): Promise<void> {
  const { loadApps } = await import('../engine/load-apps.ts');
  const [app] = await loadApps({ ...configOf(options), only: [system] });
  if (app?.generate === undefined) throw new Fault('USAGE', `the system ${system} generates no events`);
  const seed = options.seed ?? String(randomInt(2 ** 32));
  const progress = createProgress(options.count);
  let chunk = '';
  let count = 0;
  for (const event of app.generate({ count: options.count, invalidShare: options.invalid, seed })) {
    chunk += `${event}\n`;
    count += 1;
    if (chunk.length < chunkCharacters) continue;
    await write(chunk);
    await nextTurn(); // lets Ctrl-C in, and a reader that has gone be noticed
    chunk = '';
    progress(count);
  }
  if (chunk !== '') await write(chunk);
  progress(count, `, seed ${seed}\n`);
}

/** Only where somebody watches and the events go elsewhere. */
function createProgress(of: number): (count: number, end?: string) => void {
  if (!process.stderr.isTTY || process.stdout.isTTY) return () => undefined;
  let shownMs = 0;
  return (count, end) => {
    if (end === undefined && performance.now() - shownMs < progressEveryMs) return;
    shownMs = performance.now();
    process.stderr.write(`\r${count} of ${of} events${end ?? ''}`);
  };
}
