/** What the log says of the files that were taken, read as it grows. */
import type { Config } from '../../config/config.ts';
import { type EngineReader, openEngineReader } from '../../engine/engine.ts';
import { isFault } from '../../errors.ts';
import { filesAt, type TakenFile } from '../../sources/files/file-memory.ts';

const readBytes = 1024 * 1024;

export class Takes {
  readonly #config: Config;
  readonly #byFile = new Map<string, TakenFile[]>();
  #reader: EngineReader | undefined;
  #next: number | undefined;
  count = 0;

  constructor(config: Config) {
    this.#config = config;
  }

  /** In the order of the log. */
  get all(): readonly TakenFile[] {
    return [...this.#byFile.values()].flat();
  }

  of(shown: string): readonly TakenFile[] {
    return this.#byFile.get(shown) ?? [];
  }

  /** What is there by now; nothing where the log cannot be asked at the moment. */
  async readOn(): Promise<void> {
    try {
      const { log } = (this.#reader ??= await openEngineReader(this.#config));
      const { start, end } = await log.range(filesAt);
      for (let next = this.#next ?? start; next < end; this.#next = next) {
        const page = await log.read(filesAt, next, { maxBytes: readBytes });
        for (const { value } of page.records) this.#add(JSON.parse(value.toString()) as TakenFile);
        next = page.next;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    this.#reader = undefined;
  }

  #add(taken: TakenFile): void {
    const before = this.#byFile.get(taken.file);
    if (before) before.push(taken);
    else this.#byFile.set(taken.file, [taken]);
    this.count += 1;
  }
}

/** A log that no start has made yet, and servers that are not back yet. */
function isPassing(error: unknown): boolean {
  return (['LOG_MISSING', 'LOG_UNAVAILABLE', 'STATE_UNAVAILABLE', 'TOPIC_UNKNOWN'] as const).some((code) =>
    isFault(error, code),
  );
}
