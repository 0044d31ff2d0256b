/**
 * One run of an embedded PostgreSQL: started, ready, ended. It is gone when this process is gone, however that ends.
 *
 * Exactly one server runs on a data directory: PostgreSQL's own lock decides, the loser gets WAREHOUSE_IN_USE.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment } from '../../../config/child-environment.ts';
import { Fault } from '../../../errors.ts';
import type { Binaries } from './binaries.ts';
import { readLockFile } from './lock-file.ts';
import type { Settings } from './settings.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

const pollMs = 10;
/**
 * Crash recovery replays up to `max_wal_size` before the server is ready, however long a slow disk takes; it tells every 10 s
 * how far it is. Ended before, it would begin anew each time.
 */
const silenceMs = 120_000;
/** A fast shutdown writes the buffers to disk; a server that takes longer is stopped or hangs, and recovers at its next start. */
const stopTimeoutMs = 20_000;

/**
 * The shell between us and PostgreSQL waits for its standard input to end. It ends when we end it, and when we
 * are killed: either way PostgreSQL gets SIGINT (fast shutdown) and leaves no orphan. It gets it each second: what a shell starts in the
 * background ignores SIGINT until it says otherwise, and PostgreSQL does so only some time after its start. A crash dumps no core: it would lie in
 * the data directory, 150 MB, on a disk that may be full.
 */
const guardian = `
ulimit -c 0
exec 3<&0
"$@" </dev/null 3<&- & child=$!
( while read -r _; do :; done; while kill -INT $child 2>/dev/null; do sleep 1; done ) <&3 & watcher=$!
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
  /** A server that is not ready is ended when it has told no progress for so long. Default 120 s. */
  readonly silenceMs?: number;
  /** Ends the wait for a server to get ready, and the server. */
  readonly signal?: AbortSignal;
  /** A server that is told to stop is killed after that time. Default 20 s. */
  readonly stopTimeoutMs?: number;
}

export interface ServerProcess {
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Fast shutdown; then a kill, from which the next start recovers. */
  stop(): Promise<void>;
}

/** Resolves when it takes connections; rejects when it has ended. @throws Fault WAREHOUSE_IN_USE, WAREHOUSE_UNAVAILABLE */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const told: Told = { lines: [], progressMs: Date.now() };
  const child = spawnServer(options, (line) => {
    told.lines.push(line);
    if (told.lines.length > 5) told.lines.shift();
    if (progress.test(line)) told.progressMs = Date.now();
    options.log(line);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = (): Promise<void> => stopServer(child, ended, options.stopTimeoutMs ?? stopTimeoutMs);
  try {
    await waitUntilReady(child, options, told);
    return { ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a server has logged. */
interface Told {
  /** The last ones. */
  readonly lines: string[];
  /** Of the last line that is no refusal of a client: those are FATAL. */
  progressMs: number;
}

const progress = / LOG: /;

function spawnServer(options: ServerOptions, onLine: (line: string) => void): ChildProcess {
  const { as, binaries, dataDir, settings } = options;
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [...as.prefix, binaries.postgres, '-D', dataDir, ...flags];
  const child = spawn('/bin/sh', ['-c', guardian, 'tributary-postgres', ...command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: childEnvironment(),
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

async function waitUntilReady(child: ChildProcess, options: ServerOptions, told: Told): Promise<void> {
  const { dataDir } = options;
  const limitMs = options.silenceMs ?? silenceMs;
  for (; Date.now() - told.progressMs < limitMs; await sleep(pollMs)) {
    if (hasEnded(child)) throw notStarted(dataDir, told.lines);
    options.signal?.throwIfAborted();
    if ((await readLockFile(dataDir))?.status === 'ready') return;
  }
  const last = told.lines.join('\n');
  throw new Fault(
    'WAREHOUSE_UNAVAILABLE',
    `PostgreSQL on ${dataDir} is not ready, and has told no progress for ${limitMs / 1000} s: ${last}`,
  );
}

function notStarted(dataDir: string, lines: readonly string[]): Fault {
  const last = lines.join('\n');
  if (/lock file ".*" already exists/.test(last))
    return new Fault('WAREHOUSE_IN_USE', `another PostgreSQL runs on ${dataDir}`);
  return new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL did not start on ${dataDir}: ${last}`);
}

async function stopServer(child: ChildProcess, ended: Promise<void>, timeoutMs: number): Promise<void> {
  if (hasEnded(child)) return;
  const kill = setTimeout(() => killGroup(child), timeoutMs);
  child.stdin?.end();
  await ended;
  clearTimeout(kill);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The shell and its PostgreSQL, whose children end when they see that it is gone. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended in this moment
  }
}
