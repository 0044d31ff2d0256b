/** A schema registry by its URL: Confluent's REST interface, as far as the command line needs it. */
import { Fault, type FaultCode } from '../errors.ts';
import type { RegistryAdministration, SchemaContent, SchemaVersion, VersionProblem } from './administration.ts';
import type { CompatibilityLevel } from './compatibility/compatibility.ts';
import type { ReferencedSchema, SchemaType } from './registry.ts';
import { RegistryFault } from './registry-fault.ts';

/** What the command line does with a registry, wherever that is. */
export type ReachableRegistry = Pick<
  RegistryAdministration,
  'subjects' | 'versions' | 'version' | 'register' | 'problems' | 'referenced' | 'compatibility'
>;

const timeoutMs = 30_000;
const registryType = 'application/vnd.schemaregistry.v1+json';

interface VersionAnswer {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schema: string;
  readonly schemaType?: SchemaType;
  readonly references?: SchemaContent['references'];
}

/** @param address may hold a user and a password */
export function openRemoteRegistry(address: string): ReachableRegistry {
  return new RemoteRegistry(address);
}

class RemoteRegistry implements ReachableRegistry {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(address: string) {
    const url = URL.parse(address);
    if (url === null || !/^https?:$/.test(url.protocol))
      throw new Fault('USAGE', 'the address of the schema registry is no http:// or https:// URL');
    const user = decodeURIComponent(`${url.username}:${url.password}`);
    this.#headers = user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
    this.#base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  }

  async subjects(): Promise<readonly string[]> {
    return this.#ask('GET', '/subjects');
  }

  async versions(subject: string): Promise<readonly SchemaVersion[]> {
    const numbers = await this.#ask<readonly number[]>('GET', `${subjectPath(subject)}/versions`);
    return Promise.all(numbers.map((version) => this.version(subject, version)));
  }

  async version(subject: string, version: number | 'latest'): Promise<SchemaVersion> {
    return versionOf(await this.#ask<VersionAnswer>('GET', `${subjectPath(subject)}/versions/${version}`));
  }

  async register(subject: string, content: SchemaContent): Promise<SchemaVersion> {
    await this.#ask('POST', `${subjectPath(subject)}/versions`, bodyOf(content));
    return versionOf(await this.#ask<VersionAnswer>('POST', subjectPath(subject), bodyOf(content)));
  }

  /** In the words of the registry. */
  async problems(
    subject: string,
    content: SchemaContent,
    against: number | 'latest' | 'all',
  ): Promise<readonly VersionProblem[]> {
    const version = against === 'all' ? '' : `/${against}`;
    const path = `/compatibility${subjectPath(subject)}/versions${version}?verbose=true`;
    const answer = await this.#ask<{ is_compatible: boolean; messages?: readonly string[] }>(
      'POST',
      path,
      bodyOf(content),
    );
    if (answer.is_compatible) return [];
    const messages = answer.messages?.length ? answer.messages : ['the registry does not say why'];
    return messages.map((message) => ({ version: 0, path: '', kind: 'INCOMPATIBLE', message }));
  }

  async referenced({ references }: SchemaContent): Promise<readonly ReferencedSchema[]> {
    const found = new Map<string, ReferencedSchema>();
    for (const { name, subject, version } of references) {
      const schema = await this.version(subject, version);
      for (const inner of await this.referenced(schema)) found.set(inner.name, inner);
      found.set(name, { name, schema: schema.schema });
    }
    return [...found.values()];
  }

  async compatibility(subject?: string): Promise<CompatibilityLevel | undefined> {
    const path = subject === undefined ? '/config' : `/config/${encodeURIComponent(subject)}?defaultToGlobal=true`;
    return (await this.#ask<{ compatibilityLevel: CompatibilityLevel }>('GET', path)).compatibilityLevel;
  }

  async #ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await this.#send(method, path, body);
    const text = await response.text();
    if (response.ok) return parsed(text, this.#base) as Answer;
    throw refusal(response.status, text);
  }

  async #send(method: string, path: string, body: object | undefined): Promise<Response> {
    const headers = { ...this.#headers, accept: registryType, ...(body && { 'content-type': registryType }) };
    const init = {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body && { body: JSON.stringify(body) }),
    };
    try {
      return await fetch(this.#base + path, init);
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? cause.message : message;
      throw new Fault('SCHEMA_REGISTRY_UNAVAILABLE', `the schema registry at ${this.#base} did not answer: ${why}`, {
        cause: error,
      });
    }
  }
}

function subjectPath(subject: string): string {
  return `/subjects/${encodeURIComponent(subject)}`;
}

function bodyOf({ type, schema, references }: SchemaContent): object {
  return { schema, ...(type !== 'AVRO' && { schemaType: type }), ...(references.length > 0 && { references }) };
}

function versionOf({ schemaType = 'AVRO', references = [], ...answer }: VersionAnswer): SchemaVersion {
  const { subject, version, id, schema } = answer;
  return { subject, version, id, schema, type: schemaType, references, isDeleted: false };
}

function refusal(status: number, text: string): Fault {
  const { error_code: code, message } = Object(safelyParsed(text)) as { error_code?: unknown; message?: unknown };
  const words = typeof message === 'string' ? message : `it answered ${status}`;
  return new RegistryFault(faultCodeOf(status), typeof code === 'number' ? code : status, words);
}

function faultCodeOf(status: number): FaultCode {
  if (status === 409) return 'SCHEMA_INCOMPATIBLE';
  if (status === 422) return 'SCHEMA_INVALID';
  return status === 404 ? 'SCHEMA_UNKNOWN' : 'SCHEMA_REGISTRY_UNAVAILABLE';
}

function parsed(text: string, base: string): unknown {
  const value = safelyParsed(text);
  if (value !== undefined) return value;
  throw new Fault('SCHEMA_REGISTRY_UNAVAILABLE', `${base} did not answer with JSON: it is no schema registry`);
}

function safelyParsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // whoever asks says what that means
  }
}
