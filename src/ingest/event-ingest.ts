/**
 * From a request that is one event into the log: made by its endpoint, validated and encoded, and answered only when it is durable
 * (D1). Nothing of a request that is refused is stored. A body is held within the budget (D6).
 */
import { Fault, reasonOf } from '../errors.ts';
import { correlationId, type PackagePrefix } from '../event/correlation-id.ts';
import { Reject } from '../event/reject.ts';
import type { Timestamp } from '../event/time.ts';
import type { Batch, Log, NewRecord } from '../log/log.ts';
import type { Pipeline, RequestEndpoint } from '../pipeline/pipeline.ts';
import type { Codec } from '../schemas/codec.ts';
import type { Codecs } from '../schemas/codecs.ts';
import { type Span, within } from '../telemetry/tracing.ts';
import { madeRecord } from './accepted-record.ts';
import { admit, type AdmissionOptions, scopedTo } from './admission.ts';
import type { Answer } from './answer.ts';
import { appendSpan } from './append-span.ts';
import type { Budget } from './budget.ts';
import { keyedHeader } from './keyed-record.ts';
import { newestCodec } from './newest-codec.ts';
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
}

export interface EventIngestOptions extends AdmissionOptions {
  readonly pipeline: Pipeline;
  readonly codecs: Codecs;
  readonly budget: Budget;
  readonly nextPackage: () => PackagePrefix;
}

interface Made {
  readonly record: NewRecord;
  readonly text: string;
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

  #store(incoming: IncomingEvent, waits: Waits, scopedKey: string | undefined): Promise<Answer> {
    const { body } = incoming;
    if (body === undefined) return this.#take(incoming, undefined, waits, scopedKey);
    return this.#withBody(body, waits, (bytes) => this.#take(incoming, bytes, waits, scopedKey));
  }

  async #withBody<T>(
    body: NonNullable<IncomingEvent['body']>,
    waits: Waits,
    use: (bytes: Buffer) => Promise<T>,
  ): Promise<T> {
    const share = this.#options.budget.share();
    try {
      const chunks: Buffer[] = [];
      let heldBytes = 0;
      for await (const chunk of body(share.evicted)) {
        chunks.push(chunk);
        heldBytes += chunk.length;
        await waits.during((signal) => share.resize(heldBytes, () => signal));
      }
      return await use(Buffer.concat(chunks, heldBytes));
    } finally {
      share.release();
    }
  }

  async #take(
    incoming: IncomingEvent,
    body: Buffer | undefined,
    waits: Waits,
    scopedKey: string | undefined,
  ): Promise<Answer> {
    const { codecs, nextPackage, idempotency } = this.#options;
    const { span } = incoming;
    const codec = await newestCodec(codecs, this.pipeline.schema.subject);
    const packageId = correlationId(nextPackage(), 0);
    const { record, text } = this.#make(incoming, body, codec, packageId);
    const answer = { packageId, accepted: 1, rejected: 0, errors: [], text };
    const batch = this.#log.batch();
    if (scopedKey === undefined) batch.add(record);
    else {
      const isKeyed = this.#log.writtenEnd !== undefined;
      batch.add(isKeyed ? { ...record, headers: [...record.headers, keyedHeader] } : record);
      idempotency.remember(batch, scopedKey, answer);
    }
    await this.#append(batch, packageId, waits, span);
    return answer;
  }

  #append(batch: Batch, packageId: string, waits: Waits, span: Span | undefined): Promise<void> {
    const appending = span && appendSpan(span, this.pipeline.topic.name, packageId, batch);
    return within(appending, () => waits.during((signal) => this.#log.append(batch, { signal })));
  }

  /** The answer too, before anything is stored: who gets none has left nothing behind. */
  #make(incoming: IncomingEvent, body: Buffer | undefined, codec: Codec, id: string): Made {
    const { endpoint, time, span } = incoming;
    const parameters = incoming.parameters(body);
    try {
      const event = endpoint.event(parameters, { time });
      const about = { pipeline: this.pipeline, codec, correlationId: id, traceparent: span?.traceparent };
      const record = madeRecord(event as object, about);
      return { record, text: textOf(endpoint.answer(event)) };
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
