/**
 * Systems that take packages in envelopes and deduplicate their events: of each package that was answered 200, each event is in the objects
 * once, but for those that are filtered; of one that was refused, nothing, and it is a dead letter as it was sent (D1, D2, D3, D5).
 */
import type { Config } from '../../config/config.ts';
import { openEngineReader } from '../../engine/engine.ts';
import type { EventApp } from '../../pipeline/app.ts';
import { packageSource } from '../../pipeline/source-paths.ts';
import { createCodecs } from '../../schemas/codecs.ts';
import { Load, type LoadOptions } from '../load.ts';
import { readLetters } from '../packages/landed.ts';
import type { Subject, Verdict } from '../subject.ts';
import { expectedOf } from './expected.ts';
import { judge } from './judge.ts';
import { readLanded } from './landed.ts';
import { type ProvenPipeline, provenPipeline } from './proven-pipeline.ts';
import { sendEnvelope, type SentPackage } from './sent-packages.ts';

const workers = 8;

export class EnvelopesSubject implements Subject {
  readonly sends = 'envelopes';
  readonly workingDir = undefined;
  readonly counts: Record<string, number> = {};
  readonly sent: SentPackage[] = [];
  readonly #proven: ProvenPipeline;
  readonly #lines: Iterator<string>;

  /** @throws Fault USAGE as provenPipeline */
  constructor({ pipeline }: EventApp, lines: Iterator<string>) {
    this.#proven = provenPipeline(pipeline);
    this.#lines = lines;
  }

  /** Of packages that were taken or refused. */
  get acknowledged(): number {
    return this.#events('taken') + this.#events('refused');
  }

  get accepted(): number {
    return this.#events('taken');
  }

  startLoad(options: LoadOptions): Load {
    const { pipeline, envelope } = this.#proven;
    const { path } = packageSource(pipeline);
    const onSent = (sent: SentPackage): void => void this.sent.push(sent);
    const sending = { path, envelope, lines: this.#lines, random: options.random, onSent };
    const work = (load: Load): Promise<void> => sendEnvelope(load, sending);
    return new Load(
      options,
      Array.from({ length: workers }, () => work),
    );
  }

  /** All that it must have become has landed. */
  look(): Promise<void> {
    return Promise.resolve();
  }

  async compare(config: Config): Promise<Verdict> {
    const { pipeline } = this.#proven;
    const reader = await openEngineReader(config);
    try {
      const codecs = createCodecs(await reader.registry());
      const expected = await expectedOf(this.#proven, codecs, this.sent);
      const letters = await readLetters(reader, pipeline.deadLetterTopic);
      const landed = await readLanded(await reader.objects(), this.#proven);
      Object.assign(this.counts, expected.counts);
      return judge(expected, { letters, landed });
    } finally {
      await reader.close();
    }
  }

  #events(answer: SentPackage['answer']): number {
    return this.sent.reduce((sum, sent) => (sent.answer === answer ? sum + sent.lines.length : sum), 0);
  }
}
