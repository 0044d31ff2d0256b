/**
 * Keeps each dead letter as an object of its own: `dead-letter/<pipeline>/date=YYYY-MM-DD/<package id>/<index>.json` (the
 * UTC date of receipt). The key names the event, so writing a letter again writes the same object (D3).
 */
import { isUtf8 } from 'node:buffer';
import { correlationIdParts } from '../event/correlation-id.ts';
import { toUuid } from '../event/ids.ts';
import { percentEncodeSegment } from '../event/object-key.ts';
import type { Sink, SinkBatch, SinkRange, Staged } from '../sinks/sink.ts';
import type { NewObject, ObjectStore } from '../stores/objects/object-store.ts';
import type { DeadLetter } from './dead-letter.ts';

export function createDeadLetterSink(store: ObjectStore): Sink<DeadLetter> {
  return {
    name: 'dead-letter-objects',
    open: async () => ({ next: 0, batch: () => new LetterBatch(store), close: async () => {} }),
  };
}

class LetterBatch implements SinkBatch<DeadLetter> {
  readonly #store: ObjectStore;
  readonly #letters: (NewObject & { readonly offset: number })[] = [];

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  add(offset: number, letter: DeadLetter): void {
    this.#letters.push({ offset, key: deadLetterKey(letter), body: deadLetterBody(letter) });
  }

  removeLast(): void {
    this.#letters.pop();
  }

  clear(): void {
    this.#letters.length = 0;
  }

  async stage({ without }: SinkRange): Promise<Staged> {
    const letters = this.#letters.filter(({ offset }) => !without.has(offset));
    // Of one that was refused again the newest counts: a store puts what it is given in any order.
    const staged = await this.#store.stage([...new Map(letters.map((one) => [one.key, one])).values()]);
    return { rejected: [], plan: [], commit: () => staged.commit(), abort: () => staged.abort() };
  }
}

/** The letter of that id as `deadLetterBody` wrote it. */
export async function readDeadLetterObject(
  store: Pick<ObjectStore, 'get'>,
  pipeline: string,
  correlationId: string,
): Promise<DeadLetter | undefined> {
  if (toUuid(correlationId) !== correlationId) return undefined;
  const { packageId, index, timeMs } = correlationIdParts(correlationId);
  const about = { packageId, index, receivedAt: new Date(timeMs).toISOString() };
  const body = await store.get(deadLetterKey({ pipeline, ...about }));
  if (body === undefined) return undefined;
  const { at, error, file, event, eventBase64 } = JSON.parse(body.toString()) as StoredLetter;
  const bytes = eventBase64 === undefined ? Buffer.from(event ?? '') : Buffer.from(eventBase64, 'base64');
  const unknown = { origin: undefined, replay: undefined, traceparent: undefined };
  return { correlationId, ...about, at, pipeline, ...error, event: bytes, file, ...unknown };
}

interface StoredLetter {
  readonly at: DeadLetter['at'];
  readonly error: { readonly path: string; readonly message: string };
  readonly file?: string;
  readonly event?: string;
  readonly eventBase64?: string;
}

type Place = Pick<DeadLetter, 'pipeline' | 'receivedAt' | 'packageId' | 'index'>;

export function deadLetterKey({ pipeline, receivedAt, packageId, index }: Place): string {
  return `dead-letter/${percentEncodeSegment(pipeline)}/date=${receivedAt.slice(0, 10)}/${packageId}/${index}.json`;
}

/** The whole object. */
export function deadLetterBody(letter: DeadLetter): Buffer {
  const { correlationId, packageId, index, receivedAt, at, path, message, file } = letter;
  const from = file === undefined ? {} : { file };
  const about = { correlationId, packageId, index, receivedAt, at, ...from, error: { path, message } };
  return Buffer.from(`${JSON.stringify({ ...about, ...receivedBytes(letter) })}\n`);
}

/** As text where the bytes are UTF-8, else in base64. */
export function receivedBytes({ event }: { readonly event: Buffer }): { event: string } | { eventBase64: string } {
  return isUtf8(event) ? { event: event.toString() } : { eventBase64: event.toString('base64') };
}
