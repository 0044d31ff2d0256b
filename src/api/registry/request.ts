/** What clients of the schema registry ask, read from path, query and body; nonsense is one clear fault. */
import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isFault, reasonOf } from '../../errors.ts';
import { decodedBody } from '../../ingest/body.ts';
import type { SchemaContent, Which } from '../../schemas/administration.ts';
import { RegistryFault, schemaInvalid, versionInvalid } from '../../schemas/registry-fault.ts';

export type Asked = FastifyRequest<{
  Params: Readonly<Record<string, string>>;
  Querystring: Readonly<Record<string, string | readonly string[]>>;
}>;

export const maxBodyBytes = 1_048_576;
const maxReferences = 1_000;
/** Of ids, versions, offsets and limits. */
export const largestNumber = 2 ** 31 - 1;

/** `:.:name` is `name` in the default context; other contexts are a part of the name. */
export function subjectOf({ params }: Asked): string {
  return (params['subject'] ?? '').replace(/^:\.:(?=.)/, '');
}

/** -1 is the newest, too. @throws RegistryFault 42202 */
export function versionOf({ params }: Asked): number | 'latest' {
  const text = params['version'] ?? '';
  if (text === 'latest' || text === '-1') return 'latest';
  const version = wholeNumber(text, 1);
  if (version === undefined) throw versionInvalid(text.slice(0, 40));
  return version;
}

/** @throws RegistryFault 404 */
export function idOf({ params }: Asked): number {
  const id = wholeNumber(params['id'] ?? '', 0);
  if (id === undefined) throw new RegistryFault('SCHEMA_UNKNOWN', 404, 'HTTP 404 Not Found: ids are whole numbers');
  return id;
}

function wholeNumber(text: string, least: number): number | undefined {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  return number >= least && number <= largestNumber ? number : undefined;
}

/** The last one, where it is given several times; '' where it is not. */
export function queryText({ query }: Asked, name: string): string {
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  return (typeof value === 'object' ? value.at(-1) : value) ?? '';
}

/** Clients write `true` and `True`. @throws RegistryFault 400 */
export function flag(asked: Asked, name: string): boolean {
  const text = queryText(asked, name).toLowerCase();
  if (text === 'true') return true;
  if (text === 'false' || text === '') return false;
  throw new RegistryFault('USAGE', 400, `${name}: expected true or false`);
}

/** @param unset where it is not given @throws RegistryFault 400 */
export function count(asked: Asked, name: string, unset: number): number {
  const text = queryText(asked, name);
  if (text === '' || text === '-1') return unset;
  const number = wholeNumber(text, 0);
  if (number === undefined) throw new RegistryFault('USAGE', 400, `${name}: expected a whole number`);
  return number;
}

export function whichOf(asked: Asked): Which {
  if (flag(asked, 'deletedOnly')) return 'deleted';
  return flag(asked, 'deleted') ? 'all' : 'live';
}

/** @throws RegistryFault 400, 413; Fault of the body */
export async function jsonBody(asked: Asked): Promise<unknown> {
  const bytes = Buffer.concat(await received(asked));
  if (!isUtf8(bytes)) throw notJson('it is not UTF-8');
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw notJson(reasonOf(error));
  }
}

async function received({ raw, headers }: Asked): Promise<readonly Buffer[]> {
  const { 'content-encoding': encoding, 'content-length': announcedLength } = headers;
  try {
    return await Array.fromAsync(decodedBody(raw, { encoding, announcedLength, maxBytes: maxBodyBytes }));
  } catch (error) {
    if (!isFault(error, 'PACKAGE_TOO_LARGE')) throw error;
    throw new RegistryFault('PACKAGE_TOO_LARGE', 413, `the body is larger than ${maxBodyBytes} bytes`);
  }
}

function notJson(why: string): RegistryFault {
  return new RegistryFault('USAGE', 400, `the body is not JSON: ${why}`);
}

const text = z.string('expected a string').min(1, 'expected a string that is not empty');
const whole = z.int('expected a whole number').min(-1, 'expected a whole number').max(largestNumber);
const reference = z.object({ name: text, subject: text, version: whole }, 'expected an object');
const types = ['AVRO', 'JSON', 'PROTOBUF'] as const;

export const schemaRequest = z.object(
  {
    schema: text,
    schemaType: z.enum(types, `expected one of ${types.join(', ')}`).nullish(),
    references: z.array(reference, 'expected an array').max(maxReferences).nullish(),
    id: whole.nullish(),
    version: whole.nullish(),
    metadata: z.unknown().optional(),
    ruleSet: z.unknown().optional(),
  },
  'expected an object',
);

export interface AskedSchema {
  readonly content: SchemaContent;
  readonly id: number | undefined;
  readonly version: number | undefined;
}

/** @throws RegistryFault 42201, 42210 */
export async function schemaBodyOf(asked: Asked): Promise<AskedSchema> {
  const { data, error } = schemaRequest.safeParse(await jsonBody(asked));
  if (error) throw schemaInvalid(error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; '));
  // Whoever sends rules counts on their being kept, and on events being encrypted or refused by them.
  for (const name of ['metadata', 'ruleSet'] as const)
    if (data[name] !== undefined && data[name] !== null)
      throw new RegistryFault('SCHEMA_INVALID', 42210, `${name}: this registry does not keep it; leave it out`);
  const { schema, schemaType, references, id, version } = data;
  return {
    content: { type: schemaType ?? 'AVRO', schema, references: references ?? [] },
    id: positive(id),
    version: positive(version),
  };
}

function positive(number: number | null | undefined): number | undefined {
  return number !== undefined && number !== null && number > 0 ? number : undefined;
}

/** One text of an object, where it is one. */
export function textIn(body: unknown, name: string): string | undefined {
  const value: unknown = Object.hasOwn(Object(body) as object, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
  return typeof value === 'string' ? value : undefined;
}
