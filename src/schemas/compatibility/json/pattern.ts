/**
 * Whether a property's name matches a pattern of a schema. Both come from outside, and some patterns take exponential time
 * on some names: those are cut off.
 */
import { createContext, Script } from 'node:vm';
import { type Effort, stepsPerMs, TooComplex } from '../effort.ts';
import { inline } from '../problem.ts';

/** @throws TooComplex where one takes longer than a second, or all together too long */
export function matches(pattern: string, name: string, effort: Effort): boolean {
  const expression = compiled(pattern);
  const startedAtMs = performance.now();
  try {
    Object.assign(sandbox, { expression, name });
    return expression !== undefined && test.runInContext(sandbox, { timeout: maxMatchMs }) === true;
  } catch (error) {
    throw new TooComplex(`the pattern ${inline(pattern)} takes too long`, { cause: error });
  } finally {
    effort.spend(Math.ceil((performance.now() - startedAtMs) * stepsPerMs));
  }
}

/** Only a script in a context can be cut off. */
const sandbox = createContext({});
const test = new Script('expression.test(name)');
const maxMatchMs = 1000;

function compiled(pattern: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags);
    } catch {
      // Valid in other dialects of regular expressions only: it matches nothing here.
    }
  }
  return undefined;
}
