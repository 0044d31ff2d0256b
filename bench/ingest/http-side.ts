/** A server, and a load generator, which several servers share, on its port. */
import { join } from 'node:path';
import { Child } from '../child.ts';
import type { Side, Until } from './contestant.ts';
import type { LoadMethods, LoadResult } from './load-process.ts';
import type { ServerMethods } from './server-process.ts';

type StartOptions = Parameters<ServerMethods['start']>[0];

export class HttpSide implements Side {
  readonly #start: StartOptions;
  readonly #load: Child<LoadMethods>;
  readonly #connections: number;
  readonly #child = new Child<ServerMethods>(join(import.meta.dirname, 'server-process.ts'));
  #url = '';

  constructor(start: StartOptions, load: Child<LoadMethods>, connections: number) {
    this.#start = start;
    this.#load = load;
    this.#connections = connections;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async start(): Promise<void> {
    this.#url = await this.#child.call('start', this.#start);
  }

  async round(eventsAPackage: number, until: Until): Promise<LoadResult & { readonly busy: number }> {
    await this.#child.call('beginRound', undefined);
    const { system } = this.#start;
    const target = { url: this.#url, system, eventsAPackage, connections: this.#connections, until };
    const result = await this.#load.call('load', target);
    return { ...result, busy: await this.#child.call('endRound', undefined) };
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
