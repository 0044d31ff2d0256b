/**
 * Pairs as OpenTelemetry writes them in its variables: `name=value,name=value`, what is not plain ASCII percent-encoded, as in
 * W3C Baggage.
 */

/** Undefined where the text is none of that. */
export function readPairs(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>();
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    const value = decoded(pair.slice(equals + 1).trim());
    if (equals === -1 || !nameForm.test(name) || value === undefined) return undefined;
    pairs.set(name, value);
  }
  return pairs;
}

/** Names of attributes and of HTTP headers; none that means something to JavaScript. */
const nameForm = /^[a-z0-9][\w.-]*$/i;

function decoded(value: string): string | undefined {
  try {
    const text = decodeURIComponent(value);
    return /^[^\p{Cc}]*$/u.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it can be sent as an HTTP header. */
export function areHeaders(pairs: ReadonlyMap<string, string> | undefined): boolean {
  return pairs !== undefined && [...pairs.values()].every((value) => /^[ -~]*$/.test(value));
}
