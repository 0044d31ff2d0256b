/**
 * From a full log on Kafka to PostgreSQL and S3, beside `psql \copy` of the same rows on the same server, and beside a consumer that
 * reads the log through and does nothing. They take turns; each time the stores are empty, the process is new and the log is the same.
 */
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { CopyYardstick, tableOf } from '../landing/copy-yardstick.ts';
import { inLandingProcess, type LandingProcess, usualRows } from '../landing/landing.ts';
import type { LandingMethods } from '../landing/landing-process.ts';
import { median } from '../median.ts';
import { benchConfig, type BenchSettings, loadApp } from '../parts.ts';
import { readMemory } from '../process-memory.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import { awsVariables, type Servers, startServers } from './servers.ts';

export interface ClusterLandingResult {
  readonly rows: number;
  readonly rounds: number;
  readonly landedPerSecond: number;
  readonly copiedPerSecond: number;
  readonly readPerSecond: number;
  /** What copied. */
  readonly yardstick: string;
  /** Landing as a share of copying. */
  readonly ratio: number;
  readonly goal: number;
  /** Landing as a share of reading. */
  readonly ofReading: number;
  readonly peakRssBytes: number | undefined;
  readonly met: boolean;
  readonly sound: boolean;
}

interface Round {
  readonly landSeconds: number;
  readonly copySeconds: number;
  readonly readSeconds: number;
  readonly peakRssBytes: number | undefined;
}

const goal = 0.8;
const usualRounds = 3;
const quickRows = 5_000;

export async function benchClusterLanding(options: PartOptions): Promise<ClusterLandingResult> {
  const { system, dir, quick, onStep } = options;
  const where = { system, dataDir: join(dir, 'data') };
  const { pipeline } = await loadApp(benchConfig(system, where.dataDir));
  const yardstick = await CopyYardstick.make(tableOf(pipeline), join(dir, 'rows.copy'));
  onStep('landing, starting Kafka, S3 and PostgreSQL');
  const servers = await startServers(dir);
  try {
    onStep('landing, filling a log');
    const rows = await inStores(servers, (child, env) =>
      child.call('fill', { ...where, env, events: quick ? quickRows : (options.rows ?? usualRows) }),
    );
    const rounds: Round[] = [];
    for (let round = 0; round < (quick ? 1 : usualRounds); round++) {
      onStep(`landing, round ${round + 1}`);
      rounds.push(await inStores(servers, (child, env) => measureRound(child, { ...where, env, rows }, yardstick)));
    }
    return summary(rows, rounds, yardstick);
  } finally {
    await servers.stop();
  }
}

/** In a process of its own, on empty stores and the log. */
function inStores<T>(servers: Servers, use: (child: LandingProcess, env: BenchSettings) => Promise<T>): Promise<T> {
  const { kafkaBrokers: KAFKA_BROKERS } = servers;
  return servers.withEmptyStores((stores) =>
    inLandingProcess((child) => use(child, { ...stores, KAFKA_BROKERS }), awsVariables),
  );
}

async function measureRound(
  child: LandingProcess,
  where: Required<Parameters<LandingMethods['land']>[0]>,
  yardstick: CopyYardstick,
): Promise<Round> {
  const readSeconds = await child.call('readThrough', where);
  const landSeconds = await child.call('land', where);
  const memory = await readMemory(child.pid);
  const warehouse = await openServerWarehouse({ url: where.env['DATABASE_URL'] ?? '' });
  try {
    await yardstick.export(warehouse);
    return {
      landSeconds,
      readSeconds,
      copySeconds: await yardstick.copy(warehouse),
      peakRssBytes: memory?.peakRssBytes,
    };
  } finally {
    await warehouse.close();
    await child.call('stop', undefined);
  }
}

function summary(rows: number, rounds: readonly Round[], { tool }: CopyYardstick): ClusterLandingResult {
  const ratio = median(rounds.map(({ landSeconds, copySeconds }) => copySeconds / landSeconds));
  const peaks = rounds.flatMap(({ peakRssBytes }) => peakRssBytes ?? []);
  return {
    rows,
    rounds: rounds.length,
    landedPerSecond: median(rounds.map(({ landSeconds }) => rows / landSeconds)),
    copiedPerSecond: median(rounds.map(({ copySeconds }) => rows / copySeconds)),
    readPerSecond: median(rounds.map(({ readSeconds }) => rows / readSeconds)),
    yardstick: tool,
    ratio,
    goal,
    ofReading: median(rounds.map(({ landSeconds, readSeconds }) => readSeconds / landSeconds)),
    peakRssBytes: peaks.length > 0 ? Math.max(...peaks) : undefined,
    met: ratio >= goal,
    sound: true, // a row that is missing on either side ends the run
  };
}
