/**
 * The bytes of a file -> its events, or why it is none: half-written, or no JSON at all, which look the same. No beginning of a JSON array
 * or object is itself one, so a file that is cut is never taken for whole.
 */
import { isFault } from '../../errors.ts';
import { isJson } from '../../event/json-syntax.ts';
import { splitJson } from '../../ingest/split-json.ts';
import { splitNdjson } from '../../ingest/split-ndjson.ts';
import type { SplitEvent } from '../../ingest/splitter.ts';
import type { FileSource } from '../../pipeline/pipeline.ts';

export type CutFile = { readonly events: readonly SplitEvent[] } | { readonly notJson: string };

/**
 * The events are views of the bytes.
 * @param isWholeJson where somebody has cut them already, and found that each is JSON
 */
export function cutFile(bytes: Buffer, format: FileSource['format'], isWholeJson = false): CutFile {
  const splitter = format === 'json' ? splitJson() : splitNdjson();
  try {
    const events = [...splitter.push(bytes), ...splitter.end()];
    if (isWholeJson || format === 'ndjson') return { events }; // a line that is no JSON is a dead letter of its own
    const broken = events.findIndex((event) => !isWhole(event));
    return broken === -1 ? { events } : { notJson: `event ${broken} of the file is no JSON` };
  } catch (error) {
    if (isFault(error, 'NOT_JSON') || isFault(error, 'BODY_INCOMPLETE')) return { notJson: error.message };
    throw error;
  }
}

function isWhole({ bytes, tooDeep }: SplitEvent): boolean {
  if (tooDeep) return isJson(bytes); // not to be given to what recurses
  try {
    JSON.parse(bytes.toString('latin1')); // what is no UTF-8 is JSON all the same, and is refused with its reason
    return true;
  } catch {
    return false;
  }
}
