/**
 * Producers at work on the nodes that there are, for as long as the proof lasts: each does its work again and again, and what was not
 * answered is sent again, under the same Idempotency-Key, to another node where there is one. What is sent, and what an answer means,
 * a subject says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import type { Senders } from './subject.ts';

export interface LoadOptions {
  readonly random: Random;
  /** Names its Idempotency-Keys; another one for each load. */
  readonly runId: string;
  /** Between two works of a worker. Default 100 ms. */
  readonly longestPauseMs?: number;
  /** Beyond that a request counts as not answered, as with producers that give up. Default 30 s. */
  readonly answerTimeoutMs?: number;
}

/** One turn of a worker, such as a package until it is acknowledged. */
export type Work = (load: Load) => Promise<void>;

export interface Delivery {
  /** With its query string. */
  readonly path: string;
  /** JSON; undefined: there is none. */
  readonly body?: string;
  /** Answers that end it; default 200 alone. 503, or none, is tried again. */
  readonly final?: readonly number[];
}

export interface LoadAnswer {
  readonly status: number;
  readonly text: string;
}

const defaultLongestPauseMs = 100;
const defaultAnswerTimeoutMs = 30_000;
const resendAfterMs = 20;
/** Enough for a report. */
const keptAnswers = 20;

export class Load implements Senders {
  /** Deliveries that were begun. */
  deliveries = 0;
  resent = 0;
  /** Answers that no producer should see: neither final nor 503. */
  readonly unexpected: string[] = [];
  /** Attempts that brought no answer, by what came instead: a status, or the code of an error. */
  readonly unanswered: Record<string, number> = {};
  readonly #options: LoadOptions;
  readonly #urls = new Map<string, string>();
  readonly #acknowledgedBy = new Map<string, number>();
  #anyUrl = Promise.withResolvers<void>();
  #stopped = false;
  readonly #working: Promise<unknown>;

  /** @param workers what each does */
  constructor(options: LoadOptions, workers: readonly Work[]) {
    this.#options = options;
    this.#working = Promise.all(workers.map((work) => this.#repeat(work)));
  }

  /** Where a node takes events from now on; undefined: nowhere until the next one. */
  target(url: string | undefined, node = ''): void {
    if (url !== undefined) {
      this.#urls.set(node, url);
      this.#anyUrl.resolve();
    } else if (this.#urls.delete(node) && this.#urls.size === 0) this.#anyUrl = Promise.withResolvers(); // else those who wait go on waiting
  }

  /** Deliveries that the node has acknowledged. */
  acknowledgedBy(node: string): number {
    return this.#acknowledgedBy.get(node) ?? 0;
  }

  /** Begins nothing more; resolves when all that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  /** Resolves with the final answer, whenever that comes. */
  async deliver({ path, body, final = [200] }: Delivery): Promise<LoadAnswer> {
    const key = `${this.#options.runId}-${this.deliveries++}`;
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), 'idempotency-key': key };
    const init = { method: 'POST', headers, ...(body !== undefined && { body }) };
    for (let failed: string | undefined; ;) {
      const [node, url] = await this.#pickNode(failed);
      const answer = await this.#fetch(new URL(path, url), init, final);
      if (answer) {
        this.#acknowledgedBy.set(node, this.acknowledgedBy(node) + 1);
        return answer;
      }
      failed = node;
      this.resent += 1;
      await sleep(resendAfterMs);
    }
  }

  /** Sends it once, without a key, as a producer that never sends again; undefined where it does not know what became of it. */
  async post({ path, body = '', final = [200] }: Delivery): Promise<LoadAnswer | undefined> {
    this.deliveries += 1;
    const [node, url] = await this.#pickNode(undefined);
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const answer = await this.#fetch(new URL(path, url), init, final);
    if (answer) this.#acknowledgedBy.set(node, this.acknowledgedBy(node) + 1);
    return answer;
  }

  /** Asks any node once, when there is one; undefined where it does not answer, or cannot answer now. */
  async ask(path: string): Promise<LoadAnswer | undefined> {
    const [, url] = await this.#pickNode(undefined);
    return this.#fetch(new URL(path, url), {}, [200]);
  }

  /** Tells of an answer that no producer should see. */
  noteUnexpected(answer: string): void {
    if (this.unexpected.length < keptAnswers) this.unexpected.push(answer);
  }

  async #repeat(work: Work): Promise<void> {
    const { random, longestPauseMs = defaultLongestPauseMs } = this.#options;
    while (!this.#stopped) {
      await work(this);
      await sleep(random() * longestPauseMs);
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

  async #fetch(url: URL, init: RequestInit, final: readonly number[]): Promise<LoadAnswer | undefined> {
    const { answerTimeoutMs = defaultAnswerTimeoutMs } = this.#options;
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(answerTimeoutMs) });
      const { status } = response;
      const text = await response.text();
      if (final.includes(status)) return { status, text };
      this.#noteUnanswered(String(status));
      if (status !== 503) this.noteUnexpected(`${status} ${text.slice(0, 200)}`);
    } catch (error) {
      // Killed before the answer was through, or it never came: not acknowledged.
      this.#noteUnanswered(codeOf(error as Error));
    }
    return undefined;
  }

  #noteUnanswered(what: string): void {
    this.unanswered[what] = (this.unanswered[what] ?? 0) + 1;
  }
}

function codeOf(error: Error): string {
  const { code } = (error.cause ?? error) as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
