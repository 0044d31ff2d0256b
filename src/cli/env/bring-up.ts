/** Starts an environment in the background, and waits until it is ready. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { Fault } from '../../errors.ts';
import { askHealth } from './ask-health.ts';
import { holdLock } from './hold-lock.ts';
import { type Environment, type NamedConfig, readEnvironment } from './environment.ts';

/** PostgreSQL recovers first where it was killed. */
const readyWithinMs = 60_000;
const lookEveryMs = 50;
const lastLines = 5;

const program = join(import.meta.dirname, '..', import.meta.filename.endsWith('.ts') ? 'program.ts' : 'program.js');

export interface BroughtUp {
  readonly url: string;
  readonly wasUp: boolean;
}

interface Start {
  /** Undefined while it runs. */
  exitCode: number | string | undefined;
}

/**
 * @param args of `start`
 * @throws Fault ENVIRONMENT_NOT_READY
 */
export async function bringUp(config: NamedConfig, args: readonly string[]): Promise<BroughtUp> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const release = await holdLock(dataPaths(config.dataDir).upLock); // else two would start it, and one lose its log to the other
  try {
    return await startUntilReady(config, args);
  } finally {
    release();
  }
}

async function startUntilReady(config: NamedConfig, args: readonly string[]): Promise<BroughtUp> {
  let started: Start | undefined;
  for (const untilMs = performance.now() + readyWithinMs; performance.now() < untilMs; await sleep(lookEveryMs)) {
    const environment = await readEnvironment(config.env, config.dataDir);
    if (environment.server && (await askHealth(config, 'ready')) === 200)
      return { url: environment.server.url, wasUp: started === undefined };
    if (environment.state !== 'stopped') continue; // another command may have been first, or it still drains
    if (started?.exitCode !== undefined) throw await ended(environment, config, started.exitCode);
    started ??= await startDetached(config, args);
  }
  throw new Fault(
    'ENVIRONMENT_NOT_READY',
    `environment ${config.env} is not ready after ${readyWithinMs / 1000} s; its log is ${dataPaths(config.dataDir).serverLog}`,
  );
}

/** In a session of its own: it outlives us and our terminal. */
async function startDetached({ dataDir, env }: NamedConfig, args: readonly string[]): Promise<Start> {
  const { serverLog } = dataPaths(dataDir);
  await rename(serverLog, `${serverLog}.before`).catch(noneYet);
  const log = await open(serverLog, 'wx', 0o600);
  const command = [...process.execArgv, program, 'start', '--env', env, ...args];
  const child = spawn(process.execPath, command, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  const start: Start = { exitCode: undefined };
  child.on('exit', (code, signal) => (start.exitCode = code ?? signal ?? 1));
  try {
    await once(child, 'spawn');
  } finally {
    await log.close();
  }
  child.unref();
  return start;
}

function noneYet(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function ended({ name }: Environment, { dataDir }: Config, exitCode: number | string): Promise<Fault> {
  const { serverLog } = dataPaths(dataDir);
  const lines = (await readFile(serverLog, 'utf8')).trim().split('\n').slice(-lastLines);
  const told = lines.find((line) => line.startsWith('error:')) ?? lines.join(' ');
  return new Fault(
    'ENVIRONMENT_NOT_READY',
    `environment ${name} ended with ${exitCode} as it started, and said: ${told} (${serverLog})`,
  );
}
