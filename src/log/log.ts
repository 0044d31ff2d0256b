/**
 * The event log: topics of partitions of records, as in Kafka.
 *
 * What every driver promises (test/contracts/log.ts):
 * - `append` resolves only when the whole batch is durable, and nothing of a batch is ever visible unless all of it is (D1).
 * - Readers see only what is durable; offsets of a partition ascend, and order is the order of appends (D4). They may have holes (on
 *   Kafka: the ends of transactions, and what was withdrawn): nothing may be concluded from how many records lie between two offsets.
 * - A failed append (rejected promise) leaves nothing of the batch behind, except after LOG_FAILED, where the
 *   outcome is known only after a restart.
 * - Damage is reported (LOG_ROTTEN), never skipped.
 */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Copies that a cluster keeps of each partition; default: as the cluster is set up. The embedded log keeps one. */
  readonly replicas?: number | undefined;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A place in the log. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export type Header = readonly [name: string, value: string | Uint8Array];

export interface NewRecord {
  readonly topic: string;
  /** Chooses the partition (Kafka's murmur2); `null`: spread evenly. */
  readonly key: string | null;
  readonly value: Uint8Array;
  readonly headers: readonly Header[];
}

export interface LogRecord {
  readonly offset: number;
  /** When the log took the record, Unix milliseconds; never decreases within a partition. */
  readonly timeMs: number;
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

/** Records in order, and where to go on behind them. */
export interface Page {
  readonly records: readonly LogRecord[];
  /** Past the last record, and past what follows it that is none; past the offset that was asked for, unless that was the end. */
  readonly next: number;
}

/** Records that go in together or not at all. */
export interface Batch {
  /** Copies what it is given: the caller may reuse its buffers. Throws TOPIC_UNKNOWN. */
  add(record: NewRecord): void;
  readonly count: number;
  /** What the batch holds in memory. */
  readonly bytes: number;
}

export interface AppendOptions {
  /** Nothing is stored unless this process has the partition in that very moment, and has had it since the term began: rejects with CHECKPOINT_STALE. Default: whoever appends. */
  readonly owner?: PartitionOwner | undefined;
  /** While it has not been handed to the disk or the broker, an aborted batch is withdrawn: rejects with BUSY. */
  readonly signal?: AbortSignal;
}

export interface OffsetRange {
  /** The oldest offset still kept. */
  readonly start: number;
  /** The offset that the next durable record will get, or less than that where offsets have holes. */
  readonly end: number;
}

/** What other processes may do with a log while one process writes it. */
export interface LogReader {
  /** Names this log and no other: checkpoints elsewhere are kept under it, so that offsets of another log never pass for ours. */
  readonly id: string;
  topics(): Promise<readonly TopicSpec[]>;
  range(at: TopicPartition): Promise<OffsetRange>;
  /**
   * Records from `from` on, at least one where one comes, then up to `maxBytes`; none where a hole ends the page, which is at the
   * end of the partition or before it. Throws OFFSET_OUT_OF_RANGE below the start or above the end.
   */
  read(at: TopicPartition, from: number, limit: { readonly maxBytes: number }): Promise<Page>;
  /** The first offset whose record was taken at or after `timeMs`; the end where there is none. */
  offsetAtTime(at: TopicPartition, timeMs: number): Promise<number>;
  /**
   * Past everything that is in the partition by now, also what is not shown yet, and perhaps never will be. Only where others append,
   * too; where one process writes the log, there is no such thing.
   */
  writtenEnd?(at: TopicPartition): Promise<number>;
  /** Resolves when the partition's end is past `offset`; rejects with the signal's reason. */
  waitPast(at: TopicPartition, offset: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Processes that name the same consumer share the partitions of a topic among them. */
export interface Membership {
  readonly consumer: string;
  readonly topic: string;
  /** Names the store in which this process keeps checkpoints: who keeps them elsewhere than the others gets no partition. */
  readonly stateId: () => Promise<string>;
  /**
   * Called with the partitions that are this process's to process, whenever they change. For a moment two processes may have the same
   * one, and one that has stood still may believe in it for longer: sinks tell them apart (D3). Must not throw.
   */
  readonly onAssigned: (partitions: readonly TopicPartition[]) => void;
  /** Told of what keeps this process from its share for now; it tries on. Must not throw. */
  readonly onError: (error: unknown) => void;
}

export interface Member {
  /**
   * Of this process's having the partition: another one as soon as another process may have had it in between; undefined where it does
   * not have it now, as far as it knows. What was read in one term is good for appends as the owner in that one only.
   */
  term(at: TopicPartition): number | undefined;
  /** Everything below `offset` has landed: for those who watch the log from outside; nothing here reads it. */
  landed(at: TopicPartition, offset: number): void;
  /** The others may have its share. What is under way here is to be done by then. */
  leave(): Promise<void>;
}

export type Append = (batch: Batch, options?: AppendOptions) => Promise<void>;

export interface PartitionOwner {
  readonly member: Member;
  readonly at: TopicPartition;
  /** In which what is appended was decided (`Member.term`). */
  readonly term: number | undefined;
  /** Everything below it has landed. */
  readonly landedTo: number;
}

export interface Log extends LogReader {
  /** Makes what is missing, adds partitions where there are fewer; throws TOPIC_MISMATCH where there are more. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  batch(): Batch;
  /** @throws Fault BUSY (withdrawn by the signal), LOG_FULL, LOG_FAILED, CHECKPOINT_STALE (no owner any more) */
  append: Append;
  /**
   * For what is decided by reading the log and then appended, by one process at a time: from now on what others append who took `name`
   * over before is refused (BUSY), and what they have appended is decided. Only where others append, too; where one process
   * writes the log, there is no such thing.
   */
  takeOver?(name: string): Promise<Append>;
  /** Resolves when an append would be taken up now; rejects like `append`. */
  room(signal: AbortSignal): Promise<void>;
  /** Resolves at once; where one process alone has the log, every partition has been assigned by then. */
  join(membership: Membership): Promise<Member>;
  /** Removes what is older or more than the limits, but nothing at or after an offset in `keepFrom`. */
  retain(limits: RetentionLimits, keepFrom: readonly PartitionOffset[]): Promise<void>;
}

export interface RetentionLimits {
  readonly olderThanMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}
