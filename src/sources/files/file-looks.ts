/**
 * How others learn whether what stands in the directories of a pipeline has been taken. Who wants to know asks for a look, a number in the keyed state that the
 * nodes share. The one that takes the files lists the directories after that, and answers with the number once nothing that it found there is left to take.
 */
import type { StateStore } from '../../stores/state/state-store.ts';

export interface FilesTold {
  /** All directories have been listed since the source began. */
  readonly isListed: boolean;
  /** Files that were found, and are not in the log yet. */
  readonly waiting: number;
  /** Since the last listing began. */
  readonly passedOver: NotTaken;
  /** Undefined until one was asked for. */
  readonly answer: LookAnswer | undefined;
}

/** Every version of a file that stood there when the look was asked for has been taken, or is among these. */
export interface LookAnswer {
  readonly look: number;
  readonly notTaken: NotTaken;
}

export interface NotTaken {
  readonly count: number;
  /** The first of them. Names as they may be shown. */
  readonly some: readonly { readonly file: string; readonly why: string }[];
}

export class FileLooks {
  readonly #state: StateStore;
  readonly #askedKey: string;
  readonly #toldKey: string;

  constructor(state: StateStore, { logId, pipeline }: { readonly logId: string; readonly pipeline: string }) {
    this.#state = state;
    this.#askedKey = `files/${logId}/${pipeline}/asked`;
    this.#toldKey = `files/${logId}/${pipeline}/told`;
  }

  /** Answers the number of the look; it has been taken when that of the answer is as large. @throws Fault STATE_UNAVAILABLE, STATE_FULL */
  async ask(): Promise<number> {
    const key = this.#askedKey;
    for (;;) {
      const before = await this.#state.get(key);
      const look = numberIn(before) + 1;
      const isAsked = await this.#state.commit({
        expect: [{ key, value: before }],
        put: [{ key, value: Buffer.from(String(look)) }],
      });
      if (isAsked) return look;
    }
  }

  /** The last look that was asked for, 0 where there is none. @throws Fault STATE_UNAVAILABLE */
  async asked(): Promise<number> {
    return numberIn(await this.#state.get(this.#askedKey));
  }

  /** Undefined where no source has said anything yet. @throws Fault STATE_UNAVAILABLE */
  async told(): Promise<FilesTold | undefined> {
    return toldIn(await this.#state.get(this.#toldKey));
  }

  /** An answer that was given stays given, whoever tells later. @throws Fault STATE_UNAVAILABLE, STATE_FULL */
  async tell(told: FilesTold): Promise<void> {
    const key = this.#toldKey;
    for (;;) {
      const before = await this.#state.get(key);
      const answered = toldIn(before)?.answer;
      const answer = (answered?.look ?? 0) > (told.answer?.look ?? 0) ? answered : told.answer;
      const value = Buffer.from(JSON.stringify({ ...told, answer }));
      if (await this.#state.commit({ expect: [{ key, value: before }], put: [{ key, value }] })) return;
    }
  }
}

function numberIn(value: Buffer | undefined): number {
  return value === undefined ? 0 : Number(value.toString());
}

function toldIn(value: Buffer | undefined): FilesTold | undefined {
  return value === undefined ? undefined : (JSON.parse(value.toString()) as FilesTold);
}
