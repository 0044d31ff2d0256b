/** What was found where a schema expected something else, for the producer to read; never the whole of a large value. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'number') return `number ${value}`;
  if (typeof value === 'string') return describeString(value);
  if (Array.isArray(value)) return 'array';
  return Buffer.isBuffer(value) ? 'bytes' : typeof value;
}

function describeString(value: string): string {
  if (!value.isWellFormed()) return 'a string with a lone surrogate';
  return value.length <= 40 ? `string ${JSON.stringify(value)}` : 'string';
}
