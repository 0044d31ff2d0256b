/**
 * Sends events with known content for as long as the proof lasts, and sends again what was not acknowledged, under the same
 * Idempotency-Key. Remembers what each acknowledgement said.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../ingest/answer.ts';
import { between, type Random } from './random.ts';

/** What an acknowledged event must have come to. */
export interface Sent {
  readonly line: string;
  /** The answer listed it among its errors. */
  readonly rejected: boolean;
}

export interface ProducerOptions {
  readonly path: string;
  readonly lines: Iterator<string>;
  readonly random: Random;
  readonly runId: string;
}

const workers = 8;
const largestPackage = 10;
const longestPauseMs = 100;
/** Beyond that it counts as not acknowledged, as with producers that give up. */
const answerTimeoutMs = 30_000;
/** Enough for a report. */
const keptAnswers = 20;

export class Producer {
  /** By correlation id. */
  readonly acknowledged = new Map<string, Sent>();
  packages = 0;
  resent = 0;
  /** Answers that no producer should see: neither 200 nor 503. */
  readonly unexpected: string[] = [];
  readonly #options: ProducerOptions;
  #url = Promise.withResolvers<string>();
  #targeted = false;
  #stopped = false;
  readonly #working: Promise<unknown>;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#working = Promise.all(Array.from({ length: workers }, () => this.#work()));
  }

  /** Where to send to from now on; undefined: nowhere until the next one. */
  target(url: string | undefined): void {
    if (url !== undefined) this.#url.resolve(url);
    else if (this.#targeted) this.#url = Promise.withResolvers<string>(); // else those who wait go on waiting
    this.#targeted = url !== undefined;
  }

  /** Starts no new packages; resolves when all that were started are acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    const { random, lines } = this.#options;
    while (!this.#stopped) {
      const wanted = between(random, 1, largestPackage);
      const taken: string[] = [];
      while (taken.length < wanted) taken.push(lines.next().value as string);
      await this.#sendUntilAcknowledged(taken, `${this.#options.runId}-${this.packages++}`);
      await sleep(random() * longestPauseMs);
    }
  }

  async #sendUntilAcknowledged(lines: readonly string[], key: string): Promise<void> {
    for (;;) {
      const answer = await this.#send(lines, key);
      if (answer) return this.#remember(lines, answer);
      this.resent += 1;
      await sleep(20);
    }
  }

  async #send(lines: readonly string[], key: string): Promise<Answer | undefined> {
    const url = new URL(this.#options.path, await this.#url.promise);
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const signal = AbortSignal.timeout(answerTimeoutMs);
    try {
      const response = await fetch(url, { method: 'POST', headers, body: `[${lines.join(',')}]`, signal });
      const text = await response.text();
      if (response.status === 200) return JSON.parse(text) as Answer;
      if (response.status !== 503 && this.unexpected.length < keptAnswers)
        this.unexpected.push(`${response.status} ${text.slice(0, 200)}`);
    } catch {
      // the connection broke: killed before the answer was through, or it never came. The package counts as not acknowledged
    }
    return undefined;
  }

  #remember(lines: readonly string[], { packageId, errors }: Answer): void {
    const rejected = new Set(errors.map(({ index }) => index));
    lines.forEach((line, index) => {
      const id = packageId.slice(0, 30) + index.toString(16).padStart(6, '0');
      this.acknowledged.set(id, { line, rejected: rejected.has(index) });
    });
  }
}
