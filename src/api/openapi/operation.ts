/** What the OpenAPI document says of one route: the rooms of the API describe theirs with it, `document.ts` writes them down. */
import type { FaultCode } from '../../errors.ts';

/** A JSON Schema, or a part of the document that is not looked into. */
export type Json = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  /** Those of a path always are. */
  readonly required?: boolean;
  readonly schema: Json;
}

export interface Answer {
  readonly description: string;
  /** By media type. */
  readonly content?: Readonly<Record<string, Json>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal that is no Fault: the server's own, from before a route is asked. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly when: string;
}

export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** With parameters in braces. */
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** As the route's config has it (guard.ts). */
  readonly access: 'everybody' | 'source' | 'admin';
  /** `registry`: { error_code, message }. Default: { error, message, todo }. */
  readonly refusalsAs?: 'registry';
  readonly parameters?: readonly Parameter[];
  readonly body?: {
    readonly description?: string;
    readonly content: Readonly<Record<string, Json>>;
    /** Default false. */
    readonly isOptional?: boolean;
  };
  readonly answers: Readonly<Record<number, Answer>>;
  readonly refusals: readonly (FaultCode | Refusal)[];
}

/** A route for admins, which is what a route is that says nothing else. */
export function route(method: Operation['method'], path: string, id: string, tag: string) {
  return { method, path, id, tag, access: 'admin' } as const;
}

export function json(schema: Json): Readonly<Record<string, Json>> {
  return { 'application/json': schema };
}

export function ref(schema: string): Json {
  return { $ref: `#/components/schemas/${schema}` };
}

/** All members are there but those that end in `?`; others may be added in later versions. */
export function object(members: Readonly<Record<string, Json>>, description?: string): Json {
  const named = Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ''), schema] as const);
  const required = Object.keys(members).filter((name) => !name.endsWith('?'));
  return {
    type: 'object',
    ...(description !== undefined && { description }),
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(named),
  };
}

export function list(items: Json): Json {
  return { type: 'array', items };
}

export function text(description?: string): Json {
  return { type: 'string', ...(description !== undefined && { description }) };
}

export function oneOf(values: readonly string[], description?: string): Json {
  return { ...text(description), enum: values };
}

export function whole(description?: string): Json {
  return { type: 'integer', minimum: 0, ...(description !== undefined && { description }) };
}

/** RFC 3339. */
export const time: Json = { type: 'string', format: 'date-time' };
export const uuid: Json = { type: 'string', format: 'uuid' };
export const flag: Json = { type: 'boolean' };
