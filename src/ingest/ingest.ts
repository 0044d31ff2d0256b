/**
 * From a source into the log. A package is received while its body streams in, held within the budget (D6), and
 * answered only when every event of it is durable, accepted or dead-lettered (D1, D2).
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { PackagePrefix } from '../event/correlation-id.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { packageSource } from '../pipeline/source-paths.ts';
import type { Codecs } from '../schemas/codecs.ts';
import { type Span, within } from '../telemetry/tracing.ts';
import { admit, type AdmissionOptions, scopedTo } from './admission.ts';
import type { Answer } from './answer.ts';
import { appendSpan } from './append-span.ts';
import type { Budget, Share } from './budget.ts';
import { newestCodec } from './newest-codec.ts';
import { OpenPackage } from './open-package.ts';
import { openWhole } from './whole-package.ts';
import { readWhole } from './read-whole.ts';
import type { Waits } from './patience.ts';
import type { EventSplitter } from './splitter.ts';

/** A package as a source hands it over. */
export interface IncomingPackage {
  /** The decoded body; ends with the signal's reason when that aborts. Reading stops when the package is refused. */
  readonly body: (evicted: AbortSignal) => AsyncIterable<Buffer>;
  readonly splitter: EventSplitter;
  readonly onNotJson: 'refuse-package' | 'reject-event';
  /** Scoped to the pipeline and to who sends. Without spaces. */
  readonly idempotencyKey: string | undefined;
  /** Of the request, where it is traced. */
  readonly span?: Span | undefined;
  /** Default: all who send are one. */
  readonly sender?: string | undefined;
  /** Told when it is durable; not of a package that comes again under its key. Must not throw. */
  readonly onStored?: (answer: Answer) => void;
}

export interface IngestOptions extends AdmissionOptions {
  readonly pipeline: Pipeline;
  readonly codecs: Codecs;
  readonly budget: Budget;
  readonly nextPackage: () => PackagePrefix;
  readonly onDefect: (error: unknown, correlationId: string) => void;
}

/** Of one chunk; then others have theirs. A line that is no JSON has two bytes, and takes a tenth of a millisecond. */
const eventsInTurn = 500;

export class Ingest {
  readonly pipeline: Pipeline;
  readonly #options: IngestOptions;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.pipeline = options.pipeline;
  }

  /**
   * None of the body is read before the log has room.
   * @throws Fault; then nothing of the package is stored, unless it is LOG_FAILED (see log.ts)
   */
  receive(incoming: IncomingPackage): Promise<Answer> {
    const { idempotencyKey, sender } = incoming;
    const scopedKey = idempotencyKey && scopedTo(sender, `${this.pipeline.name}/${idempotencyKey}`);
    return admit(this.#options, scopedKey, (waits) => this.#store(incoming, waits, scopedKey));
  }

  async #store(incoming: IncomingPackage, waits: Waits, scopedKey: string | undefined): Promise<Answer> {
    const { log, budget, idempotency } = this.#options;
    const share = budget.share();
    try {
      const { span } = incoming;
      const received = await within(span?.begin('decode'), () => this.#read(incoming, waits, share));
      const answer = received.answer();
      if (scopedKey !== undefined) idempotency.remember(received.batch, scopedKey, answer);
      const { packageId, batch } = received;
      const appending = span && appendSpan(span, this.pipeline.topic.name, packageId, batch);
      await within(appending, () => waits.during((signal) => log.append(batch, { signal })));
      incoming.onStored?.(answer);
      return answer;
    } finally {
      share.release();
    }
  }

  async #read(incoming: IncomingPackage, waits: Waits, share: Share): Promise<OpenPackage> {
    const { body, splitter, onNotJson, span, idempotencyKey } = incoming;
    const { pipeline, log, codecs, onDefect, nextPackage } = this.#options;
    const codec = await newestCodec(codecs, pipeline.schema.subject);
    const { maxEvents, envelope } = packageSource(pipeline);
    const isKeyed = idempotencyKey !== undefined && log.writtenEnd !== undefined;
    const about = {
      pipeline,
      codec,
      maxEvents,
      prefix: nextPackage(),
      traceparent: span?.traceparent,
      isKeyed,
      onDefect,
    };
    if (envelope) {
      const whole = await readWhole(body(share.evicted), waits, share);
      const opened = openWhole(whole, { ...about, member: envelope.events, newBatch: () => log.batch() });
      await waits.during((signal) => share.resize(whole.length + opened.batch.bytes, () => signal));
      return opened;
    }
    const received = new OpenPackage({ ...about, batch: log.batch(), onNotJson });
    for await (const chunk of body(share.evicted)) {
      for (const [index, event] of splitter.push(chunk).entries()) {
        received.add(event);
        if ((index + 1) % eventsInTurn === 0) await othersTurn();
      }
      const heldBytes = received.batch.bytes + splitter.heldBytes;
      await waits.during((signal) => share.resize(heldBytes, () => signal));
    }
    for (const event of splitter.end()) received.add(event);
    return received;
  }
}
