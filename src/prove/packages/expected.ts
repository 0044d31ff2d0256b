/** What each acknowledged event must have become, computed again from what was sent. */
import { Reject } from '../../event/reject.ts';
import { attachVerbatim } from '../../event/verbatim.ts';
import { memberText } from '../../event/json-member.ts';
import { decodeEvent } from '../../ingest/decode-event.ts';
import { receivedAs } from '../../ingest/received.ts';
import type { RowValues } from '../../pipeline/columns.ts';
import type { ObjectsSink, Pipeline, TableSink } from '../../pipeline/pipeline.ts';
import type { Codec } from '../../schemas/codec.ts';

export type Expected =
  | { readonly kind: 'landed'; readonly row: RowValues }
  /** Refused, and by whom. */
  | { readonly kind: 'dead-letter'; readonly at: 'ingest' | 'processor' };

export interface Targets {
  readonly pipeline: Pipeline;
  readonly codec: Codec;
  readonly table: TableSink<object>;
  readonly objects: ObjectsSink<object>;
}

export function expectedOf({ pipeline, codec, table }: Targets, line: string, correlationId: string): Expected {
  let at: 'ingest' | 'processor' = 'ingest';
  try {
    const output = outputOf(pipeline, codec, line, { correlationId, publishTime: '' });
    at = 'processor';
    if (!(output instanceof Reject)) return { kind: 'landed', row: table.row(output) };
  } catch (error) {
    if (!(error instanceof Reject)) throw error;
  }
  return { kind: 'dead-letter', at };
}

/**
 * The output with the time at which the log took the event, which only the object itself tells; what the transform refuses
 * is answered as a Reject.
 * @param file that it came in, where it came in one
 * @throws Reject where ingest must have refused the event
 */
export function outputOf(
  pipeline: Pipeline,
  codec: Codec,
  line: string,
  metadata: { readonly correlationId: string; readonly publishTime: string },
  file?: string,
): object | Reject {
  const received = decodeEvent({ bytes: Buffer.from(line), tooDeep: false }, pipeline.verbatim);
  const normalised = pipeline.normalise(received.event, receivedAs(metadata.correlationId, file)) as object;
  const event = codec.decode(Buffer.from(codec.encode(normalised))) as Record<string, object>;
  for (const name of pipeline.verbatim) attachVerbatim(event[name] as object, memberText(line, name) as string);
  try {
    return pipeline.process.transform(event, { ...metadata, schemaId: codec.schemaId }) as object;
  } catch (error) {
    if (error instanceof Reject) return error;
    throw error;
  }
}
