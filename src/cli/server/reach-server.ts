/** The running server that a command asks: the one that runs on the data directory, or the one that `--to` names. */
import type { Command } from 'commander';
import { Agent } from 'undici';
import { announcedServer } from '../../api/running-server.ts';
import type { Config } from '../../config/config.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { Fault } from '../../errors.ts';
import { type ConfigOptions, configOf, withConfig } from '../options.ts';
import { firstAdminToken, ownServerTls } from './own-server.ts';

export interface ServerOptions extends ConfigOptions {
  readonly to?: string;
}

export interface ReachedServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

export function withServer(command: Command): Command {
  return withConfig(
    command.option('--to <url>', 'the running server (default: the one that runs on the data directory)'),
  );
}

/** @throws Fault USAGE, SERVER_UNREACHABLE */
export async function reachServer(options: ServerOptions): Promise<ReachedServer> {
  const config = configOf(options);
  return options.to === undefined ? reachOwnServer(config) : reach(config, givenUrl(options.to));
}

/** @throws Fault SERVER_UNREACHABLE */
export async function reachOwnServer(config: Config): Promise<ReachedServer> {
  const url = (await announcedServer(dataPaths(config.dataDir).server))?.url;
  // The configured port is not tried instead: the token would go to whatever listens there.
  if (url === undefined) throw new Fault('SERVER_UNREACHABLE', `no server has said that it runs on ${config.dataDir}`);
  return reach(config, url, ownServerTls(config));
}

async function reach(config: Config, url: string, tls: object = {}): Promise<ReachedServer> {
  const token = await firstAdminToken(config);
  // A search through a long log may take its time before the first line.
  const timeouts = { headersTimeout: 600_000, bodyTimeout: 600_000, keepAliveTimeout: 1 };
  const agent = new Agent({ ...timeouts, connect: { timeout: 5_000, ...tls } });
  return { url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` }, agent };
}

/** Without a slash at its end. @throws Fault USAGE */
export function givenUrl(text: string): string {
  if (URL.canParse(text)) {
    const { protocol, origin, pathname } = new URL(text);
    if (protocol === 'http:' || protocol === 'https:') return origin + pathname.replace(/\/+$/, '');
  }
  throw new Fault('USAGE', `--to: expected a URL such as http://localhost:8000, got ${JSON.stringify(text)}`);
}
