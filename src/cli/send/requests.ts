/** Lines that are requests: each is posted by itself, to a path of its own. */
import { requestTarget } from '../../pipeline/request-line.ts';
import type { Parcel } from './parcel.ts';
import type { Line } from './read-lines.ts';

export interface RequestsOptions {
  /** Of the endpoints. */
  readonly paths: ReadonlySet<string>;
  /** A line that is no request to one of them is left out. */
  readonly onBadLine: (line: Line, reason: string) => void;
}

export async function* requestsOf(
  lines: AsyncIterable<readonly Line[]>,
  { paths, onBadLine }: RequestsOptions,
): AsyncGenerator<Parcel> {
  for await (const some of lines) {
    for (const line of some) {
      const path = requestTarget(line.bytes.toString(), paths);
      if (path === undefined) onBadLine(line, `no request, left out: its path is none of ${[...paths].join(', ')}`);
      else
        yield {
          path,
          body: undefined,
          events: 1,
          inputBytes: line.bytes.length + 1,
          firstLine: line.number,
          lastLine: line.number,
        };
    }
  }
}
