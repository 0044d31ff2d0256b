/**
 * Records as a bounded Beam pipeline: validate, enrich, split valid from invalid. The steps are those of the platform's own processor.
 *
 * Beam takes functions apart, writes them as text and puts them together again. Those below are registered by name, so that it refers to
 * them; and a pipeline refers to its records by the number of their batch, where `create` would write each into the pipeline. Elements go
 * from function to function as they are, since the DirectRunner has one bundle, in this process.
 */
import './expected-by-beam.ts'; // first
import { flatten, impulse, P, type PCollection, type Root, split, withName } from 'apache-beam';
import { directRunner } from 'apache-beam/runners/direct_runner';
import { requireForSerialization } from 'apache-beam/serialization';
import { Reject } from '../src/event/reject.ts';
import type { LogRecord } from '../src/log/log.ts';
import type { ConversionSteps, ValidEvent } from '../src/processing/convert.ts';
import type { Codec } from '../src/schemas/codec.ts';

export interface MicroBatch {
  readonly records: readonly LogRecord[];
  /** Of each record. */
  readonly codecs: readonly (Codec | Reject)[];
  readonly steps: Pick<ConversionSteps, 'validate' | 'enrich'>;
  /** Of each record, once the pipeline has run. */
  readonly outputs: (object | Reject | undefined)[];
}

/** What has become of the record at `index`. */
interface Element<Value> {
  readonly batch: MicroBatch;
  readonly index: number;
  readonly value: Value;
}

/** An element for one of two collections. */
type Either<Valid> = { readonly valid: Element<Valid> } | { readonly invalid: Element<Reject> };

interface Parted<Valid> {
  readonly valid: PCollection<Element<Valid>>;
  readonly invalid: PCollection<Element<Reject>>;
}

const runner = directRunner({});
const inHand = new Map<number, MicroBatch>();
let lastNumber = 0;

/** Resolves when each record has its output. */
export async function runPipeline(batch: MicroBatch): Promise<void> {
  const number = ++lastNumber;
  inHand.set(number, batch);
  try {
    await runner.run((root) => processor(root, number));
  } finally {
    inHand.delete(number);
  }
}

function processor(root: Root, number: number): void {
  const records = root.apply<PCollection<Uint8Array>>(impulse()).flatMap(recordsOf, { number });
  const validated = parted('validated', records.map(validate));
  const enriched = parted('enriched', validated.valid.map(enrich));
  const outcomes: PCollection<Element<object>>[] = [enriched.valid, validated.invalid, enriched.invalid];
  P(outcomes).apply(flatten()).map(putOut);
}

function parted<Valid>(name: string, elements: PCollection<Either<Valid>>): Parted<Valid> {
  return elements.apply(withName(name, split(['valid', 'invalid'])));
}

function* recordsOf(_impulse: Uint8Array, { number }: { readonly number: number }): Generator<Element<LogRecord>> {
  const batch = inHand.get(number) as MicroBatch;
  for (const [index, value] of batch.records.entries()) yield { batch, index, value };
}

function validate({ batch, index, value }: Element<LogRecord>): Either<ValidEvent> {
  return either(batch, index, batch.steps.validate(value, batch.codecs[index] as Codec | Reject));
}

function enrich({ batch, index, value }: Element<ValidEvent>): Either<object> {
  return either(batch, index, batch.steps.enrich(batch.records[index] as LogRecord, value));
}

function either<Valid>(batch: MicroBatch, index: number, value: Valid | Reject): Either<Valid> {
  return value instanceof Reject ? { invalid: { batch, index, value } } : { valid: { batch, index, value } };
}

function putOut({ batch, index, value }: Element<object>): void {
  batch.outputs[index] = value;
}

requireForSerialization('tributary-beam', { recordsOf, validate, enrich, putOut });
