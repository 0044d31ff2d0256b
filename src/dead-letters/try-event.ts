/**
 * What would become of what a dead letter holds if it came in now: the way of every event at ingest (decode, normalise, validate
 * by the newest schema), then what the processor will do with it as far as that is a function of the event alone (transform,
 * row, object key). So what is known to be refused later is refused here, and nothing of it gets into the log. A package that was refused
 * as a whole is tried as one: all of its events, or none.
 */
import { isFault } from '../errors.ts';
import { nestsTooDeep } from '../event/json-nesting.ts';
import { correlationId, prefixOf } from '../event/correlation-id.ts';
import { asReject, Reject } from '../event/reject.ts';
import { acceptedRecord } from '../ingest/accepted-record.ts';
import { NotJson } from '../ingest/decode-event.ts';
import { envelopeEvents, pathInEnvelope } from '../ingest/envelope.ts';
import type { SplitEvent } from '../ingest/splitter.ts';
import type { LogRecord, NewRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { Filtered, pipelineConverter } from '../processing/convert.ts';
import type { Codecs } from '../schemas/codecs.ts';

export interface TryOptions {
  readonly codecs: Codecs;
  /** A function of a pipeline threw something that is no Reject. */
  readonly onDefect: (error: unknown, correlationId: string) => void;
}

/** The records of its events, which own their bytes; or why it is refused. */
export type TryEvent = (received: Buffer, to: TriedAs) => Promise<readonly NewRecord[] | Reject>;

export interface TriedAs {
  readonly pipeline: Pipeline;
  /** Of the event; of a package, that of its first. */
  readonly correlationId: string;
  /** That it came in. */
  readonly file: string | undefined;
  /** Of a package that was refused whole: the member that holds its events. Undefined: what was received is one event. */
  readonly envelope: string | undefined;
}

export function createTryEvent({ codecs, onDefect }: TryOptions): TryEvent {
  const tryOne = async (split: SplitEvent, { pipeline, ...as }: TriedAs): Promise<NewRecord | Reject> => {
    const codec = await codecs.latest(pipeline.schema.subject);
    try {
      const record = acceptedRecord(split, { pipeline, codec, ...as });
      const kept = { ...record, value: Buffer.from(record.value) };
      return (await whyNotLanding(kept, pipeline, codecs)) ?? kept;
    } catch (error) {
      if (error instanceof NotJson) return new Reject('', `expected JSON: ${error.message}`);
      if (isFault(error)) throw error;
      if (!(error instanceof Reject)) onDefect(error, as.correlationId);
      return asReject(error, 'normalise');
    }
  };
  const tryPackage = async (events: readonly SplitEvent[], envelope: string, to: TriedAs) => {
    const records: NewRecord[] = [];
    for (const [index, event] of events.entries()) {
      const made = await tryOne(event, { ...to, correlationId: correlationId(prefixOf(to.correlationId), index) });
      if (made instanceof Reject) return new Reject(pathInEnvelope(envelope, index, made.path), made.message);
      records.push(made);
    }
    return records;
  };
  return async (received, to) => {
    if (to.envelope === undefined) {
      const made = await tryOne({ bytes: received, tooDeep: nestsTooDeep(received) }, to);
      return made instanceof Reject ? made : [made];
    }
    const events = eventsIn(received, to.envelope);
    return events instanceof Reject ? events : tryPackage(events, to.envelope, to);
  };
}

function eventsIn(received: Buffer, envelope: string): readonly SplitEvent[] | Reject {
  try {
    return envelopeEvents(received, envelope);
  } catch (error) {
    if (error instanceof Reject) return error;
    throw error;
  }
}

async function whyNotLanding(record: NewRecord, pipeline: Pipeline, codecs: Codecs): Promise<Reject | undefined> {
  const [output] = await pipelineConverter(pipeline, codecs)([asLogged(record)]);
  if (output === undefined || output instanceof Filtered) return undefined;
  if (output instanceof Reject) return output;
  try {
    for (const sink of pipeline.sinks) {
      if (sink.kind === 'objects') sink.key(output);
      else sink.row(output);
    }
    return undefined;
  } catch (error) {
    return asReject(error, 'place');
  }
}

/** As the processor would read it, were it appended now. */
function asLogged({ key, value, headers }: NewRecord): LogRecord {
  return {
    offset: 0,
    timeMs: Date.now(),
    key,
    value: Buffer.from(value),
    headers: headers.map(([name, header]) => [name, Buffer.from(header as Uint8Array)] as const),
  };
}
