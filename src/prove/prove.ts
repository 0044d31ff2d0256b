/**
 * The crash proof: sends events with known content, kills the program with SIGKILL at random moments (while it starts, while
 * it works, while its PostgreSQL has to recover), sends again what was not acknowledged, and then compares every
 * acknowledged event with every sink (D1, D2, D3, D5). Runs on a data directory of its own.
 */
import { packageSource } from '../pipeline/source-paths.ts';
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import type { EventApp } from '../pipeline/app.ts';
import { allLanded } from './all-landed.ts';
import { compareOrFail } from './compare.ts';
import { Producer } from './producer.ts';
import { seededRandom } from './random.ts';
import type { Verdict } from './verdict.ts';
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
  /** From SIGTERM to the end; beyond the program's own limit. Default 60 s. */
  readonly drain: number;
}

const defaultWaits: Waits = { start: 60_000, acknowledge: 120_000, land: 300_000, drain: 60_000 };

export interface Proof extends Verdict {
  readonly seed: number;
  /** By what was done. */
  readonly kills: Readonly<Record<string, number>>;
  readonly packages: number;
  readonly acknowledged: number;
  readonly resent: number;
  /** Other failures: an answer that no producer should see, an end that nobody caused, a drain that did not finish. */
  readonly failures: readonly string[];
  readonly seconds: number;
}

const moments: readonly Moment[] = ['work', 'start', 'work', 'postgres', 'start'];
const invalidShare = 0.05;

export async function prove(options: ProofOptions): Promise<Proof> {
  const startedMs = performance.now();
  const { app, seed } = options;
  const { pipeline } = app;
  if (!app.generate) throw new Fault('USAGE', `${pipeline.name} has no generator, so there is nothing to send`);
  const random = seededRandom(seed);
  const lines = app.generate({ count: 1_000_000_000, invalidShare, seed })[Symbol.iterator]();
  const producer = new Producer({ path: packageSource(pipeline).path, lines, random, runId: randomUUID() });
  const failures: string[] = [];
  const kills = await killOften(options, producer, random, failures);
  await land(options, producer, failures);
  const verdict = await compareOrFail(options, producer.acknowledged, failures);
  failures.push(...producer.unexpected.map((answer) => `an answer that no producer should see: ${answer}`));
  const { packages, resent, acknowledged } = producer;
  const seconds = (performance.now() - startedMs) / 1000;
  return { ...verdict, seed, kills, packages, acknowledged: acknowledged.size, resent, failures, seconds };
}

export function isProven({ lost, twice, wrong, torn, failures }: Proof): boolean {
  return [lost, twice, wrong, torn, failures].every(({ length }) => length === 0);
}

/** Ends with the first failure: a program that does not start would fail each time. */
async function killOften(
  options: ProofOptions,
  producer: Producer,
  random: () => number,
  failures: string[],
): Promise<Record<Moment, number>> {
  const { kills, onKill } = options;
  const { start } = { ...defaultWaits, ...options.waits };
  const counts: Record<Moment, number> = { start: 0, work: 0, postgres: 0 };
  for (let done = 1; done <= kills; done++) {
    const moment = moments[Math.floor(random() * moments.length)] as Moment;
    const victim = startVictim(options, producer);
    const wasReady = await killAt(victim, moment, random, start);
    counts[moment] += 1;
    onKill(done, moment);
    if (victim.endedByItself) failures.push(`it ended by itself: ${victim.lastWords}`);
    else if (!wasReady) failures.push(`it took no events within ${start / 1000} s: ${victim.lastWords}`);
    if (failures.length > 0) break;
  }
  return counts;
}

/** One last start: everything is acknowledged, then landed, then the program is asked to end. */
async function land(options: ProofOptions, producer: Producer, failures: string[]): Promise<void> {
  const waits = { ...defaultWaits, ...options.waits };
  const victim = startVictim(options, producer);
  try {
    if (!(await victim.readyWithin(waits.start)))
      return void failures.push(`it did not start again: ${victim.lastWords}`);
    const stopped = Promise.race([producer.stop().then(() => true), victim.exited.then(() => false)]);
    if (!(await within(stopped, waits.acknowledge)))
      return void failures.push(`not everything was acknowledged within ${waits.acknowledge / 1000} s`);
    if (!(await allLanded(options, producer.acknowledged, waits.land)))
      failures.push(`not everything landed within ${waits.land / 1000} s`);
  } finally {
    const code = await victim.drain(waits.drain);
    if (code !== 0) failures.push(`after SIGTERM it ended with ${code}: ${victim.lastWords}`);
  }
}

function startVictim({ app, config, configFile, env }: ProofOptions, producer: Producer): Victim {
  const { dataDir } = config;
  return new Victim({ dataDir, configFile, env, system: app.pipeline.name, onUrl: (url) => producer.target(url) });
}
