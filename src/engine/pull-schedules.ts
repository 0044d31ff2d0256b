/**
 * Pulls that have a schedule, while a server runs: each by its times, one run at a time; what a stop interrupted goes on at the next
 * start. A run that does not come to its end is told, and goes on at the next time.
 *
 * Of nodes that share log, state and objects one pulls at each time; where they share only the log, none does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cron } from 'croner';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { isFault } from '../errors.ts';
import type { Pull } from '../pipeline/pulls.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { pullsObserver } from '../telemetry/pulls-observer.ts';
import { pullInEngine, pullsTogether, runsOf } from './pulls.ts';

export interface PullSchedulesOptions {
  readonly config: Pick<Config, 'dataDir' | 'kafkaBrokers' | 'databaseUrl' | 'objects'>;
  readonly pulls: readonly Pull[];
  readonly objects: ObjectStore;
  readonly state: StateStore;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Clocks are set, also back, and timers end at 2^31 ms: it is looked again after so long. */
const longestSleepMs = 60_000;

export class PullSchedules {
  readonly #options: PullSchedulesOptions;
  readonly #isTogether: boolean;
  readonly #stopping = new AbortController();
  readonly #running: readonly Promise<void>[];

  private constructor(options: PullSchedulesOptions) {
    this.#options = options;
    this.#isTogether = pullsTogether(options.config);
    const scheduled = options.pulls.filter(({ schedule }) => schedule !== undefined);
    this.#running = this.#isKept(scheduled) ? scheduled.map((pull) => this.#keep(pull)) : [];
  }

  static start(options: PullSchedulesOptions): PullSchedules {
    return new PullSchedules(options);
  }

  /** Runs under way stop where they are (D8). */
  async drain(): Promise<void> {
    this.#stopping.abort(new Error('the server stops'));
    await Promise.all(this.#running);
  }

  #isKept(scheduled: readonly Pull[]): boolean {
    const { config, logger } = this.#options;
    if (!config.kafkaBrokers || this.#isTogether) return true;
    const pulls = scheduled.map(({ name }) => name);
    const why = 'schedules are not kept where nodes share a log, but not database and bucket: run tributary pull';
    if (pulls.length > 0) logger.warn({ pulls }, why);
    return false;
  }

  async #keep(pull: Pull): Promise<void> {
    const { signal } = this.#stopping;
    await this.#pull(pull);
    const cron = new Cron(pull.schedule as string, { timezone: 'UTC' });
    for (let nowMs = Date.now(); !signal.aborted;) {
      const dueMs = cron.nextRun(new Date(nowMs))?.getTime();
      if (dueMs === undefined) return;
      await sleep(Math.min(dueMs - nowMs, longestSleepMs), undefined, { signal }).catch(() => undefined);
      nowMs = Date.now();
      if (nowMs < dueMs || signal.aborted) continue;
      await this.#pull(pull, dueMs);
      nowMs = Date.now();
    }
  }

  /** @param dueMs undefined: only what was interrupted */
  async #pull(pull: Pull, dueMs?: number): Promise<void> {
    const { config, objects, metrics, logger } = this.#options;
    const state = this.#isTogether ? this.#options.state : undefined;
    const { signal } = this.#stopping;
    const observer = pullsObserver(pull.name, metrics, logger);
    try {
      if (dueMs === undefined && !wasInterrupted(pull, config.dataDir)) return;
      const about = { dataDir: config.dataDir, objects, state, dueMs, observer, signal };
      observer.done(await pullInEngine(pull, about));
    } catch (error) {
      const isOthers = this.#isTogether && isFault(error, 'PULL_UNDER_WAY');
      if (!signal.aborted && !isOthers) observer.failed(error);
    }
  }
}

function wasInterrupted(pull: Pull, dataDir: string): boolean {
  const [last] = runsOf([pull], dataDir, 1);
  return last?.state === 'fetching' || last?.state === 'fetched';
}
