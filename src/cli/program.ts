/**
 * The program `tributary`: reads the command line, runs one command, and ends with its exit code: 0 done, 1 it ran and the
 * answer is bad, 2 wrong usage or configuration, 130 interrupted. Running this file runs the program.
 */
import './runtime.ts';
import { createProgram } from './commands.ts';
import { endOnInterrupt } from './interrupt.ts';
import { endWithReader, flush } from './output.ts';
import { reportError } from './report-error.ts';

/** Under `bin/tributary.js` on an older Node this process is the child of another: killing that one kills the program. */
function dieWithParent(): void {
  if (process.channel === undefined || process.channel === null) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

async function main(): Promise<void> {
  dieWithParent();
  endWithReader();
  endOnInterrupt();
  process.on('uncaughtException', (error) => process.exit(reportError(error)));
  try {
    await (await createProgram(process.argv.slice(2))).parseAsync();
  } catch (error) {
    process.exitCode = reportError(error);
  }
  await flush();
  process.exit();
}

await main();
