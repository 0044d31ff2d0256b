/**
 * Ingest into Kafka beside the client's own producer, which is given the same records, and what transactions and HTTP cost of it. All
 * write into the same topic, of the same broker, and take turns: a ratio is the median of the ratios of neighbouring rounds.
 */
import { join } from 'node:path';
import { addressOf } from '../../../src/engine/kafka-engine-log.ts';
import type { PartOptions } from '../../bench.ts';
import { Child } from '../../child.ts';
import { Contestant, type Measured, type Side, type Until } from '../../ingest/contestant.ts';
import { HttpSide } from '../../ingest/http-side.ts';
import type { LoadMethods, LoadResult } from '../../ingest/load-process.ts';
import { median } from '../../median.ts';
import { startKafka } from '../servers.ts';
import type { SendMethods } from './send-process.ts';
import type { SenderKind } from './senders.ts';

/** `http`: the program's own server and ingest; the others are in `senders.ts`. */
export type Writer = 'http' | SenderKind;

export interface ClusterIngestRow {
  readonly eventsAPackage: number;
  readonly writers: Readonly<Record<Writer, Measured>>;
  /** Our log's events/s as a share of the client's. */
  readonly ofClient: number;
  /** The whole path's, HTTP and validation included. */
  readonly httpOfClient: number;
  /** Of the client's in a transaction a package. */
  readonly ofClientTransactions: number;
  /** Of our own without transactions: what is missing to 1 is what transactions cost. */
  readonly ofUntransacted: number;
  /** For `ofClient`. */
  readonly goal: number | undefined;
}

export interface ClusterIngestResult {
  /** That send at once, over HTTP and otherwise. */
  readonly connections: number;
  readonly rounds: number;
  readonly rows: readonly ClusterIngestRow[];
  readonly met: boolean;
  /** Every package was stored. */
  readonly sound: boolean;
}

const connections = 64;
/** The client, by which others are measured, between those that are. */
const writers: readonly Writer[] = ['http', 'client', 'log', 'untransacted', 'client-transactions'];
const goals = new Map([
  [100, 0.9],
  [1000, 0.9],
]);

interface Plan {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly until: Until;
  /** Before the first round of each size: compiles the code that it needs, and opens what it writes to. */
  readonly warmUp: Until;
}

/** 64 packages of 1,000 events may take 2 s, and what is under way at the end is not counted over HTTP. */
const usualPlan: Plan = { sizes: [1, 10, 100, 1000], rounds: 5, until: { seconds: 5 }, warmUp: { seconds: 2 } };
const quickPlan: Plan = {
  sizes: [1, 100],
  rounds: 1,
  until: { packages: 5 * connections },
  warmUp: { packages: connections },
};

export async function benchClusterIngest(options: PartOptions): Promise<ClusterIngestResult> {
  const plan = options.quick ? quickPlan : usualPlan;
  options.onStep('ingest, starting Kafka');
  const kafka = await startKafka(options.dir, 'little');
  const load = new Child<LoadMethods>(join(import.meta.dirname, '../../ingest/load-process.ts'));
  const contestants = writers.map((writer) => new Contestant(writer, sideOf(writer, options, kafka.address, load)));
  try {
    const rows: ClusterIngestRow[] = [];
    for (const contestant of contestants) await contestant.start();
    for (const size of plan.sizes) rows.push(await measureSize(size, plan, contestants, options));
    const measured = rows.flatMap((row) => Object.values(row.writers));
    return {
      connections,
      rounds: plan.rounds,
      rows,
      met: rows.every(({ ofClient, goal }) => goal === undefined || ofClient >= goal),
      sound: measured.every(({ failed }) => failed === 0),
    };
  } finally {
    await Promise.all([load, ...contestants].map((child) => child.stop()));
    await kafka.stop();
  }
}

function sideOf(writer: Writer, { system, dir }: PartOptions, kafka: string, load: Child<LoadMethods>): Side {
  const dataDir = join(dir, writer);
  if (writer !== 'http') return new SendSide(writer, { system, dataDir, kafka });
  const env = { KAFKA_BROKERS: kafka };
  return new HttpSide({ variant: 'durable', system, dataDir, env }, load, connections);
}

async function measureSize(
  size: number,
  plan: Plan,
  contestants: readonly Contestant<Writer>[],
  { onStep }: PartOptions,
): Promise<ClusterIngestRow> {
  onStep(`ingest, ${size} events a package`);
  for (const contestant of contestants) await contestant.warmUp(size, plan.warmUp);
  for (let round = 0; round < plan.rounds; round++)
    for (const contestant of contestants) await contestant.round(size, plan.until);
  const rates = Object.fromEntries(contestants.map(({ name, rates: own }) => [name, own])) as Record<Writer, number[]>;
  const ratio = (writer: Writer, to: Writer): number =>
    median(rates[writer].map((rate, i) => rate / (rates[to][i] as number)));
  const measured = await Promise.all(contestants.map(async (one) => [one.name, await one.measured()] as const));
  return {
    eventsAPackage: size,
    writers: Object.fromEntries(measured) as Record<Writer, Measured>,
    ofClient: ratio('log', 'client'),
    httpOfClient: ratio('http', 'client'),
    ofClientTransactions: ratio('log', 'client-transactions'),
    ofUntransacted: ratio('log', 'untransacted'),
    goal: goals.get(size),
  };
}

interface SendSettings {
  readonly system: string;
  readonly dataDir: string;
  /** Host and port. */
  readonly kafka: string;
}

/** One who writes without HTTP, and sends itself. */
class SendSide implements Side {
  readonly #kind: SenderKind;
  readonly #settings: SendSettings;
  readonly #child = new Child<SendMethods>(join(import.meta.dirname, 'send-process.ts'));

  constructor(kind: SenderKind, settings: SendSettings) {
    this.#kind = kind;
    this.#settings = settings;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async start(): Promise<void> {
    const { kafka, ...settings } = this.#settings;
    const about = { ...settings, kind: this.#kind, address: addressOf(kafka), senders: connections };
    await this.#child.call('start', about);
  }

  round(eventsAPackage: number, until: Until): Promise<LoadResult & { readonly busy: number }> {
    return this.#child.call('round', { eventsAPackage, until });
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
