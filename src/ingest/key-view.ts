/**
 * The view of idempotency keys: what the topic `tributary.idempotency` comes to, kept in the views' store by every process that serves.
 *
 * - Of the records of a key within a day the first counts; the packages of the others are void, and their marks are kept for good.
 * - Entries and the position in the log that they stand for change in one commit, which expects the position that it goes on from. So the
 *   entries follow from the position, whoever wrote them: a store that has gone back, or was emptied, is brought up to date again from
 *   where it says that it is (D5).
 * - Whoever looks something up reads the position with it, and gets an answer only from a view that is as far as this process has
 *   ever known it to be.
 */
import { Fault, isFault } from '../errors.ts';
import type { Log, LogRecord, Page, PartitionOffset } from '../log/log.ts';
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import { isSecond, type KnownKey, ViewKeys } from './key-entries.ts';

export const idempotencyTopic = { name: 'tributary.idempotency', partitions: 1 } as const;
export const idempotencyAt = { topic: idempotencyTopic.name, partition: 0 } as const;

const readBytes = 1024 * 1024;

export interface KeyViewOptions {
  readonly log: Log;
  readonly views: StateStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Told of records when they are read, perhaps more than once, and again when the view has them. Must not throw. */
  readonly onRecords: (records: readonly LogRecord[], areInView: boolean) => void;
}

export interface Found {
  readonly known?: KnownKey;
  /** More than a day ago, by this process's clock; what counts is the log's. */
  readonly before?: KnownKey;
  readonly position: number;
}

export class KeyView {
  readonly #log: Log;
  readonly #views: StateStore;
  readonly #now: () => number;
  readonly #onRecords: KeyViewOptions['onRecords'];
  readonly #keys: ViewKeys;
  /** Where this process reads on; undefined where it has to ask the store for that first. */
  #next: number | undefined;
  /** Records below it were told to be in the view. */
  #told: number | undefined;
  /** The store's position, as it was last seen; -1 where it has none. */
  #position = -1;
  #stored: Buffer | undefined;
  /** Where the log begins: what a store without a position stands for. */
  #start = 0;
  /** The view has been so far, or has to come so far, before it can be asked. */
  #atLeast = Infinity;
  #advancing: Promise<void> | undefined;

  constructor({ log, views, now, onRecords }: KeyViewOptions) {
    this.#log = log;
    this.#views = views;
    this.#now = now;
    this.#onRecords = onRecords;
    this.#keys = new ViewKeys(log.id); // another log has not stored what this one has answered
  }

  /** Everything below it is in the view, as far as this process knows; the log must keep the rest. */
  get progress(): PartitionOffset {
    return { ...idempotencyAt, offset: this.#next ?? 0 };
  }

  /** What is known of the key, and up to which offset the view has the log. @throws Fault STATE_UNAVAILABLE, LOG_UNAVAILABLE */
  async find(key: string, patience: AbortSignal): Promise<Found> {
    const { position, values } = await this.#read([this.#keys.first(key)], 0, patience);
    if (values[0] === undefined) return { position };
    const first = JSON.parse(values[0].toString()) as KnownKey;
    return isSecond(first, this.#now()) ? { known: first, position } : { before: first, position };
  }

  /** Of these packages, of which the log has records already, those that are void. @throws Fault STATE_UNAVAILABLE, LOG_UNAVAILABLE */
  async voidAmong(packageIds: readonly string[], patience: AbortSignal): Promise<ReadonlySet<string>> {
    // What was written in one go with those records is below it, also where it is not shown yet.
    const written = (await this.#log.writtenEnd?.(idempotencyAt)) ?? 0;
    const { values } = await this.#read(
      packageIds.map((id) => this.#keys.void(id)),
      written,
      patience,
    );
    return new Set(packageIds.filter((_, index) => values[index] !== undefined));
  }

  /** From now on nothing is told before the view has all that is in the log by now. */
  async coverAll(): Promise<void> {
    const { end } = await this.#log.range(idempotencyAt);
    this.#atLeast = this.#atLeast === Infinity ? end : Math.max(this.#atLeast, end);
  }

  /** Resolves when the view has what the log had when this was called. */
  async catchUp(): Promise<void> {
    const { end } = await this.#log.range(idempotencyAt);
    while ((this.#next ?? -1) < end) await this.advance();
  }

  /** Resolves when there is something to advance to. */
  async more(signal: AbortSignal): Promise<void> {
    if (this.#next !== undefined) await this.#log.waitPast(idempotencyAt, this.#next, signal);
  }

  /** A page further; one at a time. */
  advance(): Promise<void> {
    this.#advancing ??= this.#readOn().finally(() => (this.#advancing = undefined));
    return this.#advancing;
  }

  /** Values from a view that has everything below `needed`, and below what it is known to have had. */
  async #read(keys: readonly string[], needed: number, patience: AbortSignal) {
    for (;;) {
      const [raw, ...values] = await this.#views.getAll([this.#keys.position, ...keys]);
      const position = positionIn(raw) ?? this.#start;
      if (position >= Math.max(this.#atLeast, needed)) {
        this.#atLeast = position;
        return { position, values };
      }
      if (this.#next !== undefined && position < this.#next) this.#next = undefined; // it has gone back
      await this.#comeOn(patience, Math.max(this.#atLeast, needed));
    }
  }

  async #comeOn(patience: AbortSignal, needed: number): Promise<void> {
    try {
      patience.throwIfAborted();
      const before = this.#next;
      await this.advance();
      if (before !== undefined && before === this.#next) await this.more(patience);
    } catch (error) {
      if (error !== patience.reason) throw error;
      const message = `the view of idempotency keys is at offset ${this.#next}, and has to come to ${needed} first`;
      throw new Fault('STATE_UNAVAILABLE', message);
    }
  }

  async #readOn(): Promise<void> {
    this.#next ??= await this.#findPlace();
    const from = this.#next;
    const page = await this.#page(from);
    this.#onRecords(page.records, false);
    if (page.next > from && !(await this.#store(page, from))) return; // read again from where the store is
    this.#next = page.next;
    this.#told = page.next;
    this.#atLeast = Math.max(this.#atLeast, page.next);
    this.#onRecords(page.records, true);
  }

  async #page(from: number): Promise<Page> {
    try {
      return await this.#log.read(idempotencyAt, from, { maxBytes: readBytes });
    } catch (error) {
      if (isFault(error, 'OFFSET_OUT_OF_RANGE')) this.#next = undefined; // the log begins later by now
      throw error;
    }
  }

  /**
   * Where the store is, if the log has it, or before it, where records are still to be told of; else where the log begins. The store is
   * asked first: others move it on, and what they have come to by then is not beyond the end.
   */
  async #findPlace(): Promise<number> {
    await this.#look();
    const { start, end } = await this.#log.range(idempotencyAt);
    this.#start = start;
    if (this.#atLeast === Infinity) this.#atLeast = end;
    if (this.#position > end) this.#position = -1; // the position in another topic, which had the same name
    return Math.max(Math.min(this.#position, this.#told ?? Infinity), start);
  }

  async #look(): Promise<void> {
    this.#stored = await this.#views.get(this.#keys.position);
    this.#position = positionIn(this.#stored) ?? -1;
  }

  /** False where the store is somewhere before the page. */
  async #store({ records, next }: Page, from: number): Promise<boolean> {
    for (;;) {
      if (this.#position >= next) return true; // another process has done it
      if (Math.max(this.#position, this.#start) < from) break;
      const value = Buffer.from(String(next));
      const expect = [{ key: this.#keys.position, value: this.#stored }];
      const put = [...(await this.#changes(records)), { key: this.#keys.position, value }];
      if (await this.#views.commit({ expect, put })) {
        this.#stored = value;
        this.#position = next;
        return true;
      }
      await this.#look();
    }
    this.#next = undefined; // the store has gone back
    return false;
  }

  /** Applying records again that are in the view already changes nothing. */
  async #changes(records: readonly LogRecord[]): Promise<readonly StatePut[]> {
    const names = [...new Set(records.map(({ key }) => this.#keys.first(String(key))))];
    const values = await this.#views.getAll(names);
    const known = new Map(names.map((name, index) => [name, values[index]] as const));
    const firsts = new Map<string, KnownKey>();
    for (const [name, value] of known) if (value) firsts.set(name, JSON.parse(value.toString()) as KnownKey);
    return this.#keys.apply(records, firsts, this.#now());
  }
}

function positionIn(raw: Buffer | undefined): number | undefined {
  return raw && Number(raw.toString());
}
