/**
 * What is known of a registry elsewhere, in a directory: schemas by their ids, which never change their meaning, and of subjects the
 * version that was the newest, and what was registered from here. A file is there whole or not at all, and is checked when it is
 * read: one that is damaged is as good as missing, for the registry has it all.
 *
 *   <registry>/ids/<id>.json         a schema with all that it refers to
 *   <registry>/subjects/<hash>.json  { subject, latest?: { version, id }, registered: [{ digest, version, id }] }
 *
 * Each registry, by its address, has a folder of its own: an id of one means nothing at another.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceDurably } from '../stores/durable-files.ts';
import type { RegisteredSchema } from './registry.ts';

const number = z.int().min(0);
const schemaFile = z.object({
  id: number,
  subject: z.string(),
  version: number,
  type: z.enum(['AVRO', 'JSON', 'PROTOBUF']),
  schema: z.string(),
  references: z.array(z.object({ name: z.string(), schema: z.string() })),
});
const subjectFile = z.object({
  subject: z.string(),
  latest: z.object({ version: number, id: number }).optional(),
  registered: z.array(z.object({ digest: z.string(), version: number, id: number })),
});

export type KeptSubject = Readonly<z.output<typeof subjectFile>>;

export interface KeptSchemasOptions {
  readonly dir: string;
  /** Of the registry, without user and password. */
  readonly address: string;
  /** Nothing is written: for other processes than the one that serves. */
  readonly isReadOnly: boolean;
}

export class KeptSchemas {
  /** Of this registry. */
  readonly dir: string;
  readonly #ids: string;
  readonly #subjects: string;
  readonly #isReadOnly: boolean;

  private constructor(dir: string, isReadOnly: boolean) {
    this.dir = dir;
    this.#ids = join(dir, 'ids');
    this.#subjects = join(dir, 'subjects');
    this.#isReadOnly = isReadOnly;
  }

  static async open({ dir, address, isReadOnly }: KeptSchemasOptions): Promise<KeptSchemas> {
    const kept = new KeptSchemas(join(dir, digestOf(address).slice(0, 16)), isReadOnly);
    if (!isReadOnly) for (const each of [kept.#ids, kept.#subjects]) await mkdir(each, { recursive: true });
    return kept;
  }

  schema(id: number): Promise<RegisteredSchema | undefined> {
    return read(join(this.#ids, `${id}.json`), schemaFile, (schema) => schema.id === id);
  }

  async keepSchema(schema: RegisteredSchema): Promise<void> {
    const { id, subject, version, type, schema: text, references = [] } = schema;
    await this.#write(join(this.#ids, `${id}.json`), { id, subject, version, type, schema: text, references });
  }

  subject(subject: string): Promise<KeptSubject | undefined> {
    return read(this.#subjectPath(subject), subjectFile, (kept) => kept.subject === subject);
  }

  async keepSubject(kept: KeptSubject): Promise<void> {
    await this.#write(this.#subjectPath(kept.subject), kept);
  }

  /** Subjects are others' words, and of any length. */
  #subjectPath(subject: string): string {
    return join(this.#subjects, `${digestOf(subject)}.json`);
  }

  async #write(path: string, content: object): Promise<void> {
    if (this.#isReadOnly) return;
    await replaceDurably(path, `${JSON.stringify({ digest: digestOf(JSON.stringify(content)), content })}\n`);
  }
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function read<Content>(
  path: string,
  form: z.ZodType<Content>,
  isMeant: (content: Content) => boolean,
): Promise<Content | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const { digest, content } = parsed(text);
  if (digest !== digestOf(JSON.stringify(content) ?? '')) return undefined;
  const { data } = form.safeParse(content);
  return data !== undefined && isMeant(data) ? data : undefined;
}

function parsed(text: string): { readonly digest?: unknown; readonly content?: unknown } {
  try {
    return Object(JSON.parse(text)) as { digest?: unknown; content?: unknown };
  } catch {
    return {}; // missing, or damaged
  }
}
