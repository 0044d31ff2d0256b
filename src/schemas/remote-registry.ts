/**
 * A schema registry by its URL: Confluent's REST interface, as far as the command line and the engine need it. Nothing is kept here
 * (cached-registry.ts does).
 */
import { z } from 'zod';
import { Fault, isFault } from '../errors.ts';
import type { RegistryAdministration, SchemaContent, SchemaVersion, VersionProblem } from './administration.ts';
import type { CompatibilityLevel } from './compatibility/compatibility.ts';
import type { ReferencedSchema, RegisteredSchema, SchemaType } from './registry.ts';
import { readRegistryAddress } from './registry-address.ts';
import {
  compatibilityAnswer,
  problemsAnswer,
  registeredAnswer,
  schemaAnswer,
  subjectsAnswer,
  usesAnswer,
  versionAnswer,
  versionsAnswer,
} from './registry-answers.ts';
import { type RegistryAsk, RegistryConnection } from './registry-connection.ts';
import { schemaUnknown } from './registry-fault.ts';

/** What the command line does with a registry, wherever that is. */
export type ReachableRegistry = Pick<
  RegistryAdministration,
  'subjects' | 'versions' | 'version' | 'register' | 'problems' | 'referenced' | 'compatibility'
>;

export interface RemoteRegistryOptions {
  /** May hold a user and a password. */
  readonly address: string;
  /** Of a request. Default 30 s. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 30_000;
/** At least: a registration is compared with all that was registered before. */
const registerTimeoutMs = 10_000;
/** From any number of them on, somebody is playing. */
const maxReferences = 1_000;
/** Of all that a schema refers to. */
const maxReferencedCharacters = 16_000_000;

/** @throws Fault USAGE where the address is none */
export function openRemoteRegistry(options: RemoteRegistryOptions): RemoteRegistry {
  const address = readRegistryAddress(options.address);
  if (address === undefined)
    throw new Fault('USAGE', 'the address of the schema registry is no http:// or https:// URL');
  const { timeoutMs = defaultTimeoutMs } = options;
  return new RemoteRegistry(new RegistryConnection({ address, timeoutMs }), Math.max(timeoutMs, registerTimeoutMs));
}

export class RemoteRegistry implements ReachableRegistry {
  readonly #connection: RegistryConnection;

  readonly #registerTimeoutMs: number;

  constructor(connection: RegistryConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#registerTimeoutMs = timeoutMs;
  }

  /** Without user and password. */
  get address(): string {
    return this.#connection.address;
  }

  subjects(): Promise<readonly string[]> {
    return this.#get('/subjects', subjectsAnswer);
  }

  async versions(subject: string): Promise<readonly SchemaVersion[]> {
    const numbers = await this.#get(`${subjectPath(subject)}/versions`, versionsAnswer).catch((error: unknown) => {
      if (isFault(error, 'SCHEMA_UNKNOWN')) return [];
      throw error;
    });
    const versions = await Promise.all(numbers.map((version) => this.version(subject, version)));
    return versions.toSorted((a, b) => a.version - b.version);
  }

  async version(subject: string, version: number | 'latest'): Promise<SchemaVersion> {
    return versionOf(await this.#get(`${subjectPath(subject)}/versions/${version}`, versionAnswer));
  }

  async register(subject: string, content: SchemaContent): Promise<SchemaVersion> {
    const body = bodyOf(await this.#numbered(content));
    const post = { method: 'POST', body, timeoutMs: this.#registerTimeoutMs } as const;
    await this.#ask({ ...post, path: `${subjectPath(subject)}/versions` }, registeredAnswer);
    const { version } = await this.#ask({ ...post, path: subjectPath(subject) }, versionAnswer);
    return this.version(subject, version); // Apicurio leaves out the type where a schema is looked up
  }

  /** In the words of the registry. */
  async problems(
    subject: string,
    content: SchemaContent,
    against: number | 'latest' | 'all',
  ): Promise<readonly VersionProblem[]> {
    const version = against === 'all' ? '' : `/${against}`;
    const path = `/compatibility${subjectPath(subject)}/versions${version}?verbose=true`;
    const body = bodyOf(await this.#numbered(content));
    const answer = await this.#ask({ method: 'POST', path, body }, problemsAnswer).catch((error: unknown) => {
      if (isFault(error, 'SCHEMA_UNKNOWN') && typeof against === 'string') return nothingToBreak; // a new subject
      throw error;
    });
    if (answer.is_compatible) return [];
    const messages = answer.messages?.length ? answer.messages : ['the registry does not say why'];
    return messages.map((message) => ({ version: 0, path: '', kind: 'INCOMPATIBLE', message }));
  }

  /** Not every registry knows -1 for the newest version of what is referred to. */
  async #numbered(content: SchemaContent): Promise<SchemaContent> {
    const numbered = async (one: SchemaContent['references'][number]) =>
      one.version === -1 ? { ...one, version: (await this.version(one.subject, 'latest')).version } : one;
    return { ...content, references: await Promise.all(content.references.map(numbered)) };
  }

  async referenced({ references }: Pick<SchemaContent, 'references'>): Promise<readonly ReferencedSchema[]> {
    const found = new Map<string, ReferencedSchema>();
    const above = new Set<string>();
    let characters = 0;
    const add = async ({ name, subject, version }: SchemaContent['references'][number]): Promise<void> => {
      if (found.has(name)) return;
      if (above.has(name)) throw this.#nonsense(`${name} refers to itself`);
      if (above.size + found.size >= maxReferences) throw this.#nonsense(`there are more than ${maxReferences}`);
      above.add(name);
      const schema = await this.#reference(subject, version);
      for (const inner of schema.references) await add(inner);
      above.delete(name);
      if ((characters += schema.schema.length) > maxReferencedCharacters)
        throw this.#nonsense('references are too large');
      found.set(name, { name, schema: schema.schema });
    };
    for (const reference of references) await add(reference);
    return [...found.values()];
  }

  /** Deleted ones too: what refers to them is read by them. */
  async #reference(subject: string, version: number): Promise<SchemaVersion> {
    const asked = version === -1 ? 'latest' : `${version}?deleted=true`;
    return versionOf(await this.#get(`${subjectPath(subject)}/versions/${asked}`, versionAnswer));
  }

  async compatibility(subject?: string): Promise<CompatibilityLevel | undefined> {
    const path = subject === undefined ? '/config' : `/config/${encoded(subject)}?defaultToGlobal=true`;
    return (await this.#get(path, compatibilityAnswer)).compatibilityLevel;
  }

  async latest(subject: string): Promise<RegisteredSchema> {
    return this.withReferences(await this.version(subject, 'latest'));
  }

  /** Named after a subject and version that has it; after none (`''`, 0) where all are deleted. */
  async byId(id: number): Promise<RegisteredSchema> {
    if (!Number.isSafeInteger(id) || id < 1 || id > maxId) throw schemaUnknown(String(id));
    const { schema, schemaType, references } = await this.#get(`/schemas/ids/${id}`, schemaAnswer);
    const [use = { subject: '', version: 0 }] = await this.#get(`/schemas/ids/${id}/versions?deleted=true`, usesAnswer);
    const type = schemaType ?? 'AVRO';
    return this.withReferences({ id, ...use, type, schema, references: references ?? [] });
  }

  async withReferences({ id, subject, version, type, schema, references }: Version): Promise<RegisteredSchema> {
    return { id, subject, version, type, schema, references: await this.referenced({ references }) };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #get<Answer>(path: string, form: z.ZodType<Answer>): Promise<Answer> {
    return this.#ask({ method: 'GET', path }, form);
  }

  async #ask<Answer>(ask: RegistryAsk, form: z.ZodType<Answer>): Promise<Answer> {
    const read = form.safeParse(await this.#connection.ask(ask));
    if (read.success) return read.data;
    throw this.#nonsense(z.prettifyError(read.error).slice(0, 500));
  }

  #nonsense(what: string): Fault {
    const message = `the schema registry at ${this.address} did not answer as a schema registry does: ${what}`;
    return new Fault('SCHEMA_REGISTRY_UNAVAILABLE', message);
  }
}

const nothingToBreak: z.output<typeof problemsAnswer> = { is_compatible: true };

type Version = Omit<SchemaVersion, 'isDeleted'>;

const maxId = 2 ** 31 - 1;

function subjectPath(subject: string): string {
  return `/subjects/${encoded(subject)}`;
}

/** Dots too: `..` is the way up for whoever stands between. */
function encoded(subject: string): string {
  return encodeURIComponent(subject).replaceAll('.', '%2E');
}

function bodyOf({ type, schema, references }: SchemaContent): object {
  return { schema, ...(type !== 'AVRO' && { schemaType: type }), ...(references.length > 0 && { references }) };
}

function versionOf({ schemaType, references, ...answer }: z.output<typeof versionAnswer>): SchemaVersion {
  const { subject, version, id, schema } = answer;
  const type: SchemaType = schemaType ?? 'AVRO';
  return { subject, version, id, schema, type, references: references ?? [], isDeleted: false };
}
