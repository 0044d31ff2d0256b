/** Schema texts in JSON, parsed, and refused where they nest so deep that walking them would exhaust the stack. */
import { Fault } from '../../errors.ts';
import { maxDepth, TooComplex } from './effort.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** What else a schema has in a list of strings says nothing. */
export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/**
 * @param what named in the message: `the schema`, `reference a.avsc`
 * @throws Fault SCHEMA_INVALID where it is not JSON
 * @throws TooComplex
 */
export function parseSchemaJson(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault('SCHEMA_INVALID', `${what} is not JSON: ${String(error)}`, { cause: error });
  }
  refuseDeepNesting(value);
  return value;
}

/** JSON nests two levels for one of the schema: `properties`, then the property. */
const maxJsonDepth = 2 * maxDepth;

function refuseDeepNesting(root: unknown): void {
  let level = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxJsonDepth) throw new TooComplex(`one nests more than ${maxJsonDepth} levels of JSON deep`);
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
}
