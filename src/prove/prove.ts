/**
 * The crash proof: sends events with known content, kills the program with SIGKILL at random moments (while it starts, while
 * it works, while its PostgreSQL has to recover), sends again what was not acknowledged, and then compares every
 * acknowledged event with every sink (D1, D2, D3, D5). Runs on a data directory of its own.
 */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { dataPaths, openEngineReader, openWarehouse } from '../engine/engine.ts';
import { consumersOf } from '../engine/landing.ts';
import { Fault } from '../errors.ts';
import type { App } from '../pipeline/app.ts';
import type { ObjectsSink, Pipeline, TableSink } from '../pipeline/pipeline.ts';
import { readLag } from '../processing/lag.ts';
import { createCodecs } from '../schemas/codecs.ts';
import { openFileRegistry } from '../schemas/file-registry.ts';
import { openDirectoryStore } from '../stores/objects/directory-store.ts';
import { createLogger } from '../telemetry/logger.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLetters, readObjects } from './landed.ts';
import { Producer } from './producer.ts';
import { seededRandom } from './random.ts';
import type { Targets } from './expected.ts';
import { judge, type Verdict } from './verdict.ts';
import { killAt, type Moment, Victim } from './victim.ts';

export interface ProofOptions {
  readonly app: App;
  /** Its data directory must be empty: what is found there is compared with what was sent. */
  readonly config: Config;
  /** The file that it came from, where that is not the working directory's own; for the program under proof. */
  readonly configFile: string | undefined;
  /** Of the program under proof. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kills: number;
  readonly seed: number;
  readonly onKill: (done: number, moment: Moment) => void;
}

export interface Proof extends Verdict {
  readonly seed: number;
  readonly kills: Readonly<Record<Moment, number>>;
  readonly packages: number;
  readonly acknowledged: number;
  readonly resent: number;
  /** Other failures: an answer that no producer should see, an end that nobody caused, a drain that did not finish. */
  readonly failures: readonly string[];
  readonly seconds: number;
}

const moments: readonly Moment[] = ['work', 'start', 'work', 'postgres', 'start'];
const invalidShare = 0.05;
const landTimeoutMs = 300_000;

export async function prove(options: ProofOptions): Promise<Proof> {
  const startedMs = performance.now();
  const { app, seed } = options;
  const { pipeline } = app;
  if (!app.generate) throw new Fault('USAGE', `${pipeline.name} has no generator, so there is nothing to send`);
  const random = seededRandom(seed);
  const lines = app.generate({ count: 1_000_000_000, invalidShare, seed })[Symbol.iterator]();
  const producer = new Producer({ path: pipeline.source.path, lines, random, runId: randomUUID() });
  const failures: string[] = [];
  const kills = await killOften(options, producer, random, failures);
  await land(options, producer, failures);
  const verdict = await compare(options, producer);
  failures.push(...producer.unexpected.map((answer) => `an answer that no producer should see: ${answer}`));
  const { packages, resent, acknowledged } = producer;
  const seconds = (performance.now() - startedMs) / 1000;
  return { ...verdict, seed, kills, packages, acknowledged: acknowledged.size, resent, failures, seconds };
}

export function isProven({ lost, twice, wrong, torn, failures }: Proof): boolean {
  return [lost, twice, wrong, torn, failures].every(({ length }) => length === 0);
}

async function killOften(
  options: ProofOptions,
  producer: Producer,
  random: () => number,
  failures: string[],
): Promise<Record<Moment, number>> {
  const { kills, onKill } = options;
  const counts: Record<Moment, number> = { start: 0, work: 0, postgres: 0 };
  for (let done = 1; done <= kills; done++) {
    const moment = moments[Math.floor(random() * moments.length)] as Moment;
    const victim = startVictim(options, producer);
    await killAt(victim, moment, random);
    if (victim.endedByItself) failures.push(`it ended by itself: ${victim.lastWords}`);
    counts[moment] += 1;
    onKill(done, moment);
  }
  return counts;
}

/** One last start: everything is acknowledged, then landed, then the program is asked to end. */
async function land(options: ProofOptions, producer: Producer, failures: string[]): Promise<void> {
  const { app, config } = options;
  const victim = startVictim(options, producer);
  try {
    if (!(await victim.ready)) return void failures.push(`it did not start again: ${victim.lastWords}`);
    await producer.stop();
    if (!(await landed(config, app.pipeline))) failures.push(`not everything landed within ${landTimeoutMs / 1000} s`);
  } finally {
    const code = await victim.drain();
    if (code !== 0) failures.push(`after SIGTERM it ended with ${code}: ${victim.lastWords}`);
  }
}

function startVictim({ app, config, configFile, env }: ProofOptions, producer: Producer): Victim {
  const { dataDir } = config;
  return new Victim({ dataDir, configFile, env, system: app.pipeline.name, onUrl: (url) => producer.target(url) });
}

async function landed(config: Config, pipeline: Pipeline): Promise<boolean> {
  const reader = await openEngineReader(config);
  try {
    for (const until = Date.now() + landTimeoutMs; Date.now() < until; await sleep(100)) {
      const rows = await readLag(reader, consumersOf([pipeline]));
      if (rows.every(({ lag }) => lag === 0)) return true;
    }
    return false;
  } finally {
    await reader.close();
  }
}

async function compare({ app: { pipeline }, config }: ProofOptions, { acknowledged }: Producer): Promise<Verdict> {
  const paths = dataPaths(config.dataDir);
  const registry = await openFileRegistry({ dir: paths.registry });
  const codec = await createCodecs(registry).latest(pipeline.schema.subject);
  const reader = await openEngineReader(config);
  const warehouse = await openWarehouse(config, createLogger({ level: 'error' }));
  try {
    const letters = await readLetters(reader.log, pipeline.deadLetterTopic);
    const objects = await readObjects(await openDirectoryStore({ dir: paths.objects }));
    return await judge(targetsOf(pipeline, codec), { acknowledged, letters, objects, pool: warehouse.pool });
  } finally {
    await warehouse.close();
    await reader.close();
  }
}

function targetsOf(pipeline: Pipeline, codec: Targets['codec']): Targets {
  const table = pipeline.sinks.find((sink): sink is TableSink<object> => sink.kind === 'table');
  const objects = pipeline.sinks.find((sink): sink is ObjectsSink<object> => sink.kind === 'objects');
  if (!table || !objects) throw new Fault('USAGE', `${pipeline.name} needs a table and objects to be proved`);
  return { pipeline, codec, table, objects };
}
