/** What becomes of the events of one partition that are refused: dead letters, a halt, or nothing. */
import { refusedRecords } from '../dead-letters/refused-records.ts';
import { Fault } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import type { RejectedEvent } from '../sinks/sink.ts';
import type { FillerOptions } from './batch-filler.ts';
import type { Invalid } from './batch-in-hand.ts';
import type { Ownership } from './ownership.ts';
import { readRange } from './read-batch.ts';

type RefusalsOptions = Pick<FillerOptions<unknown>, 'log' | 'consumer' | 'deadLetterTopic' | 'onInvalid'>;

export class Refusals {
  readonly #at: TopicPartition;
  readonly #options: RefusalsOptions;
  readonly #ownership: Ownership;
  #term: number | undefined;

  constructor(ownership: Ownership, options: RefusalsOptions) {
    this.#at = ownership.at;
    this.#options = options;
    this.#ownership = ownership;
  }

  /** Before the checkpoint is read: what is written from then on goes by it, and by the letters that there are. */
  async begin(): Promise<void> {
    this.#term = await this.#ownership.term();
  }

  /** What a sink refuses only when it stages is read again. */
  async withRecords(rejected: readonly RejectedEvent[]): Promise<readonly Invalid[]> {
    const byOffset = new Map(rejected.map((one) => [one.offset, one]));
    const offsets = rejected.map(({ offset }) => offset);
    const found: Invalid[] = [];
    if (rejected.length === 0) return found;
    const range = { from: Math.min(...offsets), to: Math.max(...offsets) + 1 };
    for await (const { records } of readRange(this.#options.log, this.#at, range)) {
      for (const record of records) {
        const one = byOffset.get(record.offset);
        if (one) found.push({ ...one, record });
      }
    }
    return found;
  }

  /** @throws Fault PIPELINE_HALTED where the pipeline is to halt at the first of them */
  haltOn([first]: readonly Invalid[]): void {
    if (this.#options.onInvalid !== 'halt' || !first) return;
    const where = `${this.#at.topic}-${this.#at.partition}, offset ${first.offset}`;
    throw new Fault('PIPELINE_HALTED', `${this.#options.consumer} halted at ${where}: ${first.path}: ${first.message}`);
  }

  /** Durable when it resolves, where they are to be dead letters. @throws Fault CHECKPOINT_STALE, and nothing is, where another process has the partition by now, or has had it since `begin` */
  async write(invalid: readonly Invalid[]): Promise<void> {
    const { log, deadLetterTopic, consumer, onInvalid } = this.#options;
    if (onInvalid !== 'dead-letter' || invalid.length === 0) return;
    const batch = log.batch();
    for (const { record, path, message } of invalid) {
      const origin = { ...this.#at, offset: record.offset };
      const refused = { record, origin, pipeline: consumer, deadLetterTopic, path, message };
      for (const made of refusedRecords(refused)) batch.add(made);
    }
    await log.append(batch, { owner: await this.#ownership.owner(this.#term) });
  }
}
