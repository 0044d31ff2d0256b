/**
 * When each key was last used, to the minute: what tells that an old key may be revoked. Kept in one file of the directory of
 * keys, written by the one server that runs there; a crash loses at most the last minute.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKeyId } from './access-key.ts';
import { privateMode, replaceDurably } from '../stores/durable-files.ts';

const writeEveryMs = 60_000;

/** By id, RFC 3339 in UTC. Empty where there is no such file or it cannot be read: it is only for information. */
export async function readLastUsed(dir: string): Promise<ReadonlyMap<string, string>> {
  try {
    const content = Object(JSON.parse(await readFile(fileIn(dir), 'utf8'))) as Record<string, unknown>;
    const valid = Object.entries(content).filter(([id, time]) => isKeyId(id) && isTimeText(time));
    return new Map(valid as [string, string][]);
  } catch {
    return new Map();
  }
}

export class LastUsed {
  readonly #dir: string;
  readonly #onError: (error: unknown) => void;
  readonly #times: Map<string, string>;
  readonly #noted = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();

  private constructor(dir: string, times: ReadonlyMap<string, string>, onError: (error: unknown) => void) {
    this.#dir = dir;
    this.#times = new Map(times);
    this.#onError = onError;
    this.#timer = setInterval(() => this.#write(), writeEveryMs).unref();
  }

  static async open(dir: string, onError: (error: unknown) => void): Promise<LastUsed> {
    return new LastUsed(dir, await readLastUsed(dir), onError);
  }

  note(id: string, nowMs: number): void {
    this.#noted.set(id, nowMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#write();
    await this.#writing;
  }

  #write(): void {
    if (this.#noted.size === 0) return;
    for (const [id, ms] of this.#noted) this.#times.set(id, new Date(ms).toISOString());
    this.#noted.clear();
    const text = `${JSON.stringify(Object.fromEntries(this.#times), null, 2)}\n`;
    this.#writing = this.#writing.then(() => replaceDurably(fileIn(this.#dir), text, privateMode)).catch(this.#onError);
  }
}

function fileIn(dir: string): string {
  return join(dir, 'last-used.json');
}

function isTimeText(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
