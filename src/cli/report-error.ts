/**
 * How a command that failed says so: one line, `error: what happened. What to do.`, and an exit code: 2 for wrong usage or
 * configuration, 1 for the rest. Stack traces only under LOG_LEVEL=debug or trace.
 */
import { inspect, styleText } from 'node:util';
import { CommanderError } from 'commander';
import { type FaultCode, Fault } from '../errors.ts';
import { tell } from './output.ts';
import { visible } from './visible.ts';

const usageCodes: ReadonlySet<FaultCode> = new Set([
  'USAGE',
  'CONFIG_INVALID',
  'PIPELINE_INVALID',
  'ACCESS_NOT_SET_UP',
  'TLS_INVALID',
  'REPAIR_INVALID',
  'MODELS_INVALID',
]);

type SystemError = NodeJS.ErrnoException & {
  readonly address?: string;
  readonly port?: number;
  /** Of SQLite. */
  readonly errcode?: number;
};

/** SQLITE_FULL */
const sqliteFull = 13;

/** Tells it, and answers the exit code. */
export function reportError(error: unknown): number {
  // Commander has told it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  tell(errorLine(describe(error)));
  if (['debug', 'trace'].includes(process.env['LOG_LEVEL'] ?? '')) tell(inspect(error));
  return error instanceof Fault && usageCodes.has(error.code) ? 2 : 1;
}

export function errorLine(text: string): string {
  return `${styleText('red', 'error:', { stream: process.stderr })} ${text}`;
}

/** Commander's `error: ...` and, on a line of its own, `(Did you mean ...?)`, as one line. */
export function commanderErrorLine(text: string): string {
  const [, what = '', meant] = /^(?:error: )?(.*?)(?:\n\((Did you mean .*)\))?$/s.exec(text.trim()) ?? [];
  return `${errorLine(`${sentence(what)} ${meant ?? 'Run the command with --help.'}`)}\n`;
}

function describe(error: unknown): string {
  if (error instanceof Fault) return `${sentence(error.message)} ${error.todo}`;
  const { code, errcode, message, address, port } = error as SystemError;
  if (code === 'EADDRINUSE') return `${address}:${port} is in use. Choose another port (--port).`;
  if (code === 'EACCES' && port !== undefined) return `port ${port} needs a privilege. Choose another port (--port).`;
  if (code === 'EACCES' || code === 'EPERM')
    return `${sentence(message)} Run the command as the user whose it is, or let this one read and write it.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${sentence(message)} Choose another host (--host).`;
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === sqliteFull)
    return `${sentence(message)} Free some space, and run the command again.`;
  return `${sentence(message || inspect(error))} LOG_LEVEL=debug shows where it comes from.`;
}

/** Much of it is others' words: nothing in it moves the cursor or makes a second line. */
function sentence(text: string): string {
  const line = visible(text.replaceAll(/\s*\n\s*/g, ' ').trim());
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
