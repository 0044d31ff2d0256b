/**
 * The status of each dead letter: a view of the topic `tributary.repairs`, kept in the keyed state by the process that serves
 * (repairs.ts). It outlives the log's retention. Other processes read it with what the log holds beyond it.
 */
import type { LogReader, LogRecord } from '../log/log.ts';
import { readPages } from '../log/read-pages.ts';
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import { type LetterStatus, readRepair, repairsTopic, withRepair } from './repair.ts';

export interface RepairStatuses {
  /** Undefined for a letter of which nothing has been done. */
  status(letterId: string): Promise<LetterStatus | undefined>;
  /** The letter that was replayed as this event. */
  letterOfReplay(correlationId: string): Promise<string | undefined>;
  /** Replays whose correlation ids begin so, each with its letter. */
  replaysWith(prefix: string): Promise<readonly (readonly [as: string, letterId: string])[]>;
}

export const repairsAt = { topic: repairsTopic.name, partition: 0 } as const;

const readBytes = 1024 * 1024;

/** What the keyed state holds; the keys name the log, since another one has other letters. */
export class StoredStatuses implements RepairStatuses {
  readonly #state: StateStore;
  readonly #prefix: string;

  constructor(state: StateStore, logId: string) {
    this.#state = state;
    this.#prefix = `repairs/${logId}`;
  }

  async status(letterId: string): Promise<LetterStatus | undefined> {
    const stored = await this.#state.get(this.#letterKey(letterId));
    return stored && (JSON.parse(stored.toString()) as LetterStatus);
  }

  async letterOfReplay(correlationId: string): Promise<string | undefined> {
    return (await this.#state.get(this.#replayKey(correlationId)))?.toString();
  }

  async replaysWith(prefix: string): Promise<readonly (readonly [as: string, letterId: string])[]> {
    const found: (readonly [string, string])[] = [];
    const start = this.#replayKey('').length;
    for await (const [key, letterId] of this.#state.entries(this.#replayKey(prefix)))
      found.push([key.slice(start), letterId.toString()]);
    return found;
  }

  /** Repairs below this offset are part of it. */
  async next(): Promise<number> {
    return Number((await this.#state.get(`${this.#prefix}/next`))?.toString() ?? 0);
  }

  /** False, and nothing is changed, where repairs up to another offset than `from` are part of it. */
  async store({ letters, replays }: Changes, { from, to }: { from: number; to: number }): Promise<boolean> {
    const key = `${this.#prefix}/next`;
    const put: StatePut[] = [{ key, value: Buffer.from(String(to)) }];
    const expect = [{ key, value: from === 0 ? undefined : Buffer.from(String(from)) }];
    for (const [id, status] of letters)
      put.push({ key: this.#letterKey(id), value: Buffer.from(JSON.stringify(status)) });
    for (const [as, id] of replays) put.push({ key: this.#replayKey(as), value: Buffer.from(id) });
    return this.#state.commit({ expect, put });
  }

  #letterKey(letterId: string): string {
    return `${this.#prefix}/letter/${letterId}`;
  }

  #replayKey(correlationId: string): string {
    return `${this.#prefix}/replay/${correlationId}`;
  }
}

export interface Changes {
  readonly letters: Map<string, LetterStatus>;
  /** Letters by the events that they were replayed as. */
  readonly replays: Map<string, string>;
}

export function noChanges(): Changes {
  return { letters: new Map(), replays: new Map() };
}

/** Adds what the records say to `changes`, which come on top of `stored`. */
export async function addRepairs(changes: Changes, stored: StoredStatuses, records: readonly LogRecord[]) {
  for (const record of records) {
    const repair = readRepair(record);
    if (repair === undefined || record.key === null) continue;
    const before = changes.letters.get(record.key) ?? (await stored.status(record.key));
    changes.letters.set(record.key, withRepair(before, repair, record));
    if (repair.kind === 'replay') changes.replays.set(repair.as, record.key);
  }
}

/** For other processes than the one that serves: as the log had it when this was called. */
export async function readStatuses(log: LogReader, state: StateStore): Promise<RepairStatuses> {
  const stored = new StoredStatuses(state, log.id);
  const ahead = noChanges();
  const isThere = (await log.topics()).some(({ name }) => name === repairsTopic.name);
  if (isThere) {
    const { start, end } = await log.range(repairsAt);
    const left = { start: Math.max(start, await stored.next()), end };
    for await (const { records } of readPages(log, repairsAt, left, readBytes))
      await addRepairs(ahead, stored, records);
  }
  return {
    status: async (letterId) => ahead.letters.get(letterId) ?? stored.status(letterId),
    letterOfReplay: async (id) => ahead.replays.get(id) ?? stored.letterOfReplay(id),
    replaysWith: async (prefix) => {
      const newest = [...ahead.replays].filter(([as]) => as.startsWith(prefix));
      return [...new Map([...(await stored.replaysWith(prefix)), ...newest])];
    },
  };
}
