/**
 * One package on its way into the log: each event decoded, normalised, validated and encoded as it arrives, then all of
 * them appended together with the dead letters of those that are invalid. Until its batch is appended nothing of it exists.
 */
import { deadLetterRecord } from '../dead-letters/dead-letter.ts';
import { Fault } from '../errors.ts';
import { correlationId, type PackagePrefix } from '../event/correlation-id.ts';
import { Reject } from '../event/reject.ts';
import type { Batch, NewRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Codec } from '../schemas/codec.ts';
import type { Answer, RejectedInPackage } from './answer.ts';
import { acceptedRecord } from './accepted-record.ts';
import { NotJson } from './decode-event.ts';
import { keyedRecord } from './keyed-record.ts';
import type { SplitEvent } from './splitter.ts';

export interface PackageOptions {
  readonly pipeline: Pipeline;
  readonly codec: Codec;
  readonly maxEvents: number;
  readonly prefix: PackagePrefix;
  readonly batch: Batch;
  /** Of the package's span, where it is traced. */
  readonly traceparent: string | undefined;
  /** That it came in. Default none. */
  readonly file?: string;
  /** It has an Idempotency-Key, and others append to the log, too. */
  readonly isKeyed: boolean;
  /** Of text that is no JSON: refuse the package (an array cannot be told apart then), or only the event (a line). */
  readonly onNotJson: 'refuse-package' | 'reject-event';
  /** A normaliser threw something that is no Reject: a defect in the app, reported beside the dead letter. */
  readonly onDefect: (error: unknown, correlationId: string) => void;
}

interface RefusedWhole {
  /** How many events it had, or one where that is not known. */
  readonly count: number;
  readonly errors: readonly RejectedInPackage[];
}

export class OpenPackage {
  readonly packageId: string;
  readonly batch: Batch;
  readonly #options: PackageOptions;
  readonly #errors: RejectedInPackage[] = [];
  #count = 0;
  #refused: RefusedWhole | undefined;

  constructor(options: PackageOptions) {
    this.#options = options;
    this.batch = options.batch;
    this.packageId = correlationId(options.prefix, 0);
  }

  /** @throws Fault NOT_JSON, PACKAGE_TOO_LARGE: the package is refused whole */
  add(event: SplitEvent): void {
    const { maxEvents, prefix } = this.#options;
    const index = this.#count;
    if (index >= maxEvents) throw new Fault('PACKAGE_TOO_LARGE', `the package has more than ${maxEvents} events`);
    this.#count += 1;
    const id = correlationId(prefix, index);
    try {
      this.#accept(event, id);
    } catch (error) {
      this.#reject(event, index, id, this.#toReject(error, index, id));
    }
  }

  /** Bytes that cannot be told apart into events: one dead letter. */
  refuseWhole(bytes: Buffer, message: string): void {
    this.#count += 1;
    this.#reject({ bytes, tooDeep: false }, 0, this.packageId, new Reject('', message));
  }

  /** In place of all its events: one dead letter, and what is wrong with them. */
  refuseAll(bytes: Buffer, reject: Reject, refused: RefusedWhole): void {
    this.#refused = refused;
    this.#reject({ bytes, tooDeep: false }, 0, this.packageId, reject);
  }

  /** What the producer is told once the batch is durable. */
  answer(): Answer {
    if (this.#refused) {
      const { count, errors } = this.#refused;
      return { packageId: this.packageId, accepted: 0, rejected: count, errors, isRefused: true };
    }
    const rejected = this.#errors.length;
    return { packageId: this.packageId, accepted: this.#count - rejected, rejected, errors: this.#errors };
  }

  #accept(received: SplitEvent, id: string): void {
    const { pipeline, codec, traceparent, file } = this.#options;
    this.#append(acceptedRecord(received, { pipeline, codec, correlationId: id, traceparent, file }));
  }

  #reject(event: SplitEvent, index: number, id: string, reject: Reject): void {
    const { path, message } = reject;
    const { pipeline, traceparent, file } = this.#options;
    const letter = {
      correlationId: id,
      at: 'ingest',
      pipeline: pipeline.name,
      path,
      message,
      event: event.bytes,
    } as const;
    this.#append(deadLetterRecord(pipeline.deadLetterTopic, { ...letter, origin: undefined, traceparent, file }));
    this.#errors.push({ index, correlationId: id, path, message });
  }

  #append(record: NewRecord): void {
    const { batch, isKeyed } = this.#options;
    batch.add(isKeyed ? keyedRecord(record) : record);
  }

  #toReject(error: unknown, index: number, id: string): Reject {
    if (error instanceof Reject) return error;
    if (error instanceof NotJson) {
      if (this.#options.onNotJson === 'reject-event') return new Reject('', `expected JSON: ${error.message}`);
      throw new Fault('NOT_JSON', `event ${index} is not JSON: ${error.message}`);
    }
    if (error instanceof Fault) throw error;
    this.#options.onDefect(error, id);
    return new Reject('', `the pipeline could not normalise this event: ${String(error)}`);
  }
}
