/** The raw events that are in the objects. */
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { isParquet } from '../../sinks/object-lines.ts';
import { objectTexts } from '../object-texts.ts';
import type { Kind } from './sent-request.ts';

export interface RawEvent {
  readonly uuid: string;
  readonly symbol: string | null;
  readonly is_vowel: boolean | null;
  readonly kind: Kind;
  /** RFC 3339 in UTC with microseconds. */
  readonly time: string;
}

export interface FoundEvent {
  readonly key: string;
  readonly event: RawEvent;
}

export interface FoundEvents {
  readonly events: readonly FoundEvent[];
  /** Objects that do not end with a line feed, or hold a line that is no raw event. */
  readonly torn: readonly string[];
}

const nulls = { symbol: null, is_vowel: null } as const;

export async function readRawEvents(store: ObjectStore): Promise<FoundEvents> {
  const events: FoundEvent[] = [];
  const torn: string[] = [];
  for await (const [key, text] of objectTexts(store)) {
    if (!text.endsWith('\n')) torn.push(key);
    for (const line of text.split('\n').slice(0, -1)) {
      const event = rawEventIn(line);
      // There, nothing and null are the same.
      if (event) events.push({ key, event: isParquet(key) ? { ...nulls, ...event } : event });
      else torn.push(key);
    }
  }
  return { events, torn };
}

function rawEventIn(line: string): RawEvent | undefined {
  try {
    const event = JSON.parse(line) as RawEvent;
    const { uuid, kind, time } = event;
    return typeof uuid === 'string' && typeof time === 'string' && typeof kind === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
}
