/**
 * From a record to what the sinks take: decode and validate by the schema that it names, then the pipeline's
 * transform. A pure function of the record, so that a batch done again gives the same.
 */
import { isFault } from '../errors.ts';
import { memberSpan } from '../event/json-member.ts';
import { asReject, Reject } from '../event/reject.ts';
import { attachVerbatim } from '../event/verbatim.ts';
import { parseSpans } from '../event/verbatim-spans.ts';
import type { LogRecord } from '../log/log.ts';
import { headerText, headerValue } from '../log/record-header.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Codec } from '../schemas/codec.ts';
import type { Codecs } from '../schemas/codecs.ts';

/** In place of an event that the pipeline's filter has taken out. */
export class Filtered {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The records' outputs in order: for an invalid record the `Reject`. */
export type Convert<Output> = (records: readonly LogRecord[]) => Promise<readonly (Output | Reject | Filtered)[]>;

/** What becomes of a record, step by step, for whoever takes records through the steps. Only the codecs have to be awaited. */
export interface ConversionSteps {
  /** By the schemas that the records name, in their order: a Reject where none is usable. @throws where the registry cannot be reached */
  readonly codecsOf: (records: readonly LogRecord[]) => Promise<readonly (Codec | Reject)[]>;
  /** The event, decoded and checked; never throws. */
  readonly validate: (record: LogRecord, codec: Codec | Reject) => ValidEvent | Reject;
  /** What the pipeline's transform makes of it, told where the event comes from, unless its filter leaves it out; never throws. */
  readonly enrich: (record: LogRecord, valid: ValidEvent) => object | Reject | Filtered;
}

export interface ValidEvent {
  readonly event: Readonly<Record<string, unknown>>;
  readonly schemaId: number;
}

/** Takes records through the steps. */
export type Converter = (steps: ConversionSteps) => Convert<object>;

/** @param converter default: one record after the other */
export function pipelineConverter(pipeline: Pipeline, codecs: Codecs, converter = convertInTurn): Convert<object> {
  return converter({
    codecsOf: (records) => codecsOf(records, codecs),
    validate: (record, codec) => validate(record, codec, pipeline),
    enrich: (record, valid) => enrich(record, valid, pipeline),
  });
}

function convertInTurn({ codecsOf: usableFor, validate: check, enrich: complete }: ConversionSteps): Convert<object> {
  return async (records) => {
    const found = await usableFor(records);
    return records.map((record, index) => {
      const valid = check(record, found[index] as Codec | Reject);
      return valid instanceof Reject ? valid : complete(record, valid);
    });
  };
}

async function codecsOf(records: readonly LogRecord[], codecs: Codecs): Promise<readonly (Codec | Reject)[]> {
  const found: (Codec | Reject)[] = [];
  let last: { readonly schemaId: number; readonly codec: Codec | Reject } | undefined;
  for (const record of records) {
    const schemaId = Number(headerText(record, 'schemaId'));
    if (last?.schemaId !== schemaId) last = { schemaId, codec: await usable(codecs, schemaId) };
    found.push(last.codec);
  }
  return found;
}

/** A Reject where the registry does not have it, or has what is no schema; one that cannot be reached is another matter, and is tried again. */
async function usable(codecs: Codecs, schemaId: number): Promise<Codec | Reject> {
  try {
    return await codecs.byId(schemaId);
  } catch (error) {
    if (isFault(error, 'SCHEMA_UNKNOWN'))
      return new Reject('', `expected the id of a registered schema, got ${schemaId}`);
    if (isFault(error, 'SCHEMA_INVALID'))
      return new Reject('', `expected a usable schema, got ${schemaId}: ${error.message}`);
    throw error;
  }
}

function validate(record: LogRecord, codec: Codec | Reject, { verbatim }: Pipeline): ValidEvent | Reject {
  if (codec instanceof Reject) return codec;
  try {
    const event = codec.decode(record.value) as Record<string, unknown>;
    if (verbatim.length > 0) restoreVerbatim(event, verbatim, record);
    return { event, schemaId: codec.schemaId };
  } catch (error) {
    return asReject(error, 'transform');
  }
}

function enrich(record: LogRecord, { event, schemaId }: ValidEvent, { process }: Pipeline): object | Reject | Filtered {
  try {
    const reason = process.filter?.(event);
    if (reason !== undefined) return new Filtered(reason);
    return process.transform(event, {
      correlationId: headerText(record, 'correlationId'),
      publishTime: isoTime(record.timeMs),
      schemaId,
    }) as object;
  } catch (error) {
    return asReject(error, 'transform');
  }
}

/** Who writes to the topic beside ingest may not say where the members stand. */
function restoreVerbatim(event: Record<string, unknown>, names: readonly string[], record: LogRecord): void {
  const received = headerValue(record, 'received');
  const spans =
    parseSpans(headerText(record, 'verbatim'), names.length) ?? names.map((name) => memberSpan(received, name));
  for (const [index, name] of names.entries()) {
    const member = event[name];
    const span = spans[index];
    if (typeof member !== 'object' || member === null || span === undefined) continue;
    attachVerbatim(member, received.toString('utf8', span.start, span.end));
  }
}

const lastTime = { ms: Number.NaN, iso: '' };

/** Records of one append share their time, so the last one is kept. */
function isoTime(ms: number): string {
  if (lastTime.ms !== ms) Object.assign(lastTime, { ms, iso: new Date(ms).toISOString() });
  return lastTime.iso;
}
