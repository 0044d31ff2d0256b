/** What the proof does to servers and nodes. Each fault resolves when what it struck is back. */
import { cp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Random } from '../random.ts';
import type { Cluster, ProxiedPart } from './cluster.ts';
import type { ClusterNode } from './cluster-node.ts';
import { type Part, partNames } from './parts.ts';

export interface Struck {
  readonly cluster: Cluster;
  readonly nodes: readonly ClusterNode[];
  readonly random: Random;
  /** How long what is struck stays away. */
  readonly awayMs: number;
  /** Nothing else is struck meanwhile. */
  readonly isAlone: boolean;
  readonly onFailure: (text: string) => void;
}

interface FaultKind {
  /** Two faults at once have different ones. */
  readonly target: 'nodes' | 'kafka' | Part;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  readonly strike: (struck: Struck) => Promise<void>;
}

/** Longer than the transaction of a node lives, and its membership of a consumer group: others have taken over when it goes on. */
const frozenMs = 12_000;
/** Beyond the limit that the program sets itself. */
const drainLimitMs = 60_000;
/** From within the first bytes of a request to beyond the largest object. */
const cutAfterAtMostBytes = 200_000;

export const faults: Readonly<Record<string, FaultKind>> = {
  'node killed': { target: 'nodes', weight: 5, strike: killNode },
  'node killed as it starts': { target: 'nodes', weight: 3, strike: killStartingNode },
  'all nodes killed': { target: 'nodes', weight: 2, strike: killNodes },
  'node frozen': { target: 'nodes', weight: 2, strike: freezeNode },
  'nodes restarted in turn': { target: 'nodes', weight: 2, strike: restartNodes },
  'broker killed': { target: 'kafka', weight: 3, strike: killBroker },
  'broker frozen': { target: 'kafka', weight: 1, strike: freezeBroker },
  'all brokers killed': { target: 'kafka', weight: 1, strike: killBrokers },
  ...Object.fromEntries(partNames.flatMap((part) => Object.entries(faultsOf(part)))),
  ...(partNames.includes('redis') && { 'redis set back': { target: 'redis', weight: 2, strike: setRedisBack } }),
};

function faultsOf(target: Part): Readonly<Record<string, FaultKind>> {
  const on =
    (strike: (part: ProxiedPart, struck: Struck) => Promise<void>) =>
    (struck: Struck): Promise<void> =>
      strike(struck.cluster.parts.get(target) as ProxiedPart, struck);
  return {
    [`${target} killed`]: { target, weight: 1, strike: on(killPart) },
    [`${target} silent`]: { target, weight: 1, strike: on(silencePart) },
    [`${target} cut off`]: { target, weight: 2, strike: on(cutPart) },
  };
}

async function killNode({ nodes, random, awayMs }: Struck): Promise<void> {
  const node = oneOf(nodes, random);
  await node.kill();
  if (random() < 0.5) await sleep(awayMs);
  await node.start();
}

async function killStartingNode({ nodes, random }: Struck): Promise<void> {
  const node = oneOf(nodes, random);
  await node.kill();
  const starting = node.start();
  await sleep(random() * 1_500);
  await node.kill();
  await starting;
  await node.start();
}

async function killNodes({ nodes }: Struck): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
  await Promise.all(nodes.map((node) => node.start()));
}

async function freezeNode({ nodes, random, awayMs }: Struck): Promise<void> {
  const node = oneOf(nodes, random);
  node.freeze();
  await sleep(Math.max(frozenMs, awayMs));
  node.thaw();
}

/** A drain that another fault holds up may come to its limit: what is left lands later. */
async function restartNodes({ nodes, isAlone, onFailure }: Struck): Promise<void> {
  for (const node of nodes) {
    const code = await node.drain(drainLimitMs);
    if (code === null) onFailure(`${node.name} did not end within ${drainLimitMs / 1000} s of SIGTERM`);
    else if (code !== 0 && isAlone) onFailure(`${node.name} ended with ${code} after SIGTERM`);
    await node.start();
  }
}

async function killBroker({ cluster, random, awayMs }: Struck): Promise<void> {
  const broker = oneOf(cluster.brokers, random);
  await broker.down('SIGKILL');
  await sleep(awayMs);
  await broker.up();
}

async function freezeBroker({ cluster, random, awayMs }: Struck): Promise<void> {
  const broker = oneOf(cluster.brokers, random);
  const pid = await broker.pid();
  if (pid === undefined) throw new Error(`${broker.dir}: the broker has ended`);
  process.kill(pid, 'SIGSTOP');
  await sleep(awayMs);
  process.kill(pid, 'SIGCONT');
}

async function killBrokers({ cluster, awayMs }: Struck): Promise<void> {
  await Promise.all(cluster.brokers.map((broker) => broker.down('SIGKILL')));
  await sleep(awayMs);
  await Promise.all(cluster.brokers.map((broker) => broker.up()));
}

async function killPart({ service }: ProxiedPart, { awayMs }: Struck): Promise<void> {
  await service.down('SIGKILL');
  await sleep(awayMs);
  await service.up();
}

async function silencePart({ proxy }: ProxiedPart, { awayMs }: Struck): Promise<void> {
  proxy.stall();
  await sleep(awayMs);
  proxy.goOn();
}

async function cutPart({ proxy }: ProxiedPart, { random, awayMs }: Struck): Promise<void> {
  proxy.cut(() => Math.floor(cutAfterAtMostBytes ** random()));
  await sleep(awayMs);
  proxy.cut(undefined);
}

/** What it has written in its last second is lost, as `appendfsync everysec` allows. */
async function setRedisBack({ cluster, awayMs }: Struck): Promise<void> {
  const { service } = cluster.parts.get('redis') as ProxiedPart;
  const live = join(service.dir, 'appendonlydir');
  const copy = join(service.dir, 'a-second-ago');
  await copyWhole(live, copy);
  await sleep(1_000);
  await service.down('SIGKILL');
  await rm(live, { recursive: true });
  await rename(copy, live);
  await sleep(awayMs);
  await service.up();
}

/** Redis may replace its files meanwhile. */
async function copyWhole(from: string, to: string): Promise<void> {
  for (;;) {
    await rm(to, { recursive: true, force: true });
    const before = await readFile(join(from, 'appendonly.aof.manifest'), 'utf8');
    const isCopied = await cp(from, to, { recursive: true }).then(
      () => true,
      () => false,
    );
    if (isCopied && before === (await readFile(join(from, 'appendonly.aof.manifest'), 'utf8'))) return;
  }
}

function oneOf<T>(all: readonly T[], random: Random): T {
  return all[between(random, 0, all.length - 1)] as T;
}
