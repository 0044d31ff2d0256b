/**
 * From a record to what the sinks take: decode and validate by the schema that it names, then the pipeline's
 * transform. A pure function of the record, so that a batch done again gives the same.
 */
import { memberBytes } from '../event/json-member.ts';
import { Reject } from '../event/reject.ts';
import { attachVerbatim } from '../event/verbatim.ts';
import type { LogRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Codec } from '../schemas/codec.ts';
import type { Codecs } from '../schemas/codecs.ts';

/** The records' outputs in order: for an invalid record the `Reject`. */
export type Convert<Output> = (records: readonly LogRecord[]) => Promise<readonly (Output | Reject)[]>;

export function pipelineConverter(pipeline: Pipeline, codecs: Codecs): Convert<object> {
  return async (records) => {
    const outputs: (object | Reject)[] = [];
    let codec: Codec | undefined;
    for (const record of records) {
      const schemaId = Number(header(record, 'schemaId'));
      if (codec === undefined || codec.schemaId !== schemaId) codec = await codecs.byId(schemaId);
      outputs.push(convert(record, pipeline, codec));
    }
    return outputs;
  };
}

function convert(record: LogRecord, pipeline: Pipeline, codec: Codec): object | Reject {
  try {
    const event = codec.decode(record.value) as Record<string, unknown>;
    if (pipeline.verbatim.length > 0) restoreVerbatim(event, pipeline.verbatim, headerBytes(record, 'received'));
    return pipeline.process.transform(event, {
      correlationId: header(record, 'correlationId'),
      publishTime: isoTime(record.timeMs),
      schemaId: codec.schemaId,
    }) as object;
  } catch (error) {
    if (error instanceof Reject) return error;
    return new Reject('', `the pipeline could not transform this event: ${String(error)}`);
  }
}

function restoreVerbatim(event: Record<string, unknown>, names: readonly string[], received: Buffer): void {
  for (const name of names) {
    const member = event[name];
    const text = typeof member === 'object' && member !== null ? memberBytes(received, name) : undefined;
    if (text !== undefined) attachVerbatim(member as object, text.toString());
  }
}

/** Empty where there is none. */
export function header(record: LogRecord, wanted: string): string {
  return headerBytes(record, wanted).toString();
}

const nothing = Buffer.alloc(0);

function headerBytes(record: LogRecord, wanted: string): Buffer {
  for (const [name, value] of record.headers) if (name === wanted) return value;
  return nothing;
}

const lastTime = { ms: Number.NaN, iso: '' };

/** Records of one append share their time, so the last one is kept. */
function isoTime(ms: number): string {
  if (lastTime.ms !== ms) Object.assign(lastTime, { ms, iso: new Date(ms).toISOString() });
  return lastTime.iso;
}
