/** `tributary start`: serves until it is told to end, then drains (D8). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { otelSecrets } from '../config/otel-variables.ts';
import type { Running } from '../main.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { onInterrupt } from './interrupt.ts';
import { goOnWithoutReader, tell, writeLine } from './output.ts';
import { errorLine } from './report-error.ts';

export function addStart(program: Command): void {
  withConfig(program.command('start'))
    .description('serve all systems on one port; SIGTERM or Ctrl-C ends it once everything in flight has landed')
    .option('--only <names>', 'only these systems, separated by commas')
    .option('--processor <name>', 'plain or beam: what takes records from the log to the sinks (default: plain)')
    .option('--object-format <name>', 'ndjson or parquet: what events are in objects (default: ndjson)')
    .option('--port <number>', 'port, 0 for any free one (default: 8000)')
    .option(
      '--host <address>',
      'address to listen on (default: 127.0.0.1); any other than loopback needs a key and an admin token',
    )
    .addHelpText(
      'after',
      examples(
        'tributary start',
        'tributary start --only collect --port 8080 --data-dir /var/lib/tributary',
        'DATABASE_URL=postgres://me@db/warehouse tributary start',
        'tributary start --env staging-a',
        'tributary start --processor beam',
        'tributary keys add web-shop && TRIBUTARY_ADMIN_TOKEN_FILE=admin-token tributary start --host 0.0.0.0',
      ),
    )
    .action(start);
}

async function start(options: ConfigOptions): Promise<void> {
  goOnWithoutReader();
  const { keepPort, withOwnPort } = await import('./env/own-port.ts');
  const config = await withOwnPort(configOf(options));
  const secrets = ['TRIBUTARY_ADMIN_TOKEN', 'TRIBUTARY_KEY', ...otelSecrets];
  for (const secret of secrets) delete process.env[secret]; // not for child processes
  const told = new Promise<void>((resolve) => {
    onInterrupt(['SIGINT', 'SIGTERM', 'SIGHUP'], resolve);
  });
  const { serve } = await import('../main.ts');
  const running = await serve(config);
  await keepPort(config, running.url);
  await writeLine(`Tributary is ready: ${running.url}`);
  await told;
  await drainWithin(running, config.drainTimeoutMs);
}

/** What is not done by then waits in the log for the next start, as after a crash (D1-D3); a batch goes in whole or not at all (D7). */
async function drainWithin(running: Running, timeoutMs: number): Promise<void> {
  const drained = running.drain().then(() => true);
  if (await Promise.race([drained, sleep(timeoutMs, false)])) return;
  tell(
    errorLine(
      `the drain was not done after ${timeoutMs / 1000} s; what is left lands after the next start; the status of a batch says whether it is in.`,
    ),
  );
  process.exitCode = 1;
}
