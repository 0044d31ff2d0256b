/** One who writes packages to Kafka, in a process of its own: several send at once, each one package again and again. */
import '../../../src/cli/runtime.ts'; // first: as the program has it
import { createHistogram, performance } from 'node:perf_hooks';
import { answerParent } from '../../child.ts';
import type { LoadOptions, LoadResult } from '../../ingest/load-process.ts';
import { packageRecords } from './package-records.ts';
import { type Address, openSender, type Send, type Sender, type SenderKind } from './senders.ts';

interface StartOptions {
  readonly kind: SenderKind;
  readonly address: Address;
  readonly system: string;
  readonly dataDir: string;
  /** How many send at once. */
  readonly senders: number;
}

type RoundOptions = Pick<LoadOptions, 'eventsAPackage' | 'until'>;

let started: StartOptions | undefined;
const ready = { eventsAPackage: 0, sender: undefined as Sender | undefined, sends: [] as readonly Send[] };

function start(options: StartOptions): void {
  started = options;
}

/** Those of the size before are closed. */
async function prepare(eventsAPackage: number): Promise<readonly Send[]> {
  if (ready.eventsAPackage === eventsAPackage) return ready.sends;
  if (started === undefined) throw new Error('not started');
  await ready.sender?.close();
  const { kind, address, senders } = started;
  const packages = await packageRecords({ ...started, packages: senders, eventsAPackage });
  const sender = await openSender[kind](address);
  const sends = await Promise.all(packages.map((records) => sender.prepare(records)));
  return Object.assign(ready, { eventsAPackage, sender, sends }).sends;
}

async function round({ eventsAPackage, until }: RoundOptions): Promise<LoadResult & { readonly busy: number }> {
  const sends = await prepare(eventsAPackage);
  const latencies = createHistogram();
  const loopBefore = performance.eventLoopUtilization();
  const startedMs = performance.now();
  const isOver = endOf(until, startedMs);
  let stored = 0;
  await Promise.all(
    sends.map(async (send) => {
      while (!isOver()) {
        const sentMs = performance.now();
        await send();
        latencies.record(Math.max(1, Math.round((performance.now() - sentMs) * 1000)));
        stored += 1;
      }
    }),
  );
  return {
    seconds: (performance.now() - startedMs) / 1000,
    packages: stored,
    failed: 0, // one that fails ends the benchmark
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
    busy: performance.eventLoopUtilization(loopBefore).utilization,
  };
}

/** Asked before each package. */
function endOf(until: LoadOptions['until'], startedMs: number): () => boolean {
  if ('seconds' in until) return () => performance.now() - startedMs >= until.seconds * 1000;
  let left = until.packages;
  return () => left-- <= 0;
}

const methods = { start, round };
export type SendMethods = typeof methods;
answerParent(methods);
