/**
 * Which versions of which files have been taken. A record in a topic of its own, appended in one batch with the file's events, says it, so
 * that neither is ever there without the other (D5). What the topic comes to is kept in the keyed state, an entry of about 60 bytes a
 * path, for ever: a file may be left where it is for longer than the log remembers.
 *
 * Entries and the position in the topic that they stand for change in one commit that expects the position before, whichever node does it:
 * a state that has gone back is brought up to date from where it says that it is. Between a batch and that commit, what was appended is in memory.
 */
import { decidedEnd } from '../../log/decided-end.ts';
import type { Batch, Log, PartitionOffset, TopicPartition } from '../../log/log.ts';
import type { StateChange, StatePut, StateStore } from '../../stores/state/state-store.ts';

export const filesTopic = { name: 'tributary.files', partitions: 1 } as const;

export const filesAt: TopicPartition = { topic: filesTopic.name, partition: 0 };

const readBytes = 1024 * 1024;
/**
 * So many are appended before their entries are kept, while further files are taken: a commit for each group would write the same pages again and
 * again. Twice as many wait for it.
 */
const mostRecent = 8_192;

export interface Taken {
  /** `FileVersion.id` */
  readonly version: string;
  /** `contentOf` */
  readonly content: string;
  /** Its bytes are a dead letter: it stays where it is, as its writer may go on. */
  readonly isRefused: boolean;
}

/** What is told of a file in the log. */
export interface TakenFile extends Taken {
  readonly pipeline: string;
  readonly file: string;
  readonly size: number;
  /** When it was last changed, Unix milliseconds. */
  readonly changedMs: number;
  readonly packageId: string;
  readonly accepted: number;
  readonly rejected: number;
}

export class FileMemory {
  readonly #log: Log;
  readonly #state: StateStore;
  readonly #positionKey: string;
  /** Appended by this process, and perhaps not in the state yet. */
  readonly #recent = new Map<string, Taken>();
  /** Taken away since, so that nothing of them is to be kept. */
  readonly #gone = new Set<string>();
  /** Where the topic goes on behind what the state has; undefined where the state has to be asked. */
  #next: number | undefined;
  #stored: Buffer | undefined;
  #catchingUp: Promise<void> | undefined;

  constructor(log: Log, state: StateStore) {
    this.#log = log;
    this.#state = state;
    this.#positionKey = `files/${log.id}/position`;
  }

  /** Everything below it is in the state; the log must keep the rest. */
  get progress(): PartitionOffset {
    return { ...filesAt, offset: this.#next ?? 0 };
  }

  /** Makes it durable with the batch that a file was taken. */
  remember(batch: Batch, id: string, taken: TakenFile): void {
    batch.add({ topic: filesTopic.name, key: id, value: Buffer.from(JSON.stringify(taken)), headers: [] });
  }

  /** The batches of these are durable. */
  async appended(files: Iterable<readonly [id: string, taken: Taken]>): Promise<void> {
    for (const [id, taken] of files) {
      this.#recent.set(id, taken);
      this.#gone.delete(id);
    }
    const recent = this.#recent.size + this.#gone.size;
    if (recent >= 2 * mostRecent) await this.catchUp();
    else if (recent >= mostRecent) this.catchUp().catch(() => undefined); // what fails is tried again, and told to who waits for it
  }

  /** It is not there any more: what comes in its place is another file. */
  forget(id: string): void {
    this.#recent.delete(id);
    this.#gone.add(id);
  }

  /** In the order of the ids. @throws Fault STATE_UNAVAILABLE, LOG_UNAVAILABLE */
  async find(ids: readonly string[]): Promise<readonly (Taken | undefined)[]> {
    for (;;) {
      const [position, ...values] = await this.#state.getAll([this.#positionKey, ...ids.map(entryKey)]);
      if (this.#next !== undefined && offsetIn(position) >= this.#next)
        return ids.map((id, index) =>
          this.#gone.has(id) ? undefined : (this.#recent.get(id) ?? takenIn(values[index])),
        );
      this.#next = undefined; // it has not been asked yet, or has gone back
      await this.catchUp();
    }
  }

  /** Resolves when the state has all that is in the log by now, whoever appended it. */
  async catchUp(): Promise<void> {
    await this.#catchingUp;
    this.#catchingUp ??= this.#readOn().finally(() => (this.#catchingUp = undefined));
    return this.#catchingUp;
  }

  async #readOn(): Promise<void> {
    const gone = [...this.#gone]; // what is in the log of them lies before its end
    const end = await decidedEnd(this.#log, filesAt);
    for (;;) {
      const from = (this.#next ??= await this.#findPlace());
      if (from >= end && this.#stored !== undefined) break;
      if (from < end) await this.#readPage(from);
      else await this.#commit({}, from); // from now on it is told from a state that was emptied
    }
    const forgotten = gone.filter((id) => this.#gone.has(id));
    if (forgotten.length === 0 || !(await this.#commit({ delete: forgotten.map(entryKey) }, this.#next))) return;
    for (const id of forgotten) this.#gone.delete(id);
  }

  async #readPage(from: number): Promise<void> {
    const { records, next } = await this.#log.read(filesAt, from, { maxBytes: readBytes });
    const read = new Map<string, Taken>();
    for (const { key, value } of records) {
      const taken = readTaken(value);
      if (key !== null && taken && !this.#gone.has(key)) read.set(key, taken);
    }
    const put = [...read].map(([id, taken]): StatePut => ({ key: entryKey(id), value: entryOf(taken) }));
    if (!(await this.#commit({ put }, next))) return;
    for (const [id, { version, content }] of read) {
      const recent = this.#recent.get(id);
      if (recent?.version === version && recent.content === content) this.#recent.delete(id);
    }
  }

  async #commit(change: Pick<StateChange, 'put' | 'delete'>, next: number): Promise<boolean> {
    const key = this.#positionKey;
    const value = Buffer.from(String(next));
    const put = [...(change.put ?? []), { key, value }];
    const isDone = await this.#state.commit({ ...change, expect: [{ key, value: this.#stored }], put });
    this.#next = isDone ? next : undefined; // else another node has done it
    this.#stored = value;
    return isDone;
  }

  async #findPlace(): Promise<number> {
    this.#stored = await this.#state.get(this.#positionKey);
    const { start, end } = await this.#log.range(filesAt);
    const position = offsetIn(this.#stored);
    return position > end ? start : Math.max(position, start);
  }
}

function offsetIn(raw: Buffer | undefined): number {
  return raw === undefined ? -1 : Number(raw.toString());
}

/** The id says of which log, pipeline and directory, too. */
function entryKey(id: string): string {
  return `file/${id}`;
}

/** 17 bytes. */
function entryOf({ version, content, isRefused }: Taken): Buffer {
  return Buffer.from(`${version}${content}${isRefused ? '01' : '00'}`, 'hex');
}

function takenIn(entry: Buffer | undefined): Taken | undefined {
  if (entry === undefined) return undefined;
  const text = entry.toString('hex');
  return { version: text.slice(0, 16), content: text.slice(16, 32), isRefused: text.slice(32) === '01' };
}

/** As `remember` begins its records: the rest is for people, and parsing it would take five times as long. */
const ownRecord = /^\{"version":"([0-9a-f]{16})","content":"([0-9a-f]{16})","isRefused":(true|false),/;
const ownRecordBytes = 80;

/** Undefined for a record that others have written into the topic. */
function readTaken(value: Buffer): Taken | undefined {
  const [, own, ownContent, ownRefused] = ownRecord.exec(value.toString('latin1', 0, ownRecordBytes)) ?? [];
  if (own !== undefined && ownContent !== undefined)
    return { version: own, content: ownContent, isRefused: ownRefused === 'true' };
  try {
    const { version, content, isRefused } = JSON.parse(value.toString()) as Partial<Record<keyof Taken, unknown>>;
    const areDigests = [version, content].every((one) => typeof one === 'string' && /^[0-9a-f]{16}$/.test(one));
    return areDigests
      ? { version: version as string, content: content as string, isRefused: isRefused === true }
      : undefined;
  } catch {
    return undefined;
  }
}
