/**
 * The API of one pull: each page asked for at the pace that is allowed, with credentials, and again while that may help. Several may be
 * asked for at once: the pace holds for all together, and so does `Retry-After`. Credentials go to the origin of the base only, wherever
 * links lead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../errors.ts';
import type { Pull } from '../../pipeline/pulls.ts';
import { type Authorisation, authorisationOf, urlOf, type Variables } from './authorisation.ts';
import { type Answer, Exchange, NoAnswer, type Request } from './exchange.ts';
import { paceOf } from './pace.ts';
import { longestRetryAfterMs, Passing, retryAfterMs, withRetries } from './retries.ts';

export interface ApiObserver {
  /** Of each request; 0 where there was no whole answer. Must not throw. */
  readonly asked: (status: number) => void;
  /** A request is tried again. Must not throw. */
  readonly retried: (reason: string, pauseMs: number) => void;
}

export interface ApiClientOptions {
  readonly pull: Pull;
  readonly variables: Variables;
  readonly observer: ApiObserver;
  readonly signal: AbortSignal;
  /** Of pauses. Default `Math.random`. */
  readonly random?: () => number;
}

/** It answered that it has no such page. */
export class NoSuchPage extends Error {
  override readonly name = 'NoSuchPage';
}

/** 408, 425 and 429 ask for it; the others are of who is in trouble for a while. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

export class ApiClient {
  readonly base: URL;
  readonly #pull: Pull;
  readonly #exchange: Exchange;
  readonly #authorisation: Authorisation;
  readonly #observer: ApiObserver;
  readonly #pace: (signal: AbortSignal) => Promise<void>;
  readonly #signal: AbortSignal;
  readonly #random: (() => number) | undefined;
  /** Nothing is sent before: it asked to be left alone. */
  #quietUntilMs = 0;

  /** @throws Fault CONFIG_INVALID */
  constructor({ pull, variables, observer, signal, random }: ApiClientOptions) {
    const { timeouts, maxPageBytes } = pull;
    this.#pull = pull;
    this.#observer = observer;
    this.#signal = signal;
    this.#random = random;
    this.base = urlOf(pull.base, variables);
    if (!this.base.pathname.endsWith('/')) this.base.pathname += '/';
    this.#authorisation = authorisationOf(pull.auth, variables, (request) => this.#send(request, signal));
    this.#exchange = new Exchange({ ...timeouts, maxPageBytes });
    this.#pace = paceOf(pull.maxRequestsPerSecond);
  }

  /**
   * @param read may throw Passing for an answer that cannot be right: it is asked for again @param stopping ends this one alone
   * @throws Fault PULL_UNAVAILABLE, PULL_REFUSED; NoSuchPage; the signal's reason
   */
  get<T>(url: URL, read: (answer: Answer) => T, stopping?: AbortSignal): Promise<T> {
    const signal = stopping ? AbortSignal.any([this.#signal, stopping]) : this.#signal;
    return withRetries(async () => read(await this.#page(url, signal)), {
      attempts: this.#pull.attempts,
      signal,
      onRetry: this.#observer.retried,
      random: this.#random,
    });
  }

  async close(): Promise<void> {
    await this.#exchange.close();
  }

  async #page(url: URL, signal: AbortSignal): Promise<Answer> {
    const isOurs = url.origin === this.base.origin;
    const where = shownUrl(url);
    for (let isRenewed = false; ; isRenewed = true) {
      const authorization = isOurs ? await this.#authorisation.header() : undefined;
      const answer = await this.#send({ url, headers: authorization === undefined ? {} : { authorization } }, signal);
      const { status } = answer;
      if (status === 200) return answer;
      if (status === 401 && isOurs && !isRenewed && this.#authorisation.renew(authorization)) continue;
      if (status === 400 || status === 404 || status === 416) throw new NoSuchPage(`${where} answered ${status}`);
      throw new Fault('PULL_REFUSED', `${where} answered ${status}`);
    }
  }

  /** @throws Passing where another try may do better */
  async #send(request: Request, signal: AbortSignal): Promise<Answer> {
    const where = shownUrl(request.url);
    await this.#turn(where, signal);
    try {
      const answer = await this.#exchange.send(request, signal);
      const { status, headers } = answer;
      this.#observer.asked(status);
      if (!passing.has(status)) return answer;
      const afterMs = retryAfterMs(headers['retry-after']?.toString(), Date.now());
      this.#quietUntilMs = Math.max(this.#quietUntilMs, performance.now() + afterMs);
      throw new Passing(`${where} answered ${status}`, afterMs);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#observer.asked(0);
      throw new Passing(`${where}: ${error.message}`);
    }
  }

  /** @throws Passing where it would take too long */
  async #turn(where: string, signal: AbortSignal): Promise<void> {
    do {
      const quietMs = this.#quietUntilMs - performance.now();
      if (quietMs > longestRetryAfterMs) throw new Passing(`${where}: another request was refused`, quietMs);
      if (quietMs > 0) await sleep(quietMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      await this.#pace(signal);
    } while (performance.now() < this.#quietUntilMs); // another one was told so meanwhile
  }
}

/** Without its query, which may hold what is nobody's business. */
function shownUrl({ origin, pathname }: URL): string {
  return `GET ${origin}${pathname}`;
}
