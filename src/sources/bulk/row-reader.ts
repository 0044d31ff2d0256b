/** Cuts a body into rows as it streams in, and has each of them checked. */
export interface RowReader {
  /** @throws StopReading, Fault NOT_JSON; the reader is of no use after that */
  push(chunk: Buffer): Promise<void> | void;
  /** The body is over. @throws StopReading, Fault NOT_JSON, BODY_INCOMPLETE */
  end(): Promise<void> | void;
  close(): void;
}

/** What follows cannot be read: the error is the last that is found in the rows themselves. */
export class StopReading extends Error {
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** No row is as long as this, so that a quote that is never closed does not fill the memory. */
export const maxRowBytes = 1024 * 1024;
