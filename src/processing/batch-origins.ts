/** Which traced packages the events of a batch came in, as the headers of the records say, and since when the batch is read. */
import type { LogRecord } from '../log/log.ts';
import { traceHeader } from '../telemetry/tracing.ts';

/** As many links as OpenTelemetry keeps of a span; of further packages none is remembered. */
export const maxLinks = 128;
/** `00-<32 digits>-<16 digits>-<2 digits>`. */
const traceparentBytes = 55;

export class BatchOrigins {
  readonly #links = new Set<string>();
  /** The header that was read last: records of a package follow each other. */
  #last = Buffer.alloc(0);
  #fromMs: number | undefined;
  #filledMs: number | undefined;

  /** `traceparent` of packages. */
  get links(): ReadonlySet<string> {
    return this.#links;
  }

  /** When its first records were read, Unix milliseconds. */
  get fromMs(): number {
    return this.#fromMs ?? this.filledMs;
  }

  /** When its last records were converted, Unix milliseconds. */
  get filledMs(): number {
    return this.#filledMs ?? Date.now();
  }

  /** As they are read. */
  add(records: readonly LogRecord[]): void {
    this.#fromMs ??= Date.now();
    for (const { headers } of records) {
      if (this.#links.size === maxLinks) return;
      for (const [name, value] of headers) if (name === traceHeader) this.#addLink(value);
    }
  }

  filled(): void {
    this.#filledMs = Date.now();
  }

  #addLink(value: Buffer): void {
    if (value.length !== traceparentBytes || value.equals(this.#last)) return;
    this.#last = Buffer.from(value); // a copy: the record's own page is not to be held
    this.#links.add(value.toString('latin1'));
  }
}
