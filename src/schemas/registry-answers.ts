/** What Confluent's REST interface answers, checked: a registry is another's program, and may be any program. */
import { z } from 'zod';
import { compatibilityLevels } from './compatibility/compatibility.ts';

/** Ids travel in four bytes, and registries count from 1. */
const id = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const version = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const reference = z.object({ name: z.string(), subject: z.string(), version });

/** Avro is not named, and neither is the lack of references. */
const content = {
  schema: z.string(),
  schemaType: z.enum(['AVRO', 'JSON', 'PROTOBUF']).nullish(),
  references: z.array(reference).max(1_000).nullish(),
};

export const versionAnswer = z.object({ subject: z.string(), version, id, ...content });
export const schemaAnswer = z.object(content);
export const usesAnswer = z.array(z.object({ subject: z.string(), version }));
export const subjectsAnswer = z.array(z.string());
export const versionsAnswer = z.array(version);
export const registeredAnswer = z.object({ id });
export const compatibilityAnswer = z.object({ compatibilityLevel: z.enum(compatibilityLevels) });
export const problemsAnswer = z.object({ is_compatible: z.boolean(), messages: z.array(z.string()).nullish() });
