/**
 * What would become of a dead letter's event if it came in now: the way of every event at ingest (decode, normalise, validate
 * by the newest schema), then what the processor will do with it as far as that is a function of the event alone (transform,
 * row, object key). So what is known to be refused later is refused here, and nothing of it gets into the log.
 */
import { isFault } from '../errors.ts';
import { asReject, Reject } from '../event/reject.ts';
import { acceptedRecord } from '../ingest/accepted-record.ts';
import { NotJson } from '../ingest/decode-event.ts';
import { nestsTooDeep } from '../ingest/split-ndjson.ts';
import type { LogRecord, NewRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { pipelineConverter } from '../processing/convert.ts';
import type { Codecs } from '../schemas/codecs.ts';

export interface TryOptions {
  readonly codecs: Codecs;
  /** A function of a pipeline threw something that is no Reject. */
  readonly onDefect: (error: unknown, correlationId: string) => void;
}

/** The event's record, which owns its bytes; or why it is refused. */
export type TryEvent = (event: Buffer, to: TriedAs) => Promise<NewRecord | Reject>;

export interface TriedAs {
  readonly pipeline: Pipeline;
  readonly correlationId: string;
  /** That it came in. */
  readonly file: string | undefined;
}

export function createTryEvent({ codecs, onDefect }: TryOptions): TryEvent {
  return async (event, { pipeline, correlationId, file }) => {
    const codec = await codecs.latest(pipeline.schema.subject);
    try {
      const split = { bytes: event, tooDeep: nestsTooDeep(event) };
      const record = acceptedRecord(split, { pipeline, codec, correlationId, file });
      const kept = { ...record, value: Buffer.from(record.value) };
      return (await whyNotLanding(kept, pipeline, codecs)) ?? kept;
    } catch (error) {
      if (error instanceof NotJson) return new Reject('', `expected JSON: ${error.message}`);
      if (isFault(error)) throw error;
      if (!(error instanceof Reject)) onDefect(error, correlationId);
      return asReject(error, 'normalise');
    }
  };
}

async function whyNotLanding(record: NewRecord, pipeline: Pipeline, codecs: Codecs): Promise<Reject | undefined> {
  const [output] = await pipelineConverter(pipeline, codecs)([asLogged(record)]);
  if (output === undefined || output instanceof Reject) return output;
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
