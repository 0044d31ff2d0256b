/**
 * An answer that many listen to: one look at a time serves them all, the next one so long after it, and none where nobody
 * listens. A look that fails is told once, to them and to the log, and whatever comes after it is told again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../errors.ts';
import { internal, refusalBody } from '../answer-error.ts';
import type { Listener } from './listener.ts';

export interface LiveAnswerOptions {
  /** The answer as JSON text. */
  readonly look: () => Promise<string>;
  readonly lookEveryMs: number;
  /** The last look failed, and the one before it had not. */
  readonly onTrouble: (error: unknown) => void;
}

export class LiveAnswer {
  readonly #options: LiveAnswerOptions;
  readonly #listeners = new Set<Listener>();
  /** Of the last look while somebody listens; undefined where it failed. */
  #text: string | undefined;
  #isWatching = false;
  #watching = Promise.resolve();
  #first: Promise<string> | undefined;
  #isAtEnd = false;

  constructor(options: LiveAnswerOptions) {
    this.#options = options;
  }

  /** For who begins to listen: as old as the last look, or looked at now. Throws what the look throws. */
  async current(): Promise<string> {
    if (this.#text !== undefined) return this.#text;
    this.#first ??= this.#options.look().finally(() => (this.#first = undefined));
    return this.#first;
  }

  /** @param text of `current` */
  add(listener: Listener, text: string): void {
    listener.send(answerEvent(this.#text ?? text));
    if (this.#isAtEnd) return listener.end();
    this.#listeners.add(listener);
    listener.onGone(() => this.#listeners.delete(listener));
    if (this.#isWatching) return;
    this.#text = text;
    this.#isWatching = true;
    this.#watching = this.#watch();
  }

  /** Whoever listens now, or begins to, is sent away. */
  end(): void {
    this.#isAtEnd = true;
    for (const listener of this.#listeners) listener.end();
  }

  /** After `end`: nothing is looked at any more. */
  async ended(): Promise<void> {
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (this.#listeners.size > 0) {
      await sleep(this.#options.lookEveryMs);
      if (this.#listeners.size > 0) await this.#look();
    }
    this.#text = undefined;
    this.#isWatching = false;
  }

  async #look(): Promise<void> {
    try {
      const text = await this.#options.look();
      if (text !== this.#text) this.#tell(answerEvent(text));
      this.#text = text;
    } catch (error) {
      if (this.#text === undefined) return;
      this.#text = undefined;
      this.#options.onTrouble(error);
      this.#tell(troubleEvent(error));
    }
  }

  #tell(event: string): void {
    for (const listener of this.#listeners) listener.send(event);
  }
}

function answerEvent(text: string): string {
  return `data: ${text}\n\n`;
}

function troubleEvent(error: unknown): string {
  return `event: trouble\ndata: ${JSON.stringify(error instanceof Fault ? refusalBody(error) : internal)}\n\n`;
}
