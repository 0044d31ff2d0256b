/** A pull, or a bare loop that writes the same lines, in a process of its own. */
import '../../src/cli/runtime.ts'; // first: as the program has it
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pullInEngine } from '../../src/engine/pulls.ts';
import { loadApps } from '../../src/engine/load-apps.ts';
import { pullsOf } from '../../src/pipeline/apps.ts';
import type { Pull } from '../../src/pipeline/pulls.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { answerParent } from '../child.ts';
import { benchConfig } from '../parts.ts';
import { type ProcessMemory, readMemory } from '../process-memory.ts';

export interface WhatToPull {
  readonly system: string;
  /** Of the API. */
  readonly base: string;
  /** Empty. */
  readonly dir: string;
  /** Default: the system's own. */
  readonly parallel?: number;
}

export interface Pulled {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of what was written. */
  readonly sha256: string;
}

async function pull({ system, base, dir, parallel }: WhatToPull): Promise<Pulled> {
  const found = pullsOf(await loadApps(benchConfig(system, dir))).find(({ pages }) => pages.kind === 'offset') as Pull;
  const pages = parallel === undefined ? found.pages : { ...found.pages, parallel };
  const one = { ...found, base, pages } as Pull;
  const objects = await openDirectoryStore({ dir: join(dir, 'objects') });
  return measured(async () => {
    const observer = { asked: () => {}, retried: () => {}, turned: () => {}, startedOver: () => {} };
    const { signal } = new AbortController();
    const run = await pullInEngine(one, { dataDir: dir, objects, observer, signal });
    return join(dir, 'objects', run.object as string);
  });
}

interface UsersPage {
  readonly users: readonly object[];
  readonly next_offset: number;
}

/** Believes all that it is told. */
async function loop({ base, dir }: WhatToPull): Promise<Pulled> {
  return measured(async () => {
    const path = join(dir, 'lines.json');
    const file = await open(path, 'w');
    for (let offset = 0; offset !== -1;) {
      const response = await fetch(`${base}users?offset=${offset}&limit=200`);
      const page = (await response.json()) as UsersPage;
      await file.write(page.users.map((user) => `${JSON.stringify(user)}\n`).join(''));
      offset = page.next_offset;
    }
    await file.close();
    return path;
  });
}

/** @param work answers the file that it has written */
async function measured(work: () => Promise<string>): Promise<Pulled> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const path = await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { seconds, cpuSeconds: (user + system) / 1e6, sha256: hash.digest('hex') };
}

function memory(): Promise<ProcessMemory | undefined> {
  return readMemory(process.pid);
}

const methods = { pull, loop, memory };
export type PullMethods = typeof methods;
answerParent(methods);
