/**
 * The source's side of looks (file-looks.ts): a listing that begins after one was asked for finds what is to be taken; the answer is given when each version
 * that waited at its end has been taken or passed over, or is another one by now, as its writer goes on. So no file makes anybody wait for ever.
 */
import { isFault } from '../../errors.ts';
import { shownFile } from './candidate.ts';
import type { FileLooks, FilesTold, LookAnswer, NotTaken } from './file-looks.ts';
import type { SeenFile, Settling } from './settling.ts';

const tellEveryMs = 1_000;
const mostNamed = 5;
/** More are counted, and may be counted twice. */
const mostKnown = 1_000;

interface LookUnderWay {
  readonly look: number;
  /** By their ids. */
  readonly left: Map<string, SeenFile>;
  readonly passedOver: PassedOver;
}

export class LookAnswers {
  readonly #looks: FileLooks;
  readonly #settling: Settling;
  #isListed = false;
  #passedOver = new PassedOver();
  /** The last that a listing has begun for. */
  #listedFor = 0;
  #listing: { readonly look: number; readonly missedBefore: number } | undefined;
  #underWay: LookUnderWay | undefined;
  #answer: LookAnswer | undefined;
  #isAnswerTold = true;
  #told = '';
  #nextTellMs = 0;

  constructor(looks: FileLooks, settling: Settling) {
    this.#looks = looks;
    this.#settling = settling;
  }

  /** What was found before is not to be relied on. */
  begin(): void {
    this.#isListed = false;
    this.#listedFor = 0;
    this.#listing = undefined;
    this.#underWay = undefined;
    this.#told = '';
    this.#nextTellMs = 0;
  }

  /** Whether to list for somebody who asks; one look after the other. */
  async isAsked(): Promise<boolean> {
    return this.#underWay === undefined && (await this.#asked()) > this.#listedFor;
  }

  async listingBegins(): Promise<void> {
    this.#passedOver = new PassedOver();
    const look = await this.#asked();
    const isNew = this.#underWay === undefined && look > (this.#answer?.look ?? 0);
    this.#listing = isNew ? { look, missedBefore: this.#settling.missed } : undefined;
    if (isNew) this.#listedFor = look;
  }

  /** All that it found has been taken, or waits. */
  listingEnds(): void {
    this.#isListed = true;
    const listing = this.#listing;
    if (!listing || listing.missedBefore !== this.#settling.missed) return; // the next listing finds those that had no room
    const left = new Map(this.#settling.all());
    this.#underWay = { look: listing.look, left, passedOver: this.#passedOver.copy() };
  }

  passedOver(file: string, why: string): void {
    this.#passedOver.add(file, why);
    this.#underWay?.passedOver.add(file, why);
  }

  /** An answer at once, everything else from time to time. */
  async tell(): Promise<void> {
    this.#answerWhatIsDone();
    const told: FilesTold = {
      isListed: this.#isListed,
      waiting: this.#settling.size,
      passedOver: this.#passedOver.notTaken,
      answer: this.#answer,
    };
    const text = JSON.stringify(told);
    if (text === this.#told || (this.#isAnswerTold && performance.now() < this.#nextTellMs)) return;
    if (!(await whileThere(() => this.#looks.tell(told).then(() => true)))) return;
    this.#told = text;
    this.#isAnswerTold = true;
    this.#nextTellMs = performance.now() + tellEveryMs;
  }

  #answerWhatIsDone(): void {
    if (!this.#underWay) return;
    const { look, left, passedOver } = this.#underWay;
    for (const [id, { candidate, version }] of left) {
      const now = this.#settling.at(id);
      if (now && (now.version === undefined || now.version === version)) continue;
      if (now && version === undefined) {
        left.set(id, now);
        continue;
      }
      left.delete(id);
      if (now) passedOver.add(shownFile(candidate), 'is still being written');
    }
    if (left.size > 0) return;
    this.#answer = { look, notTaken: passedOver.notTaken };
    this.#isAnswerTold = false;
    this.#underWay = undefined;
  }

  /** While the state is out of reach, nobody asks. */
  async #asked(): Promise<number> {
    return (await whileThere(() => this.#looks.asked())) ?? 0;
  }
}

class PassedOver {
  readonly #known: Map<string, string>;
  #more: number;

  constructor(known = new Map<string, string>(), more = 0) {
    this.#known = known;
    this.#more = more;
  }

  copy(): PassedOver {
    return new PassedOver(new Map(this.#known), this.#more);
  }

  add(file: string, why: string): void {
    if (this.#known.size < mostKnown || this.#known.has(file)) this.#known.set(file, why);
    else this.#more += 1;
  }

  get notTaken(): NotTaken {
    const some = [...this.#known.entries().take(mostNamed)].map(([file, why]) => ({ file, why }));
    return { count: this.#known.size + this.#more, some };
  }
}

/** Undefined where the state is out of reach, or full: it is tried again later, and files are taken meanwhile as far as they can be. */
async function whileThere<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isFault(error, 'STATE_UNAVAILABLE') || isFault(error, 'STATE_FULL')) return undefined;
    throw error;
  }
}
