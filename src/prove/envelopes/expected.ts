/** What the packages that were sent must have become, computed again from their bytes. */
import { correlationId, createPackageIds } from '../../event/correlation-id.ts';
import { Reject } from '../../event/reject.ts';
import { stringifyEvent } from '../../event/verbatim.ts';
import { acceptedRecord } from '../../ingest/accepted-record.ts';
import { Filtered, pipelineConverter } from '../../processing/convert.ts';
import type { Codec } from '../../schemas/codec.ts';
import type { Codecs } from '../../schemas/codecs.ts';
import type { ProvenPipeline } from './proven-pipeline.ts';
import type { SentPackage } from './sent-packages.ts';

/** Where an event lies, and as what. */
export interface Place {
  readonly prefix: string;
  readonly line: string;
}

export interface Expected {
  /** By key: events that must be there once. */
  readonly taken: ReadonlyMap<string, Place>;
  /** By key: those that were sent in packages of which nobody has told, and in no other: they may be there, once. */
  readonly untold: ReadonlyMap<string, Place>;
  /** By the id of its letter: the body of a package that was refused, as it must be. */
  readonly refused: ReadonlyMap<string, string>;
  /** Packages that were taken or refused, and ought to have been the other. */
  readonly wrong: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

type Outcome = { readonly key: string; readonly place: Place } | Filtered | Reject;

export async function expectedOf(
  proven: ProvenPipeline,
  codecs: Codecs,
  sent: readonly SentPackage[],
): Promise<Expected> {
  const codec = await codecs.latest(proven.pipeline.schema.subject);
  const taken = new Map<string, Place>();
  const untold = new Map<string, Place>();
  const refused = new Map<string, string>();
  const wrong: string[] = [];
  const counts = { 'envelopes without an answer': 0, 'events filtered': 0, 'events sent twice': 0 };
  for (const { lines, body, answer, packageId } of sent) {
    const outcomes: Outcome[] = [];
    for (const line of lines) outcomes.push(await outcomeOf(proven, codecs, codec, line));
    const isInvalid = outcomes.some((one) => one instanceof Reject);
    if (answer !== 'none' && isInvalid !== (answer === 'refused')) wrong.push(`a package was ${answer}: ${body}`);
    if (answer === 'refused') refused.set(packageId ?? '', body);
    if (answer === 'none') counts['envelopes without an answer'] += 1;
    if (answer === 'refused' || isInvalid) continue;
    for (const one of outcomes) {
      if (one instanceof Reject) continue;
      if (one instanceof Filtered) counts['events filtered'] += 1;
      else if (answer === 'none') untold.set(one.key, one.place);
      else if (taken.has(one.key)) counts['events sent twice'] += 1;
      else taken.set(one.key, one.place);
    }
  }
  for (const key of taken.keys()) untold.delete(key);
  return { taken, untold, refused, wrong, counts };
}

const nextId = createPackageIds({ now: Date.now });

async function outcomeOf(
  { pipeline, deduplicate, objects }: ProvenPipeline,
  codecs: Codecs,
  codec: Codec,
  line: string,
): Promise<Outcome> {
  try {
    const about = { pipeline, codec, correlationId: correlationId(nextId(), 0) };
    const { value, headers } = acceptedRecord({ bytes: Buffer.from(line), tooDeep: false }, about);
    const read = headers.map(([name, header]) => [name, Buffer.from(header as Uint8Array)] as const);
    const record = { offset: 0, timeMs: Date.now(), key: null, value: Buffer.from(value), headers: read };
    const [output] = await pipelineConverter(pipeline, codecs)([record]);
    if (output === undefined || output instanceof Reject || output instanceof Filtered)
      return output ?? new Reject('', 'nothing came of it');
    return { key: deduplicate.key(output), place: { prefix: objects.key(output), line: stringifyEvent(output) } };
  } catch (error) {
    if (error instanceof Reject) return error;
    throw error;
  }
}
