/**
 * Takes batches and makes them durable by group commit: while one transaction is under way the next one gathers. No timers but for
 * patience: what no broker takes in time is refused (BUSY), with nothing of it stored, and until one takes transactions again nobody
 * is let in. A transaction that failed is done again with the same batches, as long as they have time.
 *
 * What is appended as the owner of a partition needs the coordinator of its group, too, and goes in a transaction of its own: where that
 * coordinator does not answer, packages wait a moment for it, and are taken.
 */
import { Fault, reasonOf } from '../../errors.ts';
import { isBrokerError } from './broker-error.ts';
import type { AppendOptions, PartitionOwner } from '../log.ts';
import { closed } from './connections.ts';
import type { GroupMember } from './group-member.ts';
import type { KafkaBatch } from './kafka-batch.ts';
import { Recovery } from './recovery.ts';
import { leftMs, until } from './time-limit.ts';
import {
  type Ends,
  Fenced,
  InDoubt,
  type PartitionClaim,
  type TransactionalProducer,
} from './transactional-producer.ts';

/** Makes the parts of many batches durable, all or none. */
export type GroupProducer = Pick<TransactionalProducer, 'open' | 'transact'>;

export interface GroupCommitOptions {
  readonly producer: GroupProducer;
  readonly maxQueueBytes: number;
  /** So long after it came a batch must be with the brokers, or it is refused. */
  readonly patienceMs: number;
  /** Told how long each transaction took. Must not throw. */
  readonly onFlushed: ((seconds: number) => void) | undefined;
  /** Called after each transaction, before those who wait for it. */
  readonly onCommitted: (ends: Ends) => void;
  /** Called after each transaction that failed. */
  readonly onFailed: () => void;
}

/** A transaction takes no further batch beyond this. */
const TRANSACTION_BYTES = 4 << 20;

/** A batch that has less time left, or less than three times what a transaction takes, is refused before it makes one fail. */
const leastLeftMs = 500;
const mostNeededMs = 1_500;
/** A transaction of an owner is given up after so long, and done again behind what waits. */
const ownerLimitMs = 1_000;

interface Waiting {
  readonly batch: KafkaBatch;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** As whose owner it is appended. */
  readonly owner: PartitionOwner | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Claimed {
  readonly waiting: Waiting;
  readonly claim: PartitionClaim | undefined;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #recovery: Recovery;
  /** In the order of arrival. */
  #queue = new Set<Waiting>();
  readonly #waitingForRoom = new Set<() => void>();
  #queuedBytes = 0;
  /** What a transaction takes, about. */
  #usualMs = 0;
  /** So many transactions hold one batch each: one of several was refused, and the others are not to suffer. */
  #alone = 0;
  /** The last transaction was an owner's: the next one is not, if anything else waits. */
  #wasOwners = false;
  #running: Promise<void> | undefined;
  #undecided: Promise<void> | undefined;
  #closing = false;
  #failure: Fault | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#recovery = new Recovery({
      open: (deadlineMs) => options.producer.open(deadlineMs),
      onTick: () => this.#refuseLate(),
      onEnd: (error) => (error === undefined ? this.#wakeRoom() : this.#fail(error)),
    });
  }

  async append(batch: KafkaBatch, { signal, owner }: AppendOptions): Promise<void> {
    if (batch.count === 0) return;
    this.#refuseWhereClosed(signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const deadlineMs = performance.now() + this.#options.patienceMs;
    const waiting: Waiting = { batch, deadlineMs, signal, owner, resolve, reject };
    this.#queue.add(waiting);
    this.#queuedBytes += batch.bytes;
    this.#running ??= this.#run();
    if (signal === undefined) return promise;
    const abort = (): void => {
      if (this.#queue.has(waiting)) this.#settle(waiting, noRoom(signal.reason));
      this.#wakeRoom();
    };
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  async room(signal: AbortSignal): Promise<void> {
    this.#refuseWhereClosed(signal);
    while (this.#queuedBytes >= this.#options.maxQueueBytes || this.#recovery.reason !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      this.#waitingForRoom.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      signal.removeEventListener('abort', wake);
      this.#waitingForRoom.delete(wake);
      this.#refuseWhereClosed(signal);
    }
  }

  #refuseWhereClosed(signal: AbortSignal | undefined): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing) throw closed();
    if (signal?.aborted === true) throw noRoom(this.#recovery.reason ?? signal.reason);
  }

  #wakeRoom(): void {
    for (const wake of this.#waitingForRoom) wake();
  }

  async #run(): Promise<void> {
    while (this.#queue.size > 0) {
      // Producers that the last transaction released, and requests that came meanwhile, get into the next one.
      await new Promise((resolve) => setImmediate(resolve));
      try {
        await this.#recovery.done();
        await this.#commitNext();
      } catch (error) {
        this.#fail(error);
      }
      this.#wakeRoom();
    }
    this.#running = undefined;
  }

  async #commitNext(): Promise<void> {
    const claimed = this.#take().flatMap((waiting) => this.#claim(waiting) ?? []);
    const [first] = claimed;
    if (first === undefined) return;
    const taken = claimed.map(({ waiting }) => waiting);
    const startedMs = performance.now();
    let ends: Ends;
    try {
      const parts = taken.flatMap(({ batch }) => [...batch.parts()]);
      const claims = claimed.flatMap(({ claim }) => claim ?? []);
      const { deadlineMs, owner } = first.waiting;
      const untilMs = owner ? Math.min(deadlineMs, startedMs + ownerLimitMs) : deadlineMs;
      ends = await this.#options.producer.transact(parts, claims, untilMs);
    } catch (error) {
      this.#options.onFailed();
      if (!this.#closing) this.#recovery.begin(error);
      return this.#afterFailure(taken, error);
    }
    this.#options.onCommitted(ends);
    for (const waiting of taken) {
      this.#settle(waiting);
      waiting.batch.release(); // not before: what failed is done again with the same batches
    }
    const tookMs = performance.now() - startedMs;
    this.#usualMs += (tookMs - this.#usualMs) / 8;
    this.#options.onFlushed?.(tookMs / 1000);
  }

  /** The longest beginning of the queue that fits, or the first alone. */
  #take(): readonly Waiting[] {
    this.#refuseLate();
    const taken: Waiting[] = [];
    let bytes = 0;
    const [first] = this.#queue;
    const isOwners = first?.owner !== undefined && !(this.#wasOwners && this.#hasPackages());
    this.#wasOwners = isOwners;
    for (const waiting of isOwners ? [first] : this.#queue) {
      if (!isOwners && waiting.owner) continue;
      if (taken.length > 0 && (this.#alone > 0 || bytes + waiting.batch.bytes > TRANSACTION_BYTES)) break;
      taken.push(waiting);
      bytes += waiting.batch.bytes;
    }
    this.#alone = Math.max(0, this.#alone - 1);
    for (const waiting of taken) this.#queue.delete(waiting);
    return taken;
  }

  #hasPackages(): boolean {
    for (const { owner } of this.#queue) if (!owner) return true;
    return false;
  }

  /** Undefined, and it is refused, where it is to be appended by an owner who knows that it is none any more. */
  #claim(waiting: Waiting): Claimed | undefined {
    const { owner } = waiting;
    if (owner === undefined) return { waiting, claim: undefined };
    try {
      const { at, term, landedTo, member } = owner;
      return { waiting, claim: { ...(member as GroupMember).claim(at, term), at, landedTo } };
    } catch (error) {
      this.#settle(waiting, error);
      return undefined;
    }
  }

  #afterFailure(taken: readonly Waiting[], error: unknown): void {
    if (error instanceof InDoubt) {
      const reason = `It is not known whether what was appended is stored: ${reasonOf(error.cause)}`;
      for (const waiting of taken) this.#settle(waiting, new Fault('LOG_FAILED', reason, { cause: error }));
      return this.#leaveUndecided();
    }
    const refusal = refusalOf(error);
    if (refusal !== undefined && taken.length === 1) return this.#settle(taken[0]!, refusal);
    if (refusal !== undefined || isUnknownTopic(error)) this.#alone = taken.length;
    this.#queue = new Set(taken[0]?.owner ? [...this.#queue, ...taken] : [...taken, ...this.#queue]);
    if (this.#closing) this.#refuseAll(noRoom(error));
    else this.#refuseLate();
  }

  /** Whoever goes on ends what was in doubt, also where that is another process. */
  #leaveUndecided(): void {
    const decided = (): void => {
      if (this.#undecided === undecided) this.#undecided = undefined;
    };
    const undecided = this.#recovery.done().then(decided, decided);
    this.#undecided = undecided;
  }

  /** Resolves when every transaction has been committed or has not. @throws TimedOut */
  async decided(deadlineMs: number): Promise<void> {
    if (this.#undecided) await until(deadlineMs, 'what became of a transaction', this.#undecided);
  }

  /** Those who have waited too long, or do not wait any more. */
  #refuseLate(): void {
    const neededMs = Math.min(mostNeededMs, Math.max(leastLeftMs, 3 * this.#usualMs));
    for (const waiting of this.#queue)
      if (leftMs(waiting.deadlineMs) < neededMs || waiting.signal?.aborted === true)
        this.#settle(waiting, noRoom(this.#recovery.reason ?? waiting.signal?.reason));
  }

  /** From now on everything is refused. */
  #fail(error: unknown): void {
    const isFenced = error instanceof Fenced;
    const reason = isFenced ? 'Another process writes under the id of this one' : reasonOf(error);
    this.#failure ??= new Fault('LOG_FAILED', `The log takes nothing until it is opened again: ${reason}`, {
      cause: error,
    });
    this.#refuseAll(this.#failure);
    this.#wakeRoom();
  }

  #refuseAll(reason: Fault): void {
    for (const waiting of this.#queue) this.#settle(waiting, reason);
  }

  #settle(waiting: Waiting, error?: unknown): void {
    this.#queue.delete(waiting);
    this.#queuedBytes -= waiting.batch.bytes;
    if (error === undefined) waiting.resolve();
    else waiting.reject(error);
  }

  /** Refuses what comes, and resolves when all that came is settled. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wakeRoom();
    if (this.#recovery.reason !== undefined) {
      this.#refuseAll(noRoom(this.#recovery.reason));
      await this.#recovery.close();
    }
    await this.#running;
    await this.#recovery.close();
    this.#failure ??= closed();
    this.#wakeRoom();
  }
}

/** Deleted, or so new that not every broker knows it. */
function isUnknownTopic(error: unknown): boolean {
  return error instanceof Error && isBrokerError(error.cause, 'UNKNOWN_TOPIC_OR_PARTITION');
}

/** Undefined where brokers may take the same again. */
function refusalOf(error: unknown): Fault | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (isBrokerError(cause, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'))
    return new Fault(
      'PACKAGE_TOO_LARGE',
      `A record is larger than its topic takes (max.message.bytes): ${cause.message}`,
    );
  if (
    isBrokerError(cause, 'TOPIC_AUTHORIZATION_FAILED', 'INVALID_RECORD', 'INVALID_TOPIC_EXCEPTION', 'POLICY_VIOLATION')
  )
    return new Fault('LOG_FAILED', `Kafka refuses records, and nothing of them is stored: ${cause.message}`, { cause });
  if (isBrokerError(cause, 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'))
    return new Fault('CHECKPOINT_STALE', `Another process may have the partition by now: ${cause.message}`, { cause });
  return cause instanceof Fault && cause.code === 'TOPIC_UNKNOWN' ? cause : undefined;
}

function noRoom(cause: unknown): Fault {
  const reason = cause instanceof Error ? cause : undefined;
  const why =
    reason === undefined || reason.name === 'AbortError' || reason.name === 'TimeoutError' ? '' : `: ${whole(reason)}`;
  return new Fault('BUSY', `The log had no room in time${why}`, { cause });
}

/** With what stands behind it. */
function whole(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? reasonOf(error) : `${reasonOf(error)}: ${whole(cause)}`;
}
