/**
 * A pull of users beside a bare loop of `fetch` that believes all that it is told and writes the same lines: from an API that answers at
 * once, which shows what the pull itself takes, and from one that takes 20 ms a page, which shows what pages at once are worth. Each in a
 * process of its own, taking turns: a ratio is the median of the ratios of neighbouring rounds.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { median } from '../median.ts';
import type { Pulled, PullMethods } from './pull-process.ts';
import type { ApiMethods } from './server-process.ts';

export interface PullsResult {
  readonly rounds: number;
  readonly apis: readonly PulledApi[];
  readonly met: boolean;
  /** All have written the same. */
  readonly sound: boolean;
}

export interface PulledApi {
  readonly name: string;
  readonly items: number;
  readonly ways: readonly PulledWay[];
}

export interface PulledWay {
  readonly name: string;
  readonly itemsPerSecond: number;
  /** Of one item, in all threads of the process, without its start. */
  readonly cpuMicros: number;
  /** Undefined where the system does not tell. */
  readonly peakRssBytes: number | undefined;
  /** Its rate as a share of the loop's; undefined for that one. */
  readonly ofLoop: number | undefined;
  /** The loop's processor time as a share of its own. */
  readonly cpuOfLoop: number | undefined;
  readonly goal: number | undefined;
}

interface Way {
  readonly name: string;
  readonly method: 'loop' | 'pull';
  /** Default: as the system's own pull has it. */
  readonly parallel?: number;
  readonly goal?: number;
}

interface Api {
  readonly name: string;
  readonly path: string;
  readonly items: number;
  readonly ways: readonly Way[];
}

const loop: Way = { name: 'bare loop of fetch', method: 'loop' };

function apisOf({ quick, rows = 200_000 }: PartOptions): readonly Api[] {
  const items = quick ? 2_000 : rows;
  const atOnce: Way[] = [
    loop,
    { name: 'pull, one page at a time', method: 'pull', parallel: 1, goal: 0.9 },
    { name: 'pull, as the system has it', method: 'pull' },
  ];
  const slow: Way[] = [
    loop,
    { name: 'pull, one page at a time', method: 'pull', parallel: 1 },
    { name: 'pull, as the system has it', method: 'pull', goal: 4 },
  ];
  return [
    { name: 'that answers at once', path: 'at-once/', items, ways: atOnce },
    { name: 'that takes 20 ms a page', path: 'slow/', items: Math.ceil(items / 5), ways: slow },
  ];
}

export async function benchPulls(options: PartOptions): Promise<PullsResult> {
  const rounds = options.quick ? 1 : 5;
  const measured: { readonly api: PulledApi; readonly isSame: boolean }[] = [];
  for (const api of apisOf(options)) measured.push(await benchApi(api, rounds, options));
  const ways = measured.flatMap(({ api }) => api.ways);
  return {
    rounds,
    apis: measured.map(({ api }) => api),
    met: ways.every(({ ofLoop = 0, goal }) => goal === undefined || ofLoop >= goal),
    sound: measured.every(({ isSame }) => isSame),
  };
}

type Round = Pulled & { readonly peakRssBytes: number | undefined };

async function benchApi({ name, path, items, ways }: Api, rounds: number, options: PartOptions) {
  const server = new Child<ApiMethods>(join(import.meta.dirname, 'server-process.ts'));
  const all = ways.map((): Round[] => []);
  try {
    const url = await server.call('start', { items });
    for (let round = 0; round < rounds; round++)
      for (const [index, way] of ways.entries()) {
        options.onStep(`pulls, an API ${name}, ${way.name}`);
        all[index]?.push(await inChild(way, `${url}${path}`, options));
      }
  } finally {
    await server.stop();
  }
  const [bare = []] = all;
  const isSame = new Set(all.flat().map(({ sha256 }) => sha256)).size === 1;
  const measured = ways.map((way, index) => measuredOf(way, items, all[index] ?? [], bare));
  return { api: { name, items, ways: measured }, isSame };
}

async function inChild({ method, parallel }: Way, base: string, { system, dir }: PartOptions): Promise<Round> {
  const env = { MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=8' }; // as the program has it
  const child = new Child<PullMethods>(join(import.meta.dirname, 'pull-process.ts'), env);
  const own = join(dir, 'pull');
  await mkdir(own);
  try {
    const pulled = await child.call(method, { system, base, dir: own, ...(parallel !== undefined && { parallel }) });
    return { ...pulled, peakRssBytes: (await child.call('memory', undefined))?.peakRssBytes };
  } finally {
    await child.stop();
    await rm(own, { recursive: true });
  }
}

function measuredOf(
  { name, method, goal }: Way,
  items: number,
  all: readonly Round[],
  bare: readonly Round[],
): PulledWay {
  const ratioBy = (value: (one: Round) => number): number | undefined =>
    method === 'loop' ? undefined : median(all.map((one, round) => value(bare[round] as Round) / value(one)));
  return {
    name,
    itemsPerSecond: items / median(all.map(({ seconds }) => seconds)),
    cpuMicros: (median(all.map(({ cpuSeconds }) => cpuSeconds)) / items) * 1e6,
    peakRssBytes: all.reduce<number | undefined>(
      (most, one) => one.peakRssBytes && Math.max(most ?? 0, one.peakRssBytes),
      undefined,
    ),
    ofLoop: ratioBy(({ seconds }) => seconds),
    cpuOfLoop: ratioBy(({ cpuSeconds }) => cpuSeconds),
    goal,
  };
}
