/**
 * Delivers parcels over HTTP until each is acknowledged with 200: at least once on the wire, and once in the log,
 * since each carries an `Idempotency-Key` of its own. Several are under way at a time; memory holds no more than those.
 *
 * A parcel: sent -> acknowledged (200) | refused (400, 413, 415) | sent again (anything else) ... | given up, when nothing
 * has been acknowledged for `giveUpAfterMs`; then everything ends.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Target, attempt } from './attempt.ts';
import { Pace } from './pace.ts';
import type { Parcel } from './parcel.ts';

export interface SenderOptions {
  readonly target: Target;
  /** Events a second; default: as fast as they are taken. */
  readonly rate?: number | undefined;
  readonly giveUpAfterMs: number;
  /** Ends it early: what is under way counts as not acknowledged. */
  readonly signal: AbortSignal;
  readonly onRefused: (refused: Parcel, reason: string) => void;
  /** A parcel is going to be sent again. `hasAnswered`: somebody has, to any of them. */
  readonly onTrouble: (reason: string, hasAnswered: boolean) => void;
  readonly onAcknowledged: (acknowledged: Parcel) => void;
}

export interface Sent {
  events: number;
  /** Or requests. */
  packages: number;
  /** Events that the receiver took. */
  accepted: number;
  /** Events that the receiver kept as invalid. */
  rejected: number;
  /** How many times one of them was sent again. */
  resent: number;
  /** Events. */
  notAcknowledged: number;
  seconds: number;
  /** Acknowledged ones. */
  eventsPerSecond: number;
}

/** The request can never succeed as it is. */
const final: ReadonlySet<number> = new Set([400, 413, 415]);

/** As long as nothing has ever been acknowledged: this is not where packages go. */
const wrongAddress: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 401, 403, 404, 405]);

const firstPauseMs = 100;
const longestPauseMs = 5000;

export class Sender {
  readonly #options: SenderOptions;
  readonly #pace: Pace;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly sent: Sent = {
    events: 0,
    packages: 0,
    accepted: 0,
    rejected: 0,
    resent: 0,
    notAcknowledged: 0,
    seconds: 0,
    eventsPerSecond: 0,
  };
  #lastAcknowledgedMs: number | undefined;
  #hasAnswered = false;
  /** Why it ended before the input did; undefined where it did not, or was interrupted. */
  stopReason: string | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#pace = new Pace(options.rate);
    this.#signal = AbortSignal.any([options.signal, this.#stopping.signal]);
  }

  /** Resolves when every parcel is acknowledged or refused, or it was ended; rejects with what `parcels` throws. */
  async send(parcels: AsyncGenerator<Parcel>, concurrency: number): Promise<Sent> {
    const startedMs = performance.now();
    const work = async (): Promise<void> => {
      while (!this.#signal.aborted) {
        const next = await parcels.next();
        if (next.done) return;
        await this.#deliver(next.value);
      }
    };
    try {
      await Promise.all(Array.from({ length: concurrency }, work));
    } finally {
      this.#stopping.abort();
      const { sent } = this;
      sent.seconds = Math.round(performance.now() - startedMs) / 1000;
      sent.eventsPerSecond = Math.round((sent.events - sent.notAcknowledged) / Math.max(sent.seconds, 0.001));
    }
    return this.sent;
  }

  async #deliver(one: Parcel): Promise<void> {
    const { target, onRefused, onTrouble } = this.#options;
    if (!(await this.#pause(this.#pace.waitMs(one.events)))) return;
    this.sent.events += one.events;
    this.sent.packages += 1;
    const key = randomUUID();
    const startedMs = performance.now();
    for (let attempts = 1; !this.#signal.aborted; attempts++) {
      const answer = await attempt(target, one, key, this.#signal);
      this.#hasAnswered ||= answer.status > 0;
      if (answer.status === 200) return this.#acknowledge(one, answer);
      if (this.#signal.aborted) break;
      if (final.has(answer.status)) {
        onRefused(one, answer.reason);
        break;
      }
      if (this.#isHopeless(answer, startedMs)) break;
      onTrouble(answer.reason, this.#hasAnswered);
      if (!(await this.#pause(answer.retryAfterMs ?? pauseMs(attempts)))) break;
      this.sent.resent += 1;
    }
    this.sent.notAcknowledged += one.events;
  }

  #acknowledge(one: Parcel, { accepted, rejected }: Answer): void {
    this.#lastAcknowledgedMs = performance.now();
    this.sent.accepted += accepted ?? one.events;
    this.sent.rejected += rejected ?? 0;
    this.#options.onAcknowledged(one);
  }

  #isHopeless({ status, reason }: Answer, startedMs: number): boolean {
    const { giveUpAfterMs } = this.#options;
    const never = this.#lastAcknowledgedMs === undefined;
    const silentMs = performance.now() - Math.max(startedMs, this.#lastAcknowledgedMs ?? 0);
    if (never && wrongAddress.has(status)) this.stopReason = reason;
    else if (silentMs > giveUpAfterMs)
      this.stopReason = `nothing acknowledged for ${giveUpAfterMs / 1000} s; ${reason}`;
    else return false;
    this.#stopping.abort();
    return true;
  }

  /** False where it was ended meanwhile. */
  async #pause(ms: number): Promise<boolean> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#signal }).catch(() => undefined);
    return !this.#signal.aborted;
  }
}

/** Doubles each time; spread, so that packages refused together do not come back together. */
function pauseMs(attempts: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1)) * (0.5 + Math.random() / 2);
}
