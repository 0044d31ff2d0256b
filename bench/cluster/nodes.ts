/**
 * What a second node costs: processor time of whole programs for a million events, taken over HTTP and landed, with one node and with two
 * that share Kafka's partitions, PostgreSQL and S3, under the same load: what the one gets by 32 connections, each of the two gets by 16.
 * They take turns, each time with new processes.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type DatabaseError, escapeIdentifier } from 'pg';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import type { LoadMethods, LoadResult } from '../ingest/load-process.ts';
import { tableOf } from '../landing/copy-yardstick.ts';
import { median } from '../median.ts';
import { benchConfig, type BenchSettings, loadApp } from '../parts.ts';
import { readCpuSeconds } from '../process-cpu.ts';
import { type BenchProgram, startProgram } from '../program.ts';
import { awsVariables, startServers } from './servers.ts';

export interface NodesResult {
  /** Of a round. */
  readonly events: number;
  readonly rounds: number;
  readonly one: NodesMeasured;
  readonly two: NodesMeasured;
  /** Processor time with two nodes as a multiple of that with one. */
  readonly ratio: number;
  /** At most. */
  readonly goal: number;
  readonly met: boolean;
  /** Every event that was acknowledged has landed, once; a package that a busy cluster refuses (503) is none. */
  readonly sound: boolean;
}

export interface NodesMeasured {
  /** Of all nodes together. */
  readonly cpuSecondsAMillion: number;
  /** Of them the one with the smallest share of the processor time: half of it or so with two that share the work. */
  readonly smallestShare: number;
  /** From the first package until the last event has landed. */
  readonly eventsPerSecond: number;
  /** Packages that were not answered with 200. */
  readonly failed: number;
}

const goal = 1.1;
const connections = 32;
const eventsAPackage = 100;
const usualPlan = { packages: 3_000, warmUpPackages: 600, rounds: 3 };
const quickPlan = { packages: 4 * connections, warmUpPackages: 2 * connections, rounds: 1 };
const landLimitMs = 300_000;
const pollMs = 100;

export async function benchNodes(options: PartOptions): Promise<NodesResult> {
  if (process.platform !== 'linux') throw new Error('processor time is read from /proc: this part needs Linux');
  const { system, dir, quick, onStep } = options;
  const plan = quick ? quickPlan : usualPlan;
  onStep('nodes, starting Kafka, S3 and PostgreSQL');
  const servers = await startServers(dir);
  try {
    return await servers.withEmptyStores(async (stores) => {
      const env = { ...stores, ...awsVariables, KAFKA_BROKERS: servers.kafkaBrokers, LOG_LEVEL: 'error' };
      const landed = await LandedRows.of(system, env);
      const measured = { one: [] as NodesMeasured[], two: [] as NodesMeasured[] };
      for (let round = 0; round < plan.rounds; round++)
        for (const name of ['one', 'two'] as const) {
          onStep(`nodes, ${name}, round ${round + 1}`);
          measured[name].push(await measure(options, env, landed, { ...plan, nodes: name === 'one' ? 1 : 2 }));
        }
      return summary(plan.packages * eventsAPackage, measured);
    });
  } finally {
    await servers.stop();
  }
}

interface Plan {
  readonly nodes: 1 | 2;
  readonly packages: number;
  readonly warmUpPackages: number;
}

async function measure(
  { system, dir }: PartOptions,
  env: BenchSettings,
  landed: LandedRows,
  { nodes, packages, warmUpPackages }: Plan,
): Promise<NodesMeasured> {
  const programs: BenchProgram[] = [];
  const loads = Array.from(
    { length: nodes },
    () => new Child<LoadMethods>(join(import.meta.dirname, '../ingest/load-process.ts')),
  );
  const send = async (count: number): Promise<readonly LoadResult[]> => {
    const until = { packages: count / nodes };
    const target = { system, eventsAPackage, connections: connections / nodes, until };
    const sent = await Promise.all(
      programs.map(({ url }, i) => (loads[i] as Child<LoadMethods>).call('load', { ...target, url })),
    );
    const sum = (of: 'packages' | 'failed'): number => sent.reduce((total, one) => total + one[of], 0) * eventsAPackage;
    await landed.more(sum('packages'), sum('failed'));
    return sent;
  };
  try {
    for (let node = 0; node < nodes; node++)
      programs.push(await startProgram(system, join(dir, `node-${node}`), { env }));
    for (const program of programs) await program.warehouseIsUp();
    await send(warmUpPackages); // a cluster that has just begun may refuse some
    const before = await cpuOf(programs);
    const startedMs = performance.now();
    const sent = await send(packages);
    const seconds = (performance.now() - startedMs) / 1000;
    const used = (await cpuOf(programs)).map((cpu, i) => cpu - (before[i] as number));
    return measuredOf(used, seconds, sent);
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    await Promise.all(programs.map((program) => program.drain())); // else the next ones wait until they are given up
  }
}

function cpuOf(programs: readonly BenchProgram[]): Promise<readonly number[]> {
  return Promise.all(programs.map(({ pid }) => readCpuSeconds(pid)));
}

function measuredOf(used: readonly number[], seconds: number, sent: readonly LoadResult[]): NodesMeasured {
  const cpuSeconds = used.reduce((sum, one) => sum + one, 0);
  const events = sent.reduce((sum, one) => sum + one.packages, 0) * eventsAPackage;
  return {
    cpuSecondsAMillion: (cpuSeconds / events) * 1e6,
    smallestShare: Math.min(...used) / cpuSeconds,
    eventsPerSecond: events / seconds,
    failed: sent.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** Waits for rows in the table, which keeps those of earlier rounds. */
class LandedRows {
  readonly #url: string;
  readonly #table: string;
  #expected = 0;
  #perhaps = 0;

  static async of(system: string, env: BenchSettings): Promise<LandedRows> {
    const { pipeline } = await loadApp(benchConfig(system, '.', env));
    return new LandedRows(env['DATABASE_URL'] ?? '', tableOf(pipeline).name);
  }

  private constructor(url: string, table: string) {
    this.#url = url;
    this.#table = table;
  }

  /**
   * @param refused rows that may land all the same: of some it is not known whether they were stored
   * @throws where there are more, or too few after five minutes
   */
  async more(rows: number, refused: number): Promise<void> {
    this.#expected += rows;
    this.#perhaps += refused;
    const client = new Client({ connectionString: this.#url });
    await client.connect();
    try {
      const deadlineMs = performance.now() + landLimitMs;
      for (;;) {
        const landed = await this.#count(client);
        const isTooMuch = landed > this.#expected + this.#perhaps;
        if (landed >= this.#expected && !isTooMuch) return;
        if (isTooMuch || performance.now() > deadlineMs)
          throw new Error(`${landed} rows have landed of ${this.#expected} events`);
        await sleep(pollMs);
      }
    } finally {
      await client.end();
    }
  }

  async #count(client: Client): Promise<number> {
    const found = await client
      .query<{ count: string }>(`SELECT count(*) FROM ${escapeIdentifier(this.#table)}`)
      .catch((error: DatabaseError) => {
        if (error.code === '42P01') return undefined; // the processor has not made it yet
        throw error;
      });
    return Number(found?.rows[0]?.count ?? 0);
  }
}

function summary(events: number, measured: Readonly<Record<'one' | 'two', readonly NodesMeasured[]>>): NodesResult {
  const { one, two } = measured;
  const ratio = median(two.map((of, i) => of.cpuSecondsAMillion / (one[i] as NodesMeasured).cpuSecondsAMillion));
  return {
    events,
    rounds: one.length,
    one: medians(one),
    two: medians(two),
    ratio,
    goal,
    met: ratio <= goal,
    sound: true, // an event that does not land, or lands twice, ends the run
  };
}

function medians(rounds: readonly NodesMeasured[]): NodesMeasured {
  return {
    cpuSecondsAMillion: median(rounds.map((round) => round.cpuSecondsAMillion)),
    smallestShare: median(rounds.map((round) => round.smallestShare)),
    eventsPerSecond: median(rounds.map((round) => round.eventsPerSecond)),
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
  };
}
