/**
 * Deduplication within a partition (D5): of events with one key the first in the log lands. Its key is remembered with its offset, in the
 * same change of the keyed state that moves the checkpoint past it: a crash forgets both or neither, and whoever reads that event again
 * finds its own offset and goes on.
 *
 * Which events were duplicates is kept, too, for as long as the log has them: in the intent of a batch that is to be done again, and by
 * offset for events that land again (D9). So what is done again comes out the same when keys have been forgotten since.
 */
import { createHash } from 'node:crypto';
import { asReject, Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import type { RejectedEvent } from '../sinks/sink.ts';
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import { Filtered } from './convert.ts';
import { type ConsumerPartition, sortableOffset, stateKey } from './consumer-partition.ts';
import { FoundOffsets, type OffsetWindow } from './offset-window.ts';
import { type Converted, voided } from './void-packages.ts';

/** In place of an event whose key was seen before. */
export const duplicate = Symbol('duplicate');

export interface Deduplicating<Output> {
  readonly key: (event: Output) => string;
  readonly windowMs: number;
}

export interface DuplicatesOptions<Output> extends Deduplicating<Output> {
  readonly state: StateStore;
  readonly of: ConsumerPartition;
  readonly now?: () => number;
}

/** Offsets of events that count for nothing already, whatever their keys. */
export type Out = ReadonlySet<number>;

export class Duplicates<Output> {
  readonly #options: DuplicatesOptions<Output>;
  /** Offsets of the events that land, by the state's keys, in the order of the log: until their checkpoint is kept. */
  readonly #landing = new Map<string, number>();
  /** Of duplicates of those, by their offsets: the offset of the first. */
  readonly #firsts = new Map<number, number>();
  /** Firsts that were refused after all. */
  readonly #refused = new Map<number, RejectedEvent>();

  constructor(options: DuplicatesOptions<Output>) {
    this.#options = options;
  }

  /**
   * The outputs, with `duplicate` in the place of those that are.
   * @param known the duplicates among them, where an earlier try has found them
   */
  async without(
    records: readonly LogRecord[],
    outputs: readonly Converted<Output>[],
    out: Out,
    known: ReadonlySet<number> | undefined,
  ): Promise<readonly (Converted<Output> | typeof duplicate)[]> {
    const result: (Converted<Output> | typeof duplicate)[] = [...outputs];
    const asked: { readonly key: string; readonly index: number; readonly offset: number }[] = [];
    for (const [index, { offset }] of records.entries()) {
      if (out.has(offset)) continue;
      const key = this.#keyOf(outputs[index] as Converted<Output>);
      if (key === undefined) continue;
      if (typeof key !== 'string') result[index] = key;
      else if (known?.has(offset) ?? this.#landing.has(key)) {
        result[index] = duplicate;
        if (!known) this.#firsts.set(offset, this.#landing.get(key) as number);
      } else {
        this.#landing.set(key, offset);
        asked.push({ key, index, offset });
      }
    }
    if (known) return result;
    const remembered = await this.#options.state.getAll(asked.map(({ key }) => key));
    for (const [i, { key, index, offset }] of asked.entries()) {
      const first = remembered[i];
      if (first === undefined || Number(first.toString()) === offset) continue;
      result[index] = duplicate;
      this.#landing.delete(key);
    }
    return result;
  }

  /**
   * Those of a batch's duplicates whose first a sink has refused, in this batch or the one before: nothing with their key has landed,
   * so they are refused, too, and not dropped (D2).
   */
  withRefusedFirsts(duplicates: readonly number[], refused: readonly RejectedEvent[]): readonly RejectedEvent[] {
    for (const one of refused) this.#refused.set(one.offset, one);
    return duplicates.flatMap((offset) => {
      const first = this.#refused.get(this.#firsts.get(offset) ?? -1);
      if (!first) return [];
      const message = `the event at offset ${first.offset} has the same key, and was refused: ${first.message}`;
      return [{ offset, path: first.path, message }];
    });
  }

  /** What goes into the change that moves the checkpoint to `to`. @param refused offsets of events that land nowhere */
  puts({ from, to }: OffsetWindow, duplicates: readonly number[], refused: ReadonlySet<number>): readonly StatePut[] {
    const { windowMs, of, now = Date.now } = this.#options;
    const expiresAtMs = now() + windowMs;
    const puts: StatePut[] = [];
    for (const [key, offset] of this.#landing) {
      if (offset >= to) break;
      if (!refused.has(offset)) puts.push({ key, value: Buffer.from(String(offset)), expiresAtMs });
    }
    if (duplicates.length > 0) puts.push({ key: listKey(of, from), value: Buffer.from(JSON.stringify(duplicates)) });
    return puts;
  }

  /** The checkpoint is kept: what was to be remembered below it is. */
  landed(to: number): void {
    for (const [key, offset] of this.#landing) {
      if (offset >= to) break;
      this.#landing.delete(key);
    }
    for (const offset of this.#firsts.keys()) if (offset < to) this.#firsts.delete(offset);
    const needed = new Set(this.#firsts.values());
    for (const offset of this.#refused.keys()) if (!needed.has(offset)) this.#refused.delete(offset);
  }

  /** Undefined for what is no event any more. */
  #keyOf(output: Converted<Output>): string | Reject | undefined {
    if (output === voided || output instanceof Reject || output instanceof Filtered) return undefined;
    try {
      return seenKey(this.#options.of, this.#options.key(output));
    } catch (error) {
      return asReject(error, 'deduplicate');
    }
  }
}

/** Keys of the state have a limit; what is longer than this is told apart by its digest. */
const longestKeyBytes = 200;

function seenKey(of: ConsumerPartition, key: string): string {
  if (typeof key !== 'string' || !key.isWellFormed())
    throw new Reject('', `expected a key that is a string of well-formed Unicode, got ${JSON.stringify(key)}`);
  const isLong = Buffer.byteLength(key) > longestKeyBytes;
  const told = isLong ? `#${createHash('sha256').update(key).digest('hex')}` : `=${key}`;
  return `${stateKey('seen', of)}/${told}`;
}

function listPrefix(of: ConsumerPartition): string {
  return `${stateKey('duplicates', of)}/`;
}

function listKey(of: ConsumerPartition, from: number): string {
  return listPrefix(of) + sortableOffset(from);
}

/** Where the lists of duplicates are kept, by the offset at which each begins; one that goes past an offset may begin before it. */
export async function duplicateListKeys(state: StateStore, of: ConsumerPartition): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const [key] of state.entries(listPrefix(of))) keys.push(key);
  return keys;
}

/** Those of records that the log does not have any more. */
export async function dropDuplicateLists(state: StateStore, of: ConsumerPartition, below: number): Promise<void> {
  const gone: string[] = [];
  for await (const [key, value] of state.entries(listPrefix(of))) {
    const offsets = JSON.parse(value.toString()) as readonly number[];
    if ((offsets.at(-1) as number) >= below) break;
    gone.push(key);
  }
  if (gone.length > 0) await state.commit({ delete: gone });
}

/** Duplicates among records that were processed before. All lists are read for them. */
export function earlierDuplicates(state: StateStore, of: ConsumerPartition): FoundOffsets {
  return new FoundOffsets(async ({ from, to }) => {
    const found: number[] = [];
    for await (const [, value] of state.entries(listPrefix(of)))
      for (const offset of JSON.parse(value.toString()) as readonly number[])
        if (offset >= from && offset < to) found.push(offset);
    return found;
  });
}
