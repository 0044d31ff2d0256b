/**
 * How other processes on this machine find the server that runs on a data directory: a file with its address, there from when it
 * listens until it drains. A server that was killed leaves it behind; whether one runs is told by the log's lock.
 */
import { readFile, rm } from 'node:fs/promises';
import { privateMode, replaceDurably } from '../stores/durable-files.ts';

/** Removes what a killed server has left. */
export async function forgetServer(file: string): Promise<void> {
  await rm(file, { force: true });
}

export async function announceServer(file: string, url: string): Promise<void> {
  const server: AnnouncedServer = { url, pid: process.pid, startedAt: new Date().toISOString() };
  await replaceDurably(file, `${JSON.stringify(server)}\n`, privateMode);
}

export interface AnnouncedServer {
  readonly url: string;
  readonly pid: number;
  readonly startedAt: string;
}

/** What it has said of itself; undefined where no server has said that it listens. */
export async function announcedServer(file: string): Promise<AnnouncedServer | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /"url":"https?:\/\/[^"\s]+"/.test(text) ? (JSON.parse(text) as AnnouncedServer) : undefined;
}

/** Where a server on this machine is reached that listens on this host: "any address" is none to connect to. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
