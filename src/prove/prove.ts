/**
 * The crash proof: sends events with known content, kills the program with SIGKILL at random moments (while it starts, while
 * it works, while its PostgreSQL has to recover), sends again what was not acknowledged, and then compares every
 * acknowledged event with every sink (D1, D2, D3, D5). Runs on a data directory of its own.
 */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { EventApp } from '../pipeline/app.ts';
import { allLanded } from './all-landed.ts';
import { seededRandom } from './random.ts';
import { runCommand } from './run-command.ts';
import { compareOrFail, lookOrFail, type Senders, type Subject, type Verdict } from './subject.ts';
import { subjectOf } from './subjects.ts';
import { killAt, type Moment, Victim, within } from './victim.ts';

export interface ProofOptions {
  readonly app: EventApp;
  /** Its data directory must be empty: what is found there is compared with what was sent. */
  readonly config: Config;
  /** The file that it came from, where that is not the working directory's own; for the program under proof. */
  readonly configFile: string | undefined;
  /** Of the program under proof. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kills: number;
  readonly seed: number;
  readonly onKill: (done: number, moment: Moment) => void;
  readonly waits?: Partial<Waits>;
}

/** How long each step may take, in milliseconds; beyond that it is a failure, and the proof goes on to its report. */
export interface Waits {
  /** From a start to the first package. Default 60 s. */
  readonly start: number;
  /** Until everything that was sent is acknowledged. Default 120 s. */
  readonly acknowledge: number;
  /** Until all that has landed. Default 300 s. */
  readonly land: number;
  /** Of the look at what the program answers then. Default 300 s. */
  readonly look: number;
  /** From SIGTERM to the end; beyond the program's own limit. Default 60 s. */
  readonly drain: number;
}

const defaultWaits: Waits = { start: 60_000, acknowledge: 120_000, land: 300_000, look: 300_000, drain: 60_000 };

export interface Proof extends Verdict {
  readonly seed: number;
  /** By what was done. */
  readonly kills: Readonly<Record<string, number>>;
  readonly sends: Subject['sends'];
  readonly packages: number;
  /** What else the subject counts. */
  readonly counts: Subject['counts'];
  readonly acknowledged: number;
  readonly resent: number;
  /** Other failures: an answer that no producer should see, an end that nobody caused, a drain that did not finish. */
  readonly failures: readonly string[];
  readonly seconds: number;
}

const moments: readonly Moment[] = ['work', 'start', 'work', 'postgres', 'start'];

export async function prove(options: ProofOptions): Promise<Proof> {
  const startedMs = performance.now();
  const { app, config, seed } = options;
  const subject = subjectOf({ app, config, seed, agreeWithinMs: 0, dir: config.dataDir });
  const load = subject.startLoad({ random: seededRandom(seed + 1), runId: randomUUID() });
  const failures: string[] = [];
  const kills = await killOften(options, subject, load, failures);
  await land(options, subject, load, failures);
  const verdict = await compareOrFail(subject, config, failures);
  failures.push(...load.unexpected.map((answer) => `an answer that no producer should see: ${answer}`));
  const { sends, counts, acknowledged } = subject;
  const { deliveries: packages, resent } = load;
  const seconds = (performance.now() - startedMs) / 1000;
  return { ...verdict, seed, kills, sends, packages, counts, acknowledged, resent, failures, seconds };
}

export function isProven({ lost, twice, wrong, torn, failures }: Proof): boolean {
  return [lost, twice, wrong, torn, failures].every(({ length }) => length === 0);
}

/** Ends with the first failure: a program that does not start would fail each time. */
async function killOften(
  options: ProofOptions,
  subject: Subject,
  load: Senders,
  failures: string[],
): Promise<Record<Moment, number>> {
  const { kills, onKill, seed } = options;
  const random = seededRandom(seed);
  const { start } = { ...defaultWaits, ...options.waits };
  const counts: Record<Moment, number> = { start: 0, work: 0, postgres: 0 };
  for (let done = 1; done <= kills; done++) {
    const moment = moments[Math.floor(random() * moments.length)] as Moment;
    const victim = startVictim(options, subject, load);
    const wasReady = await killAt(victim, moment, random, start);
    counts[moment] += 1;
    onKill(done, moment);
    if (victim.endedByItself) failures.push(`it ended by itself: ${victim.lastWords}`);
    else if (!wasReady) failures.push(`it took no events within ${start / 1000} s: ${victim.lastWords}`);
    if (failures.length > 0) break;
  }
  return counts;
}

/** One last start: everything is acknowledged, then landed, then looked at, then the program is asked to end. */
async function land(options: ProofOptions, subject: Subject, load: Senders, failures: string[]): Promise<void> {
  const { env, configFile, config } = options;
  const { workingDir } = subject;
  const command = { env, configFile, dataDir: config.dataDir, ...(workingDir !== undefined && { workingDir }) };
  const waits = { ...defaultWaits, ...options.waits };
  let url = '';
  const victim = startVictim(options, subject, load, (told) => (url = told));
  try {
    if (!(await victim.readyWithin(waits.start)))
      return void failures.push(`it did not start again: ${victim.lastWords}`);
    const stopped = Promise.race([load.stop().then(() => true), victim.exited.then(() => false)]);
    if (!(await within(stopped, waits.acknowledge)))
      return void failures.push(`not everything was acknowledged within ${waits.acknowledge / 1000} s`);
    if (!(await allLanded(options, subject.accepted, waits.land)))
      return void failures.push(`not everything landed within ${waits.land / 1000} s`);
    const node = { name: 'the program', url, runCommand: (args: readonly string[]) => runCommand(args, command) };
    const looked = lookOrFail(subject, [node], failures).then(() => true);
    if (!(await within(looked, waits.look)))
      failures.push(`what it answers could not be looked at within ${waits.look / 1000} s`);
  } finally {
    const code = await victim.drain(waits.drain);
    if (code !== 0) failures.push(`after SIGTERM it ended with ${code}: ${victim.lastWords}`);
  }
}

function startVictim(
  { app, config, configFile, env }: ProofOptions,
  { workingDir }: Subject,
  load: Senders,
  onReady: (url: string) => void = () => undefined,
): Victim {
  const onUrl = (url: string | undefined): void => {
    if (url !== undefined) onReady(url);
    load.target(url);
  };
  return new Victim({
    dataDir: config.dataDir,
    configFile,
    env,
    system: app.pipeline.name,
    onUrl,
    ...(workingDir !== undefined && { workingDir }),
  });
}
