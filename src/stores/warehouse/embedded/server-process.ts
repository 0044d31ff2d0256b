/**
 * One run of an embedded PostgreSQL: started, ready, ended. It is gone when this process is gone, however that ends.
 *
 * Exactly one server runs on a data directory: PostgreSQL's own lock decides, the loser gets WAREHOUSE_IN_USE.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../../errors.ts';
import type { Binaries } from './binaries.ts';
import { readLockFile } from './lock-file.ts';
import type { Settings } from './settings.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

const pollMs = 10;
/** Crash recovery replays up to `max_wal_size` before the server is ready. */
const startTimeoutMs = 120_000;
/** A fast shutdown writes the buffers to disk; a server that takes longer is stopped or hangs, and recovers at its next start. */
const stopTimeoutMs = 20_000;

/**
 * The shell between us and PostgreSQL waits for its standard input to end. It ends when we end it, and when we
 * are killed: either way PostgreSQL gets SIGINT (fast shutdown) and leaves no orphan.
 */
const guardian = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
( while read -r _; do :; done; kill -INT $child 2>/dev/null ) <&3 & watcher=$!
exec 3<&-
wait $child; code=$?
kill $watcher 2>/dev/null
exit $code
`;

export interface ServerOptions {
  readonly binaries: Binaries;
  readonly as: UnprivilegedUser;
  readonly dataDir: string;
  readonly settings: Settings;
  /** PostgreSQL's own log lines, and ours about it. */
  readonly log: (line: string) => void;
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Fast shutdown; after 20 s a kill, from which the next start recovers. */
  stop(): Promise<void>;
}

/** Resolves when it takes connections. @throws Fault WAREHOUSE_IN_USE, WAREHOUSE_UNAVAILABLE */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const lines: string[] = [];
  const child = spawnServer(options, (line) => {
    lines.push(line);
    if (lines.length > 5) lines.shift();
    options.log(line);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  try {
    const pid = await waitUntilReady(child, options.dataDir, lines);
    return { pid, ended, stop: () => stopServer(child, pid, ended) };
  } catch (error) {
    child.stdin?.end();
    throw error;
  }
}

function spawnServer(options: ServerOptions, onLine: (line: string) => void): ChildProcess {
  const { as, binaries, dataDir, settings } = options;
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [...as.prefix, binaries.postgres, '-D', dataDir, ...flags];
  const child = spawn('/bin/sh', ['-c', guardian, 'tributary-postgres', ...command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true, // a group of its own: Ctrl-C in the terminal must not reach it before we have drained
    ...as.ids,
  });
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  child.stdin?.on('error', () => undefined); // it may end first
  return child;
}

async function waitUntilReady(child: ChildProcess, dataDir: string, lines: readonly string[]): Promise<number> {
  for (const until = Date.now() + startTimeoutMs; Date.now() < until; await sleep(pollMs)) {
    if (child.exitCode !== null || child.signalCode !== null) throw notStarted(dataDir, lines);
    const found = await readLockFile(dataDir);
    if (found?.status === 'ready') return found.pid;
  }
  throw new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL on ${dataDir} was not ready within ${startTimeoutMs / 1000} s`);
}

function notStarted(dataDir: string, lines: readonly string[]): Fault {
  const last = lines.join('\n');
  if (/lock file ".*" already exists/.test(last))
    return new Fault('WAREHOUSE_IN_USE', `another PostgreSQL runs on ${dataDir}`);
  return new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL did not start on ${dataDir}: ${last}`);
}

async function stopServer(child: ChildProcess, pid: number, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const kill = setTimeout(() => process.kill(pid, 'SIGKILL'), stopTimeoutMs);
  child.stdin?.end();
  await ended;
  clearTimeout(kill);
}
