/**
 * A request as a line of JSON, which `generate` writes and `send` posts: `{"path":"/followup","uuid":"..."}`. Each member beside `path` is a
 * parameter; one with several values is an array of them.
 */

/** Path and query string of the request; undefined where the line is an event: its `path` is none of `paths`. */
export function requestTarget(line: string, paths: ReadonlySet<string>): string | undefined {
  const { path, ...parameters } = membersOf(line);
  if (typeof path !== 'string' || !paths.has(path)) return undefined;
  const query = Object.entries(parameters).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${encode(name)}=${encode(textOf(one))}`),
  );
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

function membersOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {}; // an event that is not JSON, which is told as such
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Half of a surrogate pair has no UTF-8. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
