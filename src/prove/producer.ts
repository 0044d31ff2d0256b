/**
 * Sends events with known content for as long as the proof lasts, and sends again what was not acknowledged, under the same
 * Idempotency-Key, to another node where there is one. Remembers what each acknowledgement said.
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
  /** Between the packages of a worker. Default 100 ms. */
  readonly longestPauseMs?: number;
  /** Beyond that a package counts as not acknowledged, as with producers that give up. Default 30 s. */
  readonly answerTimeoutMs?: number;
}

const workers = 8;
const largestPackage = 10;
const defaultLongestPauseMs = 100;
const defaultAnswerTimeoutMs = 30_000;
const resendAfterMs = 20;
/** Enough for a report. */
const keptAnswers = 20;

export class Producer {
  /** By correlation id. */
  readonly acknowledged = new Map<string, Sent>();
  packages = 0;
  resent = 0;
  /** Answers that no producer should see: neither 200 nor 503. */
  readonly unexpected: string[] = [];
  /** Attempts that brought no answer, by what came instead: a status, or the code of an error. */
  readonly unanswered: Record<string, number> = {};
  readonly #options: ProducerOptions;
  readonly #urls = new Map<string, string>();
  readonly #acknowledgedBy = new Map<string, number>();
  #anyUrl = Promise.withResolvers<void>();
  #stopped = false;
  readonly #working: Promise<unknown>;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#working = Promise.all(Array.from({ length: workers }, () => this.#work()));
  }

  /** Where a node takes events from now on; undefined: nowhere until the next one. */
  target(url: string | undefined, node = ''): void {
    if (url !== undefined) {
      this.#urls.set(node, url);
      this.#anyUrl.resolve();
    } else if (this.#urls.delete(node) && this.#urls.size === 0) this.#anyUrl = Promise.withResolvers(); // else those who wait go on waiting
  }

  /** Packages that the node has acknowledged. */
  acknowledgedBy(node: string): number {
    return this.#acknowledgedBy.get(node) ?? 0;
  }

  /** Starts no new packages; resolves when all that were started are acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    const { random, lines, longestPauseMs = defaultLongestPauseMs } = this.#options;
    while (!this.#stopped) {
      const wanted = between(random, 1, largestPackage);
      const taken: string[] = [];
      while (taken.length < wanted) taken.push(lines.next().value as string);
      await this.#sendUntilAcknowledged(taken, `${this.#options.runId}-${this.packages++}`);
      await sleep(random() * longestPauseMs);
    }
  }

  async #sendUntilAcknowledged(lines: readonly string[], key: string): Promise<void> {
    for (let failed: string | undefined; ;) {
      const [node, url] = await this.#pickNode(failed);
      const answer = await this.#send(url, lines, key);
      if (answer) {
        this.#acknowledgedBy.set(node, this.acknowledgedBy(node) + 1);
        return this.#remember(lines, answer);
      }
      failed = node;
      this.resent += 1;
      await sleep(resendAfterMs);
    }
  }

  /** Another one than the one that failed, where there is one. */
  async #pickNode(failed: string | undefined): Promise<readonly [node: string, url: string]> {
    for (;;) {
      await this.#anyUrl.promise;
      const all = [...this.#urls];
      const others = all.filter(([node]) => node !== failed);
      const from = others.length > 0 ? others : all;
      const picked = from[Math.floor(this.#options.random() * from.length)];
      if (picked) return picked;
    }
  }

  async #send(base: string, lines: readonly string[], key: string): Promise<Answer | undefined> {
    const { path, answerTimeoutMs = defaultAnswerTimeoutMs } = this.#options;
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const signal = AbortSignal.timeout(answerTimeoutMs);
    try {
      const response = await fetch(new URL(path, base), {
        method: 'POST',
        headers,
        body: `[${lines.join(',')}]`,
        signal,
      });
      const text = await response.text();
      if (response.status === 200) return JSON.parse(text) as Answer;
      this.#noteUnanswered(String(response.status));
      if (response.status !== 503 && this.unexpected.length < keptAnswers)
        this.unexpected.push(`${response.status} ${text.slice(0, 200)}`);
    } catch (error) {
      // Killed before the answer was through, or it never came. The package counts as not acknowledged.
      this.#noteUnanswered(codeOf(error as Error));
    }
    return undefined;
  }

  #noteUnanswered(what: string): void {
    this.unanswered[what] = (this.unanswered[what] ?? 0) + 1;
  }

  #remember(lines: readonly string[], { packageId, errors }: Answer): void {
    const rejected = new Set(errors.map(({ index }) => index));
    lines.forEach((line, index) => {
      const id = packageId.slice(0, 30) + index.toString(16).padStart(6, '0');
      this.acknowledged.set(id, { line, rejected: rejected.has(index) });
    });
  }
}

function codeOf(error: Error): string {
  const { code } = (error.cause ?? error) as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
