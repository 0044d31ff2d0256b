/**
 * Whether the warehouse works, as those who use it have last seen it: it is up until an attempt on it fails or does not end,
 * and again when the same one's next attempt has worked. While nobody tries, nothing is known to be wrong.
 */
import { isFault, reasonOf } from '../errors.ts';
import type { Sink, SinkPartition } from '../sinks/sink.ts';

interface Seen {
  /** Of the attempt under way, Unix milliseconds. */
  startedMs?: number;
  failed?: { readonly sinceMs: number; readonly reason: string };
}

/** A batch takes less than a second; getting a connection has this limit too. */
const slowAfterMs = 10_000;

export class WarehouseStatus {
  readonly #seen = new Map<string, Seen>();
  readonly #secrets: readonly string[];
  readonly #now: () => number;
  #isOpen = false;

  /** @param databaseUrl whose passwords are never shown */
  constructor(databaseUrl: string | undefined, now: () => number = Date.now) {
    this.#secrets = secretsOf(databaseUrl);
    this.#now = now;
  }

  /** It has been up once. */
  opened(): void {
    this.#isOpen = true;
  }

  /** @param who whose attempt: another one's success says nothing of it */
  async attempt<T>(who: string, work: () => Promise<T>): Promise<T> {
    const seen = this.#seen.get(who) ?? {};
    this.#seen.set(who, seen);
    seen.startedMs = this.#now();
    try {
      const result = await work();
      delete seen.failed;
      return result;
    } catch (error) {
      // A stale owner got an answer: nothing is wrong with the warehouse.
      if (isFault(error, 'CHECKPOINT_STALE')) delete seen.failed;
      else seen.failed = { sinceMs: seen.failed?.sinceMs ?? seen.startedMs, reason: this.#shown(error) };
      throw error;
    } finally {
      delete seen.startedMs;
    }
  }

  /** `up`, or what is not as it should be, since when. */
  toString(): string {
    const waiting = 'events wait in the log';
    const failed = [...this.#seen.values()].flatMap((seen) => seen.failed ?? []).toSorted(bySince)[0];
    if (failed) return `not working since ${isoTime(failed.sinceMs)}: ${failed.reason}; ${waiting}`;
    const oldestMs = Math.min(...[...this.#seen.values()].map(({ startedMs }) => startedMs ?? Infinity));
    if (this.#now() - oldestMs > slowAfterMs) return `no answer since ${isoTime(oldestMs)}; ${waiting}`;
    return this.#isOpen ? 'up' : `not up yet; ${waiting}`;
  }

  /** On one line, without passwords. */
  #shown(error: unknown): string {
    const text = reasonOf(error).replaceAll(/\s+/g, ' ');
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  }
}

/** Every call of the sink that reaches the warehouse is an attempt, each partition's for itself. */
export function watchedSink<E>(sink: Sink<E>, pipeline: string, status: WarehouseStatus): Sink<E> {
  return {
    name: sink.name,
    open: async (at) => {
      const who = `${pipeline} ${sink.name} ${at.topic} ${at.partition}`;
      const partition = await status.attempt(who, () => sink.open(at));
      return watchedPartition(partition, (work) => status.attempt(who, work));
    },
  };
}

function watchedPartition<E>(
  partition: SinkPartition<E>,
  attempt: <T>(work: () => Promise<T>) => Promise<T>,
): SinkPartition<E> {
  const { next } = partition;
  return {
    next,
    ...(partition.landAgain && { landAgain: () => attempt(async () => partition.landAgain?.()) }),
    batch: () => {
      const batch = partition.batch();
      return {
        add: (offset, event) => batch.add(offset, event),
        removeLast: () => batch.removeLast(),
        clear: () => batch.clear(),
        stage: async (range, earlierPlan) => {
          const staged = await attempt(() => batch.stage(range, earlierPlan));
          return { ...staged, commit: () => attempt(() => staged.commit()) };
        },
      };
    },
    close: () => partition.close(),
  };
}

function secretsOf(databaseUrl: string | undefined): readonly string[] {
  const url = URL.parse(databaseUrl ?? '');
  if (!databaseUrl || !url) return databaseUrl ? [databaseUrl] : [];
  const given = [url.password, url.searchParams.get('password'), url.searchParams.get('sslpassword')];
  const passwords = given.filter((password) => password !== null && password !== '') as string[];
  return [databaseUrl, ...passwords, ...passwords.map((password) => decoded(password))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that encodes nothing stands for itself
  }
}

function bySince(a: { readonly sinceMs: number }, b: { readonly sinceMs: number }): number {
  return a.sinceMs - b.sinceMs;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
