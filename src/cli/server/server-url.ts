/** Where the running server is found: `--to`, or the host and port of the configuration. */
import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { Fault } from '../../errors.ts';
import { type ConfigOptions, configOf } from '../options.ts';

export interface ServerOptions extends ConfigOptions {
  readonly to?: string;
}

export function withServer(command: Command): Command {
  return command
    .option('--to <url>', 'the running server (default: the configured host and port)')
    .option('--config <file>', 'configuration file (default: tributary.config.json, where there is one)');
}

/** Without a slash at its end. @throws Fault USAGE */
export function serverUrl(options: ServerOptions): string {
  if (options.to === undefined) return urlOf(configOf(options));
  if (URL.canParse(options.to)) {
    const { protocol, origin, pathname } = new URL(options.to);
    if (protocol === 'http:' || protocol === 'https:') return origin + pathname.replace(/\/+$/, '');
  }
  throw new Fault('USAGE', `--to: expected a URL such as http://localhost:8000, got ${JSON.stringify(options.to)}`);
}

/** An address that listens on all is reached on this machine. */
export function urlOf({ host, port }: Config): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}
