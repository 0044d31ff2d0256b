/**
 * The stamps of the message framework, as its producers write them: headers named
 * `X-Message-Stamp-<Vendor>\...\<Class>`, each a string, an object, or the framework's own encoding, which is a JSON string
 * of an object or of an array of all stamps of the class, of which the last counts.
 */
import type { JsonObject } from 'tributary';

/** Values as sent; `undefined` where there is none. */
export interface Headers {
  readonly type: unknown;
  readonly targetSubscription: unknown;
  readonly timestamp: unknown;
  readonly messageId: unknown;
  readonly newContext: unknown;
  readonly amplitudeTrack: unknown;
}

type Found = { -readonly [K in keyof Headers]: Headers[K] };

const headerPrefix = 'X-Message-Stamp-';

/** What counts of the received headers: of each stamp the last one, and those of `attributes` before those of `headers`. */
export function findHeaders(headers: JsonObject | undefined, attributes: JsonObject | undefined): Headers {
  const found: Found = {
    type: undefined,
    targetSubscription: undefined,
    timestamp: undefined,
    messageId: undefined,
    newContext: undefined,
    amplitudeTrack: undefined,
  };
  if (headers !== undefined) collect(headers, found);
  if (attributes !== undefined) collect(attributes, found);
  return found;
}

function collect(headers: JsonObject, found: Found): void {
  for (const name of Object.keys(headers)) {
    const header = headerOf(name);
    if (header !== 'other') found[header] = headers[name];
  }
}

type Header = keyof Headers | 'other';

/** Producers use few names: looking them up takes a quarter of the time of reading them. */
const headersByName = new Map<string, Header>();
const maxNames = 1000;

function headerOf(name: string): Header {
  let header = headersByName.get(name);
  if (header === undefined) {
    header = readName(name);
    if (headersByName.size < maxNames) headersByName.set(name, header);
  }
  return header;
}

/** A stamp is known by the whole last segment of its class name: `TransportMessageIdStamp` is another one. */
function readName(name: string): Header {
  if (name === 'type' || name === 'targetSubscription') return name;
  if (!name.startsWith(headerPrefix)) return 'other';
  switch (name.slice(Math.max(name.lastIndexOf('\\') + 1, headerPrefix.length))) {
    case 'TimestampStamp':
      return 'timestamp';
    case 'MessageIdStamp':
      return 'messageId';
    case 'NewContextStamp':
      return 'newContext';
    case 'AmplitudeTrackStamp':
      return 'amplitudeTrack';
    default:
      return 'other';
  }
}

/** The stamp itself, taken out of the framework's encoding where it is in it; any other string is a stamp as it stands. */
export function decodeStamp(value: unknown): unknown {
  if (typeof value !== 'string' || !encoded.test(value)) return value;
  let decoded: unknown;
  try {
    decoded = JSON.parse(value);
  } catch {
    return value;
  }
  return Array.isArray(decoded) ? decoded.at(-1) : decoded;
}

const encoded = /^\s*[[{]/;
