/**
 * One life of a log, drawn from a seed: sessions of appends, reads and retention over a simulated disk, each ended by a clean close, a
 * stop of the process at any call, a power cut or a failed write, and checked after each recovery. Throws where a promise is broken.
 */
import assert from 'node:assert/strict';
import { isFault } from '../../src/errors.ts';
import type { Log, TopicPartition } from '../../src/log/log.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { SimulatedDisk, type SimulatedProcess } from './simulated-files.ts';

/** `open`: its fate is not known yet. */
type Fate = 'open' | 'kept' | 'refused';

interface ModelBatch {
  readonly id: number;
  readonly producer: number;
  readonly count: number;
  fate: Fate;
  /** Where its records were seen, by their index. */
  readonly seen: Map<number, string>;
}

const DIR = '/log';
const SEGMENT_BYTES = 2048;
const PLACES: readonly TopicPartition[] = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 1 },
  { topic: 'b', partition: 0 },
];

export async function simulateLog(seed: number): Promise<void> {
  const simulation = new Simulation(seed);
  const sessions = 2 + simulation.below(3);
  for (let session = 0; session < sessions; session += 1) await simulation.session();
  await simulation.lastLook();
}

class Simulation {
  readonly #disk: SimulatedDisk;
  readonly #batches: ModelBatch[] = [];
  /** The record at a place, once seen there: `batch/index`. */
  readonly #at = new Map<string, string>();
  readonly #starts = new Map<string, number>();
  #nowMs = 1_000_000;

  constructor(seed: number) {
    this.#disk = new SimulatedDisk(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#disk.random() * limit);
  }

  async session(): Promise<void> {
    const process = this.#disk.start();
    this.#plan(process);
    await Promise.race([this.#run(process), process.stopped]);
    const isDown = process.callsLeft <= 0;
    process.stop();
    if (isDown || this.#disk.chance(0.5)) {
      if (this.#disk.chance(0.6)) this.#disk.powerCut();
    }
    this.#disk.capacityBytes = Infinity;
  }

  #plan(process: SimulatedProcess): void {
    if (this.#disk.chance(0.7)) process.callsLeft = 1 + this.below(this.#disk.chance(0.3) ? 30 : 200);
    if (this.#disk.chance(0.2)) process.failAfter = 1 + this.below(60);
    if (this.#disk.chance(0.2)) this.#disk.capacityBytes = this.#disk.usedBytes + this.below(3 * SEGMENT_BYTES);
  }

  async #run(process: SimulatedProcess): Promise<void> {
    const isSmall = this.#disk.capacityBytes !== Infinity;
    try {
      const log = await this.#open(process);
      await log.ensureTopics([
        { name: 'a', partitions: 2 },
        { name: 'b', partitions: 1 },
      ]);
      await this.#check(log, true);
      const producers = Array.from({ length: 1 + this.below(3) }, (_, producer) => this.#produce(log, producer));
      await Promise.all([...producers, this.#readAlong(log), this.#retain(log)]);
      await this.#fillAndFree(log);
      await this.#check(log, false);
      if (this.#disk.chance(0.5)) await log.close();
    } catch (error) {
      // What a full or failing disk refuses; what was damaged or lost is never among it.
      const isRefused = isFault(error, 'LOG_FULL') && isSmall;
      if (!isRefused && !(isFault(error, 'LOG_FAILED') && process.failAfter <= 0)) throw error;
    }
  }

  #open(files: SimulatedProcess): Promise<Log> {
    return openSegmentLog({ dir: DIR, files, segmentBytes: SEGMENT_BYTES, minFreeBytes: 0, now: () => this.#nowMs });
  }

  async #produce(log: Log, producer: number): Promise<void> {
    const batches = 1 + this.below(6);
    for (let i = 0; i < batches; i += 1) {
      const model = this.#newBatch(producer, 1 + this.below(this.#disk.chance(0.1) ? 40 : 4));
      const batch = log.batch();
      for (let index = 0; index < model.count; index += 1) batch.add(this.#record(model.id, index));
      const controller = new AbortController();
      if (this.#disk.chance(0.1)) setImmediate(() => controller.abort());
      this.#nowMs += this.below(10) - 2;
      const error = await log.append(batch, { signal: controller.signal }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) model.fate = 'kept';
      else if (isFault(error, 'BUSY') || isFault(error, 'LOG_FULL')) model.fate = 'refused';
      else throw error;
    }
  }

  #newBatch(producer: number, count: number): ModelBatch {
    const batch: ModelBatch = { id: this.#batches.length, producer, count, fate: 'open', seen: new Map() };
    this.#batches.push(batch);
    return batch;
  }

  #record(id: number, index: number): Parameters<ReturnType<Log['batch']>['add']>[0] {
    const padding = 'x'.repeat(this.below(this.#disk.chance(0.05) ? 3000 : 120));
    const key = `k${this.below(5)}`;
    return {
      topic: this.#disk.chance(0.6) ? 'a' : 'b',
      key,
      value: Buffer.from(`${id}/${index}/${padding}`),
      headers: [],
    };
  }

  /** A reader beside the writers: what it sees is durable, whatever happens next. */
  async #readAlong(log: Log): Promise<void> {
    for (let i = this.below(4); i > 0; i -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#check(log, false).catch((error: unknown) => {
        // Retention was faster.
        if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      });
    }
  }

  async #retain(log: Log): Promise<void> {
    if (!this.#disk.chance(0.3)) return;
    const keepFrom: (TopicPartition & { offset: number })[] = [];
    for (const place of PLACES) {
      const { start, end } = await log.range(place);
      keepFrom.push({ ...place, offset: this.#disk.chance(0.7) ? end : start + this.below(end - start + 1) });
    }
    // All that may go is known before it goes.
    await this.#check(log, false);
    await log.retain({ maxBytes: this.below(3 * SEGMENT_BYTES) }, keepFrom);
    for (const { offset, ...place } of keepFrom)
      assert.ok((await log.range(place)).start <= offset, 'retention took what was to be kept');
  }

  /** Once there is space again, the log takes appends again. */
  async #fillAndFree(log: Log): Promise<void> {
    if (this.#disk.capacityBytes === Infinity) return;
    this.#disk.capacityBytes = Infinity;
    const model = this.#newBatch(9, 1);
    const batch = log.batch();
    batch.add(this.#record(model.id, 0));
    await log.append(batch).catch((error: unknown) => {
      assert.ok(!isFault(error, 'LOG_FULL'), 'the log stays full when there is space');
      throw error;
    });
    model.fate = 'kept';
  }

  /** Reads everything and compares it with the model. After a recovery nothing is under way: every fate gets known. */
  async #check(log: Log, isRecovered: boolean): Promise<void> {
    for (const place of PLACES) await this.#checkPlace(log, place);
    for (const batch of this.#batches) {
      if (batch.seen.size > 0) {
        assert.notEqual(batch.fate, 'refused', `batch ${batch.id} was refused, and is there`);
        // Also before its append resolves: what was visible once has to stay.
        if (batch.fate === 'open' && isRecovered) this.#assertWhole(batch);
        if (isRecovered) batch.fate = 'kept';
      } else if (isRecovered) {
        assert.notEqual(batch.fate, 'kept', `batch ${batch.id} was acknowledged, and is lost`);
        batch.fate = 'refused';
      }
      if (batch.fate === 'kept' && isRecovered) this.#assertWhole(batch);
    }
  }

  #assertWhole(batch: ModelBatch): void {
    assert.equal(batch.seen.size, batch.count, `batch ${batch.id} is there in part`);
  }

  async #checkPlace(log: Log, place: TopicPartition): Promise<void> {
    const { start, end } = await log.range(place);
    const name = `${place.topic}-${place.partition}`;
    const known = this.#starts.get(name) ?? 0;
    this.#starts.set(name, Math.max(known, start));
    const seen: string[] = [];
    let timeMs = 0;
    for (let offset = start; offset < end;) {
      const page = await log.read(place, offset, { maxBytes: 1 + this.below(2000) });
      assert.ok(page.records.length > 0, `${name} has nothing at ${offset}, before its end ${end}`);
      for (const record of page.records) {
        assert.equal(record.offset, offset);
        assert.ok(record.timeMs >= timeMs, 'time goes back');
        timeMs = record.timeMs;
        seen.push(this.#see(`${name}@${offset}`, record.value.toString()));
        offset += 1;
      }
      assert.equal(page.next, offset);
    }
    this.#checkOrder(seen);
    const { end: endNow } = await log.range(place);
    for (const [at, record] of this.#at) {
      const [atName, offset] = at.split('@');
      if (atName === name && Number(offset) >= Math.max(start, this.#starts.get(name)!))
        assert.ok(Number(offset) < endNow, `${record} was visible at ${at}, and is lost`);
    }
  }

  #see(at: string, value: string): string {
    const [id, index, padding] = value.split('/');
    const batch = this.#batches[Number(id)];
    assert.ok(batch !== undefined && /^x*$/.test(padding!), `${at} holds what nobody wrote: ${value.slice(0, 40)}`);
    const record = `${id}/${index}`;
    assert.equal(this.#at.get(at) ?? record, record, `${at} changed`);
    assert.equal(batch.seen.get(Number(index)) ?? at, at, `${record} is there twice`);
    this.#at.set(at, record);
    batch.seen.set(Number(index), at);
    return record;
  }

  /** Records of a batch as they were added; batches of a producer, who waits for each, as they were appended. */
  #checkOrder(seen: readonly string[]): void {
    const last = new Map<number, [number, number]>();
    for (const record of seen) {
      const [id, index] = record.split('/').map(Number) as [number, number];
      const { producer } = this.#batches[id]!;
      const [lastId, lastIndex] = last.get(producer) ?? [-1, -1];
      assert.ok(id > lastId || (id === lastId && index > lastIndex), `${record} comes after ${lastId}/${lastIndex}`);
      last.set(producer, [id, index]);
    }
  }

  /** Everything once more; in some lives after a bit has turned, which must be told, or matter to nobody. */
  async lastLook(): Promise<void> {
    const paths = this.#disk.paths('.segment');
    const isFlipped = paths.length > 0 && this.#disk.chance(0.4);
    const path = paths[this.below(paths.length)];
    if (isFlipped && path !== undefined) this.#disk.flipBit(path);
    try {
      const log = await this.#open(this.#disk.start());
      await log.ensureTopics([
        { name: 'a', partitions: 2 },
        { name: 'b', partitions: 1 },
      ]);
      await this.#check(log, true);
      await log.close();
    } catch (error) {
      if (!(isFlipped && isFault(error, 'LOG_ROTTEN'))) throw error;
      assert.match(error.message, /\d{20}\.segment is damaged at byte \d+: /);
    }
  }
}
