/** Filters of dead letters as requests carry them, checked. */
import { z } from 'zod';
import type { LetterFilter } from '../../dead-letters/letter-filter.ts';
import { Fault } from '../../errors.ts';
import { parseTime } from '../../event/time.ts';

/** As Unix milliseconds. */
export const time = z
  .string()
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    const found = parseTime(text);
    if (found !== undefined) return found.epochMs;
    context.addIssue('expected a time as in RFC 3339 with a zone');
    return z.NEVER;
  });

const text = z.string().max(10_000);

const filter = z.strictObject({
  ids: z.array(text).max(100_000).optional(),
  pipeline: text.optional(),
  at: z.enum(['ingest', 'processor']).optional(),
  reason: text.optional(),
  since: time.optional(),
  until: time.optional(),
  text: text.optional(),
  replayed: z.boolean().optional(),
});

export const replayRequest = z.strictObject({ filter, dryRun: z.boolean() });
export const patchRequest = z.strictObject({ filter, patch: z.string(), dryRun: z.boolean() });
export const editRequest = z.strictObject({ event: z.string(), edits: z.int().min(0) });

const count = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'expected a number from 1 to 99999')
  .transform(Number);

/** The same filter in a query string: `?pipeline=collect&replayed=false&limit=100`. */
export const listQuery = filter.extend({
  ids: z.never().optional(),
  replayed: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  limit: count.optional(),
});

export function toFilter({ since, until, ids, ...rest }: z.output<typeof filter>): LetterFilter {
  return { ...rest, ids: ids?.map((id) => id.toLowerCase()), sinceMs: since, untilMs: until };
}

/** @throws Fault REPAIR_INVALID */
export function check<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const checked = shape.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new Fault('REPAIR_INVALID', `the request${where && `, ${where}`}: ${issue?.message ?? 'not as it should be'}`);
}

/** @throws Fault REPAIR_INVALID */
export function checkJson<Shape extends z.ZodType>(shape: Shape, body: unknown): z.output<Shape> {
  let value: unknown;
  try {
    value = JSON.parse(String(body));
  } catch (error) {
    throw new Fault('REPAIR_INVALID', `the request is not JSON: ${(error as Error).message}`);
  }
  return check(shape, value);
}
