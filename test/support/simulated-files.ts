/**
 * A file system in memory that fails as real ones do, drawn from a seed:
 *
 * - A power cut keeps of what was not synced any subset of 512-byte sectors, file sizes and directory entries.
 * - A write that is interrupted or fails leaves any subset of its sectors. A failed sync leaves any subset on disk and forgets
 *   that the rest is dirty, as Linux does: the cache then shows what the disk does not have.
 * - A process stops at any call: whatever it had under way never comes back to it, and nothing it does later counts.
 * - The disk holds `capacityBytes`; a write beyond that is cut short (ENOSPC).
 */
import { basename, dirname } from 'node:path';
import type { LogFile, LogFiles } from '../../src/log/segments/files.ts';

const SECTOR_BYTES = 512;

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Inode {
  cache: Buffer = Buffer.alloc(0);
  disk: Buffer = Buffer.alloc(0);
  /** Of the file on disk, whose last sectors may be there before it is so long. */
  diskLength = 0;
  /** Sectors of the cache that the disk may not have. */
  readonly dirty = new Set<number>();

  write(bytes: Buffer, position: number): void {
    this.cache = resized(this.cache, Math.max(this.cache.length, position + bytes.length));
    bytes.copy(this.cache, position);
    for (const sector of sectorsOf(position, bytes.length)) this.dirty.add(sector);
  }

  /** Brings one sector to disk, whole. */
  persist(sector: number): void {
    const end = Math.min((sector + 1) * SECTOR_BYTES, this.cache.length);
    this.disk = resized(this.disk, Math.max(this.disk.length, end));
    this.cache.copy(this.disk, sector * SECTOR_BYTES, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    this.dirty.delete(sector);
  }

  resizeDisk(): void {
    this.diskLength = this.cache.length;
    this.disk = resized(this.disk, this.diskLength);
  }
}

function resized(buffer: Buffer, bytes: number): Buffer {
  if (buffer.length === bytes) return buffer;
  const next = Buffer.alloc(bytes);
  buffer.copy(next);
  return next;
}

function sectorsOf(position: number, length: number): number[] {
  const first = Math.floor(position / SECTOR_BYTES);
  const last = Math.ceil((position + length) / SECTOR_BYTES);
  return Array.from({ length: last - first }, (_, i) => first + i);
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}

type Step = 'crash' | 'fail' | 'go';

export class SimulatedDisk {
  capacityBytes = Infinity;
  readonly random: () => number;
  #entries = new Map<string, Inode>();
  #entriesOnDisk = new Map<string, Inode>();

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Files as a new process sees them. */
  start(): SimulatedProcess {
    return new SimulatedProcess(this);
  }

  powerCut(): void {
    for (const name of new Set([...this.#entries.keys(), ...this.#entriesOnDisk.keys()])) {
      const cached = this.#entries.get(name);
      const kept =
        cached === this.#entriesOnDisk.get(name) || this.chance(0.5) ? cached : this.#entriesOnDisk.get(name);
      if (kept === undefined) this.#entries.delete(name);
      else this.#entries.set(name, kept);
    }
    this.#entriesOnDisk = new Map(this.#entries);
    for (const inode of this.#entries.values()) {
      if (inode.cache.length !== inode.diskLength && this.chance(0.5)) inode.resizeDisk();
      for (const sector of inode.dirty) if (this.chance(0.5)) inode.persist(sector);
      inode.dirty.clear();
      inode.disk = resized(inode.disk, inode.diskLength);
      inode.cache = Buffer.from(inode.disk);
    }
  }

  /** Turns one bit of a file, on disk and in the cache; says where. */
  flipBit(path: string): string {
    const inode = this.#entries.get(path)!;
    const bit = Math.floor(this.random() * inode.cache.length * 8);
    for (const bytes of new Set([inode.cache, inode.disk]))
      if (bit >> 3 < bytes.length) bytes[bit >> 3]! ^= 1 << (bit & 7);
    return `${path} byte ${bit >> 3}`;
  }

  /** Of the files whose names end so. */
  paths(suffix: string): string[] {
    return [...this.#entries.keys()].filter((path) => path.endsWith(suffix)).toSorted();
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const inode of this.#entries.values()) bytes += inode.cache.length;
    return bytes;
  }

  entry(path: string): Inode | undefined {
    return this.#entries.get(path);
  }

  create(path: string): Inode {
    const inode = new Inode();
    this.#entries.set(path, inode);
    return inode;
  }

  remove(path: string): void {
    this.#entries.delete(path);
  }

  syncDirectory(dir: string): void {
    for (const path of new Set([...this.#entries.keys(), ...this.#entriesOnDisk.keys()])) {
      if (dirname(path) !== dir) continue;
      const inode = this.#entries.get(path);
      if (inode === undefined) this.#entriesOnDisk.delete(path);
      else this.#entriesOnDisk.set(path, inode);
    }
  }

  some(sectors: Iterable<number>): number[] {
    return [...sectors].filter(() => this.chance(0.5));
  }
}

export class SimulatedProcess implements LogFiles {
  readonly disk: SimulatedDisk;
  /** Calls until the process stops. */
  callsLeft = Infinity;
  /** Calls until a write or sync fails with EIO. */
  failAfter = Infinity;
  readonly stopped: Promise<void>;
  #isStopped = false;
  #stop: () => void;
  readonly #locks = new Set<string>();

  constructor(disk: SimulatedDisk) {
    this.disk = disk;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.#stop = resolve;
  }

  stop(): void {
    this.#isStopped = true;
    this.#stop();
  }

  /** What is to happen to the call that comes in now. Never resolves for a process that is gone. */
  async step(canFail: boolean): Promise<Step> {
    await Promise.resolve();
    if (this.disk.chance(0.1)) await new Promise((resolve) => setImmediate(resolve));
    this.callsLeft -= 1;
    if (!this.#isStopped && this.callsLeft <= 0) {
      this.stop();
      return 'crash';
    }
    if (this.#isStopped) return new Promise<never>(() => undefined);
    this.failAfter -= canFail ? 1 : 0;
    return canFail && this.failAfter === 0 ? 'fail' : 'go';
  }

  /** A call that happens whole or, at the crash, perhaps not at all. */
  async #whole<T>(work: () => T): Promise<T> {
    const step = await this.step(false);
    if (step === 'go') return work();
    if (this.disk.chance(0.5)) work();
    return new Promise<never>(() => undefined);
  }

  makeDirectory(): Promise<void> {
    return this.#whole(() => undefined);
  }

  list(dir: string): Promise<string[]> {
    return this.#whole(() =>
      this.disk
        .paths('')
        .filter((path) => dirname(path) === dir)
        .map((path) => basename(path)),
    );
  }

  async open(path: string, mode: 'read' | 'write' | 'durable'): Promise<LogFile> {
    return this.#whole(() => {
      const inode = this.disk.entry(path) ?? (mode === 'read' ? undefined : this.disk.create(path));
      if (inode === undefined) throw systemError('ENOENT');
      return new SimulatedFile(this, inode, mode === 'durable');
    });
  }

  remove(path: string): Promise<void> {
    return this.#whole(() => this.disk.remove(path));
  }

  syncDirectory(dir: string): Promise<void> {
    return this.#whole(() => this.disk.syncDirectory(dir));
  }

  freeBytes(): Promise<number> {
    return this.#whole(() => Math.max(0, this.disk.capacityBytes - this.disk.usedBytes));
  }

  lock(path: string): Promise<(() => void) | undefined> {
    return this.#whole(() => {
      if (this.#locks.has(path)) return undefined;
      this.#locks.add(path);
      return () => void this.#locks.delete(path);
    });
  }
}

class SimulatedFile implements LogFile {
  readonly #process: SimulatedProcess;
  readonly #inode: Inode;
  readonly #isDurable: boolean;

  constructor(process: SimulatedProcess, inode: Inode, isDurable: boolean) {
    this.#process = process;
    this.#inode = inode;
    this.#isDurable = isDurable;
  }

  async read(into: Buffer, position: number): Promise<number> {
    await this.#orStop(this.#process.step(false));
    return position < this.#inode.cache.length ? this.#inode.cache.copy(into, 0, position) : 0;
  }

  async write(bytes: Buffer, position: number): Promise<void> {
    const { disk } = this.#process;
    const copy = Buffer.from(bytes);
    const step = await this.#process.step(true);
    const inode = this.#inode;
    if (step !== 'go') {
      this.#writeSome(copy, position);
      if (step === 'crash') return new Promise<never>(() => undefined);
      throw systemError('EIO');
    }
    const room = inode.cache.length + Math.max(0, disk.capacityBytes - disk.usedBytes);
    const fitting = copy.subarray(0, Math.max(0, Math.min(copy.length, room - position)));
    inode.write(fitting, position);
    if (this.#isDurable) {
      inode.diskLength = Math.max(inode.diskLength, position + fitting.length);
      for (const sector of sectorsOf(position, fitting.length)) inode.persist(sector);
    }
    if (fitting.length < copy.length) throw systemError('ENOSPC');
  }

  #writeSome(bytes: Buffer, position: number): void {
    const { disk } = this.#process;
    const inode = this.#inode;
    const end = position + bytes.length;
    for (const sector of disk.some(sectorsOf(position, bytes.length))) {
      const from = Math.max(position, sector * SECTOR_BYTES);
      const to = Math.min(end, (sector + 1) * SECTOR_BYTES);
      inode.write(bytes.subarray(from - position, to - position), from);
    }
    if (this.#isDurable) for (const sector of disk.some(inode.dirty)) inode.persist(sector);
  }

  async size(): Promise<number> {
    await this.#orStop(this.#process.step(false));
    return this.#inode.cache.length;
  }

  async truncate(bytes: number): Promise<void> {
    await this.#orStop(this.#process.step(false));
    this.#inode.cache = resized(this.#inode.cache, bytes);
    for (const sector of this.#inode.dirty) if (sector * SECTOR_BYTES >= bytes) this.#inode.dirty.delete(sector);
  }

  async sync(): Promise<void> {
    const step = await this.#process.step(true);
    const inode = this.#inode;
    if (step === 'go') {
      inode.resizeDisk();
      for (const sector of inode.dirty) inode.persist(sector);
      return;
    }
    for (const sector of this.#process.disk.some(inode.dirty)) inode.persist(sector);
    if (step === 'crash') return new Promise<never>(() => undefined);
    inode.dirty.clear();
    throw systemError('EIO');
  }

  async close(): Promise<void> {
    await this.#orStop(this.#process.step(false));
  }

  async #orStop(step: Promise<Step>): Promise<void> {
    if ((await step) === 'crash') await new Promise<never>(() => undefined);
  }
}
