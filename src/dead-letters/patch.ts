/**
 * Patches of events: a JSON Patch (RFC 6902, an array of operations) or a JSON Merge Patch (RFC 7386, an object). Numbers that
 * a patch does not touch keep their digits.
 */
import { isDeepStrictEqual } from 'node:util';
import { applyPatch, type Operation, Pointer } from 'rfc6902';
import { Fault } from '../errors.ts';
import { parseExact, stringifyExact } from '../event/exact-json.ts';
import { isObject } from '../event/json-object.ts';
import { pointerToken } from '../event/json-pointer.ts';

export type Patch = (event: unknown) => unknown;

export interface PatchChange {
  /** JSON Pointer. */
  readonly path: string;
  /** JSON; undefined where there is none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export type Patched =
  | { readonly result: 'changed'; readonly event: Buffer; readonly changes: readonly PatchChange[] }
  | { readonly result: 'unchanged' }
  /** The patch does not fit this event. */
  | { readonly result: 'failed'; readonly message: string };

/** @throws Fault REPAIR_INVALID */
export function parsePatch(text: string): Patch {
  const patch = parse(text);
  if (Array.isArray(patch)) return jsonPatch(patch.map(checkOperation));
  if (typeof patch === 'object' && patch !== null) return (event) => merge(event, patch as JsonObject);
  throw invalid('expected an array of operations (RFC 6902) or an object (RFC 7386)');
}

export function applyTo(event: Buffer, patch: Patch): Patched {
  let before: unknown;
  try {
    before = parseExact(new TextDecoder('utf-8', { fatal: true }).decode(event));
  } catch (error) {
    return { result: 'failed', message: whyNotParsed(error) };
  }
  try {
    const text = stringifyExact(before);
    const after = patch(parseExact(text));
    const patched = stringifyExact(after);
    if (patched === text) return { result: 'unchanged' };
    return { result: 'changed', event: Buffer.from(patched), changes: changesBetween(before, after, '') };
  } catch (error) {
    if (error instanceof Misfit) return { result: 'failed', message: error.message };
    if (error instanceof RangeError)
      return { result: 'failed', message: 'the event is nested too deeply to be patched' };
    throw error;
  }
}

type JsonObject = Record<string, unknown>;

class Misfit extends Error {}

function jsonPatch(operations: readonly Operation[]): Patch {
  return (event) => {
    for (const [index, operation] of operations.entries()) {
      const failed = applyOne(event, operation);
      if (failed !== undefined) throw new Misfit(`operation ${index} (${operation.op} ${operation.path}): ${failed}`);
    }
    return event;
  };
}

function applyOne(event: unknown, operation: Operation): string | undefined {
  const valueAt = (pointer: string): unknown => Pointer.fromJSON(pointer).get(event);
  // not by the library, which compares arrays in the square of their length
  if (operation.op === 'test')
    return isDeepStrictEqual(valueAt(operation.path), operation.value) ? undefined : 'another value is there';
  if ('from' in operation && valueAt(operation.from) === undefined) return `there is nothing at ${operation.from}`;
  if (operation.op === 'copy' && namesProto(valueAt(operation.from))) return `what it copies has a member ${proto}`;
  try {
    const [error] = applyPatch(event, [operation]);
    return error ? 'there is no such place in the event' : undefined;
  } catch (error) {
    // to set a member of a text or a number
    if (error instanceof TypeError) return 'there is no such place in the event';
    throw error;
  }
}

const proto = '__proto__';

/** The library loses such a member where it copies. */
function namesProto(value: unknown): boolean {
  return value !== undefined && stringifyExact(value).includes(`"${proto}":`);
}

const operations: ReadonlySet<unknown> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
/** The library leaves these out of paths, and would change another place. */
const unreachable: ReadonlySet<string> = new Set([proto, 'constructor', 'prototype']);

function checkOperation(operation: unknown, index: number): Operation {
  const where = `operation ${index}`;
  if (typeof operation !== 'object' || operation === null) throw invalid(`${where}: expected an object`);
  const { op, path, from } = operation as { readonly op?: unknown; readonly path?: unknown; readonly from?: unknown };
  if (!operations.has(op)) throw invalid(`${where}: expected op to be one of ${[...operations].join(', ')}`);
  checkPointer(path, `${where}: path`);
  if (op === 'move' || op === 'copy') checkPointer(from, `${where}: from`);
  else if (op !== 'remove' && !Object.hasOwn(operation, 'value'))
    throw invalid(`${where}: ${String(op)} needs a value`);
  if (namesProto((operation as { readonly value?: unknown }).value))
    throw invalid(`${where}: a value with a member ${proto} can only be set by a merge patch`);
  return operation as Operation;
}

function checkPointer(pointer: unknown, where: string): void {
  if (typeof pointer !== 'string' || !/^(?:\/(?:[^~]|~[01])*)+$/.test(pointer))
    throw invalid(`${where}: expected a JSON Pointer such as /data/amount (~1 is a slash in a name, ~0 a tilde)`);
  const name = Pointer.fromJSON(pointer).tokens.find((token) => unreachable.has(token));
  if (name !== undefined)
    throw invalid(`${where}: a patch cannot reach members named ${name}; edit the event by itself`);
}

/** RFC 7386, section 2. */
function merge(target: unknown, patch: JsonObject): unknown {
  const merged = isObject(target) ? target : (Object.create(null) as JsonObject);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = isObject(value) ? merge(merged[name], value) : value;
  }
  return merged;
}

/** Arrays of different lengths are one change. */
function changesBetween(before: unknown, after: unknown, path: string): PatchChange[] {
  const bothArrays = Array.isArray(before) && Array.isArray(after) && before.length === after.length;
  if (!bothArrays && !(isObject(before) && isObject(after)))
    return isDeepStrictEqual(before, after) ? [] : [{ path, before: textOf(before), after: textOf(after) }];
  const [left, right] = [before as JsonObject, after as JsonObject];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].flatMap((name) => changesBetween(left[name], right[name], `${path}/${pointerToken(name)}`));
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : stringifyExact(value);
}

function parse(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    throw invalid(`not JSON: ${(error as Error).message}`);
  }
}

function whyNotParsed(error: unknown): string {
  if (error instanceof SyntaxError) return 'the event is no JSON, which a patch cannot change: edit it by itself';
  if (error instanceof RangeError) return 'the event is nested too deeply to be patched';
  return 'the event is not in UTF-8, which a patch cannot change: edit it by itself';
}

function invalid(message: string): Fault {
  return new Fault('REPAIR_INVALID', `the patch: ${message}`);
}
