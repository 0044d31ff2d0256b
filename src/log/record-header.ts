/** What the headers of a record say. Of several of one name the first counts. */
import type { LogRecord } from './log.ts';

const nothing = Buffer.alloc(0);

/** Empty where there is none. */
export function headerText(record: LogRecord, name: string): string {
  return headerValue(record, name).toString();
}

/** Empty where there is none. */
export function headerValue({ headers }: LogRecord, wanted: string): Buffer {
  for (const [name, value] of headers) if (name === wanted) return value;
  return nothing;
}
