/**
 * From a request that is one event into the log: made by its endpoint, validated and encoded, and answered only when it is durable
 * (D1). Nothing of a request that is refused is stored. A body is held within the budget (D6).
 */
import { Fault, reasonOf } from '../errors.ts';
import { correlationId, type PackagePrefix } from '../event/correlation-id.ts';
import { Reject } from '../event/reject.ts';
import type { Timestamp } from '../event/time.ts';
import type { Batch, Log } from '../log/log.ts';
import type { Pipeline, RequestEndpoint } from '../pipeline/pipeline.ts';
import type { Codec } from '../schemas/codec.ts';
import type { Codecs } from '../schemas/codecs.ts';
import { type Span, within } from '../telemetry/tracing.ts';
import { madeRecord } from './accepted-record.ts';
import { admit, type AdmissionOptions, scopedTo } from './admission.ts';
import type { Answer } from './answer.ts';
import { appendSpan } from './append-span.ts';
import type { Budget, Share } from './budget.ts';
import { keyedRecord } from './keyed-record.ts';
import { newestCodec } from './newest-codec.ts';
import { readWhole } from './read-whole.ts';
import type { Waits } from './patience.ts';

/** A request as a source hands it over. */
export interface IncomingEvent {
  readonly endpoint: RequestEndpoint<unknown>;
  /** When it came. */
  readonly time: Timestamp;
  /** Ends with the signal's reason when that aborts. Undefined: there is none. */
  readonly body: ((evicted: AbortSignal) => AsyncIterable<Buffer>) | undefined;
  /** Of the whole request. @throws Fault */
  readonly parameters: (body: Buffer | undefined) => Readonly<Record<string, string>>;
  /** Scoped to the endpoint and to who sends. Without spaces. */
  readonly idempotencyKey: string | undefined;
  /** Of the request, where it is traced. */
  readonly span?: Span | undefined;
  /** Default: all who send are one. */
  readonly sender?: string | undefined;
  /** Told when it is durable; not of one that comes again under its key. Must not throw. */
  readonly onStored?: () => void;
}

export interface EventIngestOptions extends AdmissionOptions {
  readonly pipeline: Pipeline;
  readonly codecs: Codecs;
  readonly budget: Budget;
  readonly nextPackage: () => PackagePrefix;
}

interface Made {
  readonly batch: Batch;
  readonly answer: Answer;
}

export class EventIngest {
  readonly pipeline: Pipeline;
  readonly #log: Log;
  readonly #options: EventIngestOptions;

  constructor(options: EventIngestOptions) {
    this.#options = options;
    this.#log = options.log;
    this.pipeline = options.pipeline;
  }

  /**
   * A package of one event, with the text that its producer is to get. None of the body is read before the log has room.
   * @throws Fault, REQUEST_INVALID where the event cannot be made or is not of the schema; then nothing is stored, unless it is LOG_FAILED
   *   (see log.ts). Error for a defect of the pipeline's functions, and nothing is stored either
   */
  receive(incoming: IncomingEvent): Promise<Answer> {
    const { idempotencyKey, endpoint, sender } = incoming;
    // Of no other endpoint and no package: neither a name nor a path has a colon.
    const scopedKey = idempotencyKey && scopedTo(sender, `${this.pipeline.name}:${endpoint.path}:${idempotencyKey}`);
    return admit(this.#options, scopedKey, (waits) => this.#store(incoming, waits, scopedKey));
  }

  async #store(incoming: IncomingEvent, waits: Waits, scopedKey: string | undefined): Promise<Answer> {
    const { body, span } = incoming;
    const share = body && this.#options.budget.share();
    try {
      const { batch, answer } = await within(span?.begin('decode'), () => this.#read(incoming, waits, share));
      if (scopedKey !== undefined) this.#options.idempotency.remember(batch, scopedKey, answer);
      await this.#append(batch, answer.packageId, waits, span);
      incoming.onStored?.();
      return answer;
    } finally {
      share?.release();
    }
  }

  async #read(incoming: IncomingEvent, waits: Waits, share: Share | undefined): Promise<Made> {
    const { codecs, nextPackage } = this.#options;
    const body = share && incoming.body && (await readWhole(incoming.body(share.evicted), waits, share));
    const parameters = incoming.parameters(body);
    const { subject } = this.pipeline.schema;
    const codec = codecs.latestKnown(subject) ?? (await newestCodec(codecs, subject));
    return this.#make(incoming, parameters, codec, correlationId(nextPackage(), 0));
  }

  #append(batch: Batch, packageId: string, waits: Waits, span: Span | undefined): Promise<void> {
    const appending = span && appendSpan(span, this.pipeline.topic.name, packageId, batch);
    return within(appending, () => waits.during((signal) => this.#log.append(batch, { signal })));
  }

  /** The answer too, before anything is stored: who gets none has left nothing behind. */
  #make(
    { endpoint, time, span, idempotencyKey }: IncomingEvent,
    parameters: Readonly<Record<string, string>>,
    codec: Codec,
    packageId: string,
  ): Made {
    const batch = this.#log.batch();
    const isKeyed = idempotencyKey !== undefined && this.#log.writtenEnd !== undefined;
    try {
      const event = endpoint.event(parameters, { time });
      const about = { pipeline: this.pipeline, codec, correlationId: packageId, traceparent: span?.traceparent };
      const record = madeRecord(event as object, about); // until another event is encoded: nothing is waited for
      const text = textOf(endpoint.answer(event));
      batch.add(isKeyed ? keyedRecord(record) : record);
      return { batch, answer: { packageId, accepted: 1, rejected: 0, errors: [], text } };
    } catch (error) {
      throw this.#refusal(error, endpoint.path);
    }
  }

  #refusal(error: unknown, path: string): Error {
    if (error instanceof Fault) return error;
    if (error instanceof Reject)
      return new Fault('REQUEST_INVALID', error.path === '' ? error.message : `${error.path}: ${error.message}`);
    const message = `a function of the pipeline ${this.pipeline.name} failed at ${path}: ${reasonOf(error)}`;
    return new Error(message, { cause: error });
  }
}

function textOf(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  throw new TypeError(`expected the text of the answer, got a value of type ${typeof answer}`);
}
