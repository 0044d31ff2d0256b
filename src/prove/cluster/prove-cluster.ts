/**
 * The crash proof on real servers: two nodes, three brokers and all other servers of the cluster engine are killed, frozen, silenced and
 * cut off at random, one or two at a time, under load. Then all is healed, drained and compared.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Proof } from '../prove.ts';
import { type MemoryThirds, MemorySamples } from './memory-samples.ts';
import { planRounds } from './plan.ts';
import { Trial, type TrialOptions } from './trial.ts';

export interface ClusterProofOptions extends Omit<TrialOptions, 'nodes'> {
  /** How many faults. */
  readonly kills: number;
  readonly onKill: (done: number) => void;
}

export interface ClusterProof extends Proof {
  /** Starts of nodes that ended before they took events, as where no broker answered; they were started again. */
  readonly failedStarts: number;
  /** Attempts of producers that brought no 200, by what came instead. */
  readonly unanswered: Readonly<Record<string, number>>;
  readonly memory: MemoryThirds | undefined;
}

export const nodeCount = 2;

export async function proveCluster(options: ClusterProofOptions): Promise<ClusterProof> {
  const startedMs = performance.now();
  const { seed, dir } = options;
  const trial = await Trial.start({ ...options, nodes: nodeCount });
  const memory = new MemorySamples(() => trial.nodes.map(({ pid }) => pid));
  try {
    const load = trial.startLoad();
    const kills = await strikeOften(trial, options);
    await trial.land();
    if (trial.failures.length === 0) await trial.look();
    const thirds = memory.end();
    await trial.drainNodes();
    const verdict = await trial.compare();
    const { deliveries: packages, resent, unanswered } = load;
    const failedStarts = trial.nodes.reduce((sum, node) => sum + node.failedStarts, 0);
    const seconds = (performance.now() - startedMs) / 1000;
    const { sends, counts, acknowledged } = trial.subject;
    const sent = { sends, packages, acknowledged, resent, unanswered };
    const proof = {
      ...verdict,
      ...sent,
      seed,
      kills,
      counts,
      failedStarts,
      memory: thirds,
      failures: trial.failures,
      seconds,
    };
    await writeFile(join(dir, 'proof.json'), JSON.stringify(proof, null, 2));
    return proof;
  } finally {
    memory.end();
    await trial.close();
  }
}

/** Ends with the first failure, so that what is kept shows it. Answers how often which fault came. */
async function strikeOften(
  trial: Trial,
  { kills, seed, onKill }: ClusterProofOptions,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  let done = 0;
  for (const round of planRounds(kills, seed)) {
    await trial.strike(round);
    for (const { kind } of round) counts[kind] = (counts[kind] ?? 0) + 1;
    onKill((done += round.length));
    if (trial.failures.length > 0) break;
  }
  return counts;
}
