/**
 * Where the verbatim members of an event stand in its bytes as received, as a record's header says it, so that the processor
 * need not look for them: `19-240,-`, in the order in which the pipeline names them, `-` for one that is not there.
 */
import type { Span } from './json-member.ts';

export function formatSpans(spans: readonly (Span | undefined)[]): string {
  let text = '';
  for (const [index, span] of spans.entries())
    text += `${index === 0 ? '' : ','}${span === undefined ? '-' : `${span.start}-${span.end}`}`;
  return text;
}

/** Undefined where the text is not of so many members. */
export function parseSpans(text: string, count: number): readonly (Span | undefined)[] | undefined {
  const parts = text.split(',');
  if (parts.length !== count) return undefined;
  const spans = parts.map((part) => {
    if (part === '-') return undefined;
    const dash = part.indexOf('-');
    return { start: Number(part.slice(0, dash)), end: Number(part.slice(dash + 1)) };
  });
  return spans.every((span) => span === undefined || span.start < span.end) ? spans : undefined;
}
