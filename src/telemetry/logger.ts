/**
 * Log lines: one JSON object a line on standard error, written before the call returns, so that nothing is lost when
 * the process ends or is killed. Passwords and access keys do not get in: not as fields, not in URLs
 * within messages, keys nowhere.
 */
import { type DestinationStream, type Logger, destination, pino, stdTimeFunctions } from 'pino';
import { keyWithinText } from '../access/access-key.ts';
import { describeError } from './describe-error.ts';

export interface LoggerOptions {
  /** One of pino's levels, or `silent`. */
  readonly level: string;
  /** Default: standard error. */
  readonly to?: DestinationStream;
}

const secretFields = [
  'password',
  'databaseUrl',
  'authorization',
  'cookie',
  'apiKey',
  'token',
  'adminToken',
  'accessKey',
];

export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      hooks: { streamWrite: withoutSecrets },
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '***',
      },
    },
    options.to ?? destination({ dest: 2, sync: true }),
  );
}

/** Takes keys and the passwords of URLs out of a text. */
export function withoutSecrets(line: string): string {
  return withoutUrlPasswords(line.includes('trb_') ? line.replaceAll(keyWithinText, '$1_***') : line);
}

function withoutUrlPasswords(line: string): string {
  if (!line.includes('@')) return line;
  return line.replaceAll(/\b([a-z][a-z0-9+.-]{0,19}:\/\/[^\s:@/"]*):[^\s/"]*@/gi, '$1:***@');
}
