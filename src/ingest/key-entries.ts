/** What the view of idempotency keys holds, and how records change it (key-view.ts). */
import type { LogRecord } from '../log/log.ts';
import type { StatePut } from '../stores/state/state-store.ts';
import type { Answer } from './answer.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** Twice what is needed, for a view that is brought up to date late still has to know the first of a key. */
const keptMs = 2 * dayMs;

/** The first record of a key. */
export interface KnownKey {
  readonly offset: number;
  /** When the log took it, Unix milliseconds. */
  readonly timeMs: number;
  readonly answer: Answer;
}

/** What comes under the key at that time, Unix milliseconds, is the same package again. */
export function isSecond({ timeMs }: KnownKey, nowMs: number): boolean {
  return nowMs <= timeMs + dayMs;
}

/** Undefined for a record that others have written into the topic. */
export function answerIn(record: LogRecord): Answer | undefined {
  try {
    const answer = JSON.parse(record.value.toString()) as Partial<Answer> | null;
    return typeof answer?.packageId === 'string' ? (answer as Answer) : undefined;
  } catch {
    return undefined;
  }
}

/** The names of entries. Other versions have kept others; the position has a name of its own for each form. */
export class ViewKeys {
  readonly #prefix: string;
  readonly position: string;

  constructor(logId: string) {
    this.#prefix = `idempotency/${logId}`;
    this.position = `${this.#prefix}/position`;
  }

  first(scopedKey: string): string {
    return `${this.#prefix}/first/${scopedKey}`;
  }

  void(packageId: string): string {
    return `${this.#prefix}/void/${packageId}`;
  }

  /** @param firsts of the records' keys, by the names of their entries; changed as the records say */
  apply(records: readonly LogRecord[], firsts: Map<string, KnownKey>, nowMs: number): readonly StatePut[] {
    const put: StatePut[] = [];
    for (const record of records) {
      const { key, offset, timeMs } = record;
      const name = this.first(String(key));
      const first = firsts.get(name);
      const answer = answerIn(record);
      if (answer === undefined || (first && first.offset >= offset)) continue;
      if (first && isSecond(first, timeMs)) {
        put.push({ key: this.void(answer.packageId), value: nothing });
        continue;
      }
      const known = { offset, timeMs, answer };
      firsts.set(name, known);
      const expiresAtMs = Math.max(timeMs, nowMs) + keptMs;
      put.push({ key: name, value: Buffer.from(JSON.stringify(known)), expiresAtMs });
    }
    return put;
  }
}

const nothing = Buffer.alloc(0);
