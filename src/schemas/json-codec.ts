/**
 * JSON after the wire format's header, checked by a JSON Schema (draft-06, draft-07, 2019-09 or 2020-12; without
 * `$schema` draft-07, as in other registries). What an event remembers as it was sent is written so, digit by digit.
 *
 * Infinity passes for a number: it is what 1e400 becomes when parsed.
 */
import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import { Ajv, type AnySchemaObject, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Fault, reasonOf } from '../errors.ts';
import { pointerNames } from '../event/json-pointer.ts';
import { json, stringifyEvent } from '../event/verbatim.ts';
import { Reject } from '../event/reject.ts';
import type { Codec } from './codec.ts';
import { describeValue } from './describe-value.ts';
import type { ReferencedSchema, RegisteredSchema } from './registry.ts';
import { checkHeader, headerBytes, WireBuffer } from './wire.ts';

/**
 * Schemas in the wild have keywords and formats of their own; those are let pass, and nothing is printed about them.
 * `verbose` is for what was found: errors bring the value.
 */
const options: Options = { strict: false, strictNumbers: false, allErrors: false, verbose: true, logger: false };

/** @throws Error whose message says where in the schema what is wrong */
export function compileJson({ id, schema, references = [] }: RegisteredSchema): Codec {
  const validate = compileSchema(JSON.parse(schema) as unknown, references);
  const wire = new WireBuffer(id);
  return {
    schemaId: id,
    writesJson: true,
    encode: (event) => {
      check(validate, event);
      return write(wire, stringify(event));
    },
    decode: (bytes) => {
      const event = parse(checkHeader(bytes, id).subarray(headerBytes));
      check(validate, event);
      return event;
    },
  };
}

/**
 * A check by a schema that no registry has. What it answers throws a Reject with path and what was expected there.
 * @throws Fault PIPELINE_INVALID
 */
export function jsonCheck(schema: unknown, what: string): (value: unknown) => void {
  try {
    const validate = compileSchema(schema, []);
    return (value) => check(validate, value);
  } catch (error) {
    throw new Fault('PIPELINE_INVALID', `${what}: ${reasonOf(error)}`, { cause: error });
  }
}

function compileSchema(schema: unknown, references: readonly ReferencedSchema[]): ValidateFunction {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw new Error('expected an object or a boolean');
  const { $schema, $id } = Object(schema) as { $schema?: unknown; $id?: unknown };
  const ajv = ajvFor(typeof $schema === 'string' ? $schema : '');
  formats.default(ajv);
  for (const reference of references) addReference(ajv, reference, typeof $id === 'string' ? $id : undefined);
  return ajv.compile(schema as AnySchemaObject | boolean);
}

/** `$ref` names it as it stands, or, in a schema with an `$id`, as seen from there. */
function addReference(ajv: Ajv, { name, schema }: ReferencedSchema, from: string | undefined): void {
  const parsed = JSON.parse(schema) as AnySchemaObject;
  const resolved = from === undefined ? undefined : URL.parse(name, from)?.href;
  for (const uri of new Set([name, resolved]))
    if (uri !== undefined && ajv.schemas[uri] === undefined && ajv.refs[uri] === undefined) ajv.addSchema(parsed, uri);
}

function ajvFor(dialect: string): Ajv {
  if (dialect.includes('2020-12')) return new Ajv2020(options);
  if (dialect.includes('2019-09')) return new Ajv2019(options);
  const ajv = new Ajv(options);
  if (dialect.includes('draft-06'))
    ajv.addMetaSchema(createRequire(import.meta.url)('ajv/dist/refs/json-schema-draft-06.json') as AnySchemaObject);
  return ajv;
}

function check(validate: ValidateFunction, event: unknown): void {
  if (passes(validate, event)) return;
  const error = validate.errors?.[0];
  throw error === undefined ? new Reject('', 'expected an event of the schema') : misfit(error);
}

function passes(validate: ValidateFunction, event: unknown): boolean {
  try {
    return validate(event);
  } catch (error) {
    if (error instanceof RangeError) throw new Reject('', 'expected less nesting');
    throw error;
  }
}

function misfit({ instancePath, keyword, params, message, data }: ErrorObject): Reject {
  const at = pointerNames(instancePath);
  const { missingProperty, additionalProperty, type, allowedValues } = params as Record<string, unknown>;
  if (keyword === 'required') return new Reject([...at, missingProperty].join('.'), 'expected a value, got nothing');
  if (keyword === 'additionalProperties')
    return new Reject([...at, additionalProperty].join('.'), 'expected nothing of that name');
  const path = at.join('.');
  const found = describeValue(data);
  if (keyword === 'type') return new Reject(path, `expected ${[type].flat().join(' or ')}, got ${found}`);
  if (keyword === 'enum') return new Reject(path, `expected one of ${JSON.stringify(allowedValues)}, got ${found}`);
  return new Reject(path, `${message ?? `must satisfy ${keyword}`}, got ${found}`);
}

function stringify(event: unknown): string {
  if (event === undefined) throw new Reject('', 'expected an event, got nothing');
  try {
    const isEvent = typeof event === 'object' && event !== null && !Array.isArray(event);
    return isEvent ? stringifyEvent(event) : json(event as string);
  } catch (error) {
    if (error instanceof RangeError) throw new Reject('', 'expected less nesting');
    throw error;
  }
}

function write(wire: WireBuffer, text: string): Uint8Array {
  const needed = headerBytes + 3 * text.length;
  if (needed > wire.buffer.length) wire.grow(headerBytes + Buffer.byteLength(text));
  return wire.upTo(headerBytes + wire.buffer.write(text, headerBytes));
}

function parse(payload: Buffer): unknown {
  if (!isUtf8(payload)) throw new Reject('', 'expected JSON in UTF-8');
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw new Reject('', `expected JSON: ${reasonOf(error)}`);
  }
}
