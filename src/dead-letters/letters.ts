/**
 * Dead letters as they stand: as received, with what has been done about them since. Each is there once, however often it
 * was refused, with the newest reason. From the log; one that is asked for by its id and that the log no longer has, from its object.
 */
import { correlationIdParts } from '../event/correlation-id.ts';
import type { LogReader, LogRecord } from '../log/log.ts';
import type { VoidPackages } from '../processing/void-packages.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { DeadLetter } from './dead-letter.ts';
import { readDeadLetterObject } from './dead-letter-sink.ts';
import { isMeant, type LetterFilter } from './letter-filter.ts';
import { readDeadLetters } from './read.ts';
import type { LetterStatus } from './repair.ts';
import { repairsAt, type RepairStatuses } from './repair-statuses.ts';

export interface Letter extends DeadLetter {
  readonly status: LetterStatus | undefined;
  /** The event as it stands: as received, or as it was last edited. */
  readonly current: Buffer;
}

export interface LettersOptions {
  readonly log: LogReader;
  readonly statuses: RepairStatuses;
  /** The pipelines whose letters are meant. */
  readonly pipelines: readonly { readonly name: string; readonly deadLetterTopic: string }[];
  readonly objects: Pick<ObjectStore, 'get'>;
  /** Letters of void packages are none. Default: no package can be void. */
  readonly voids?: VoidPackages | undefined;
}

/** Edits are read ahead, since those of one command follow each other. */
const readAheadBytes = 1024 * 1024;

export class Letters {
  readonly #options: LettersOptions;
  /** A page of `tributary.repairs`. */
  #edits: readonly LogRecord[] = [];

  constructor(options: LettersOptions) {
    this.#options = options;
  }

  /** Oldest first within a partition of a topic. Ids that there are no letters for are left out. */
  async *find(filter: LetterFilter): AsyncIterable<Letter> {
    const { ids, text } = filter;
    const letters = ids === undefined ? this.#all(0) : this.#withIds(new Set(ids));
    for await (const { letter, status } of letters) {
      if (!isMeant(letter, status, filter)) continue;
      const found = await this.withStatus(letter, status);
      if (text === undefined || found.current.includes(text)) yield found;
    }
  }

  /** @param fromMs when the package began to come in */
  async *ofPackage(packageId: string, fromMs: number): AsyncIterable<Letter> {
    for await (const { letter, status } of this.#all(fromMs))
      if (letter.packageId === packageId) yield await this.withStatus(letter, status);
  }

  /** The letter with a status that may be newer than when it was found. */
  async withStatus(letter: DeadLetter, status: LetterStatus | undefined): Promise<Letter> {
    const edit = status?.edits.at(-1);
    const edited = edit && (await this.#editAt(edit.offset));
    return { ...letter, status, current: edited ?? letter.event };
  }

  async *#all(fromMs: number): AsyncIterable<Found> {
    const { log, pipelines, statuses, voids } = this.#options;
    const topics = pipelines.map(({ deadLetterTopic }) => deadLetterTopic);
    for await (const letter of readDeadLetters(log, topics, { fromMs, voids })) {
      const status = await statuses.status(letter.correlationId);
      // of a letter that was refused again only the newest record counts
      if (letter.replay === status?.refusedReplay) yield { letter: withNewestReason(letter, status), status };
    }
  }

  /** A letter comes into the log after its event: from there on first, then before, as clocks may have been set back. */
  async *#withIds(ids: ReadonlySet<string>): AsyncIterable<Found> {
    const missing = new Set(ids);
    const firstMs = Math.min(...[...ids].map((id) => correlationIdParts(id).timeMs).filter(Number.isFinite));
    for (const fromMs of Number.isFinite(firstMs) && firstMs > 0 ? [firstMs, 0] : [0]) {
      for await (const found of this.#all(fromMs)) {
        if (missing.delete(found.letter.correlationId)) yield found;
        if (missing.size === 0) return;
      }
    }
    for (const id of missing) {
      const letter = await this.#fromObject(id);
      const status = await this.#options.statuses.status(id);
      if (letter !== undefined) yield { letter: withNewestReason(letter, status), status };
    }
  }

  async #fromObject(id: string): Promise<DeadLetter | undefined> {
    for (const { name } of this.#options.pipelines) {
      const letter = await readDeadLetterObject(this.#options.objects, name, id);
      if (letter !== undefined) return letter;
    }
    return undefined;
  }

  /** Undefined where the log has forgotten it. */
  async #editAt(offset: number): Promise<Buffer | undefined> {
    const find = () => this.#edits.find((record) => record.offset === offset)?.value;
    const known = find();
    if (known !== undefined) return known;
    const { log } = this.#options;
    const { start } = await log.range(repairsAt);
    if (offset < start) return undefined;
    this.#edits = (await log.read(repairsAt, offset, { maxBytes: readAheadBytes })).records;
    return find();
  }
}

interface Found {
  readonly letter: DeadLetter;
  readonly status: LetterStatus | undefined;
}

function withNewestReason(letter: DeadLetter, status: LetterStatus | undefined): DeadLetter {
  const { refusal } = status ?? {};
  return refusal === undefined ? letter : { ...letter, path: refusal.path, message: refusal.message };
}
