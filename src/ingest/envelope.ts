/**
 * An envelope: a JSON object, one of whose members is an array of events. It is taken or refused as a whole, so all of it is in memory;
 * its bytes are read once to find the events, and each event then by itself, as it was received.
 */
import { isUtf8 } from 'node:buffer';
import { isFault } from '../errors.ts';
import { maxNestingLevels, nestsTooDeep } from '../event/json-nesting.ts';
import { memberSpan } from '../event/json-member.ts';
import { isObject } from '../event/json-object.ts';
import { isJson, jsonErrorAt } from '../event/json-syntax.ts';
import { Reject } from '../event/reject.ts';
import { describeValue } from '../schemas/describe-value.ts';
import { splitJson } from './split-json.ts';
import { type SplitEvent } from './splitter.ts';

const openBracket = 0x5b;
const noEvents = Buffer.from('[]');

/**
 * The events of the member `name`; of several members of that name, the last. Other members are passed over.
 * @throws Reject where the body is no such envelope; what is wrong within an event is not seen here
 */
export function envelopeEvents(body: Buffer, name: string): readonly SplitEvent[] {
  const span = spanOf(body, name);
  if (span === undefined || body[span.start] !== openBracket) throw whyNone(body, name);
  const rest = Buffer.concat([body.subarray(0, span.start), noEvents, body.subarray(span.end)]);
  if (nestsTooDeep(rest)) throw new Reject('', `expected at most ${maxNestingLevels} levels of nesting, got more`);
  if (!isEnvelope(rest)) throw whyNone(body, name);
  try {
    const splitter = splitJson();
    return [...splitter.push(body.subarray(span.start, span.end)), ...splitter.end()];
  } catch (error) {
    if (isFault(error, 'NOT_JSON') || isFault(error, 'BODY_INCOMPLETE')) throw whyNone(body, name);
    throw error;
  }
}

/** Of text that may be no JSON: what is found is to be checked. */
function spanOf(body: Buffer, name: string): ReturnType<typeof memberSpan> {
  try {
    return memberSpan(body, name);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What is left without its events is read as any JSON: an object, and all of it. */
function isEnvelope(rest: Buffer): boolean {
  return isUtf8(rest) && isJson(rest) && isObject(JSON.parse(rest.toString()));
}

function whyNone(body: Buffer, name: string): Reject {
  const errorAt = jsonErrorAt(body);
  if (errorAt !== undefined) return new Reject('', `expected JSON, which ends at byte ${errorAt}`);
  if (!isUtf8(body)) return new Reject('', 'expected UTF-8, got bytes that are none');
  if (nestsTooDeep(body)) return new Reject('', `expected at most ${maxNestingLevels} levels of nesting, got more`);
  const value: unknown = JSON.parse(body.toString());
  if (!isObject(value))
    return new Reject('', `expected an object with the member ${name}, got ${describeValue(value)}`);
  if (!Object.hasOwn(value, name)) return new Reject(name, 'expected an array of events, but it is missing');
  return new Reject(name, `expected an array of events, got ${describeValue(value[name])}`);
}

/** Of an event in its envelope. */
export function pathInEnvelope(name: string, index: number, path: string): string {
  if (path === '') return `${name}[${index}]`;
  return `${name}[${index}]${path.startsWith('[') ? '' : '.'}${path}`;
}
