/** Compares what must be there with what is. */
import type { DeadLetter } from '../../dead-letters/dead-letter.ts';
import type { Verdict } from '../subject.ts';
import type { Expected, Place } from './expected.ts';
import { isLineOf } from '../../sinks/object-lines.ts';
import type { Landed, LandedLine } from './landed.ts';

export interface Evidence {
  /** In the topic. */
  readonly letters: ReadonlyMap<string, readonly DeadLetter[]>;
  /** In the objects. */
  readonly landed: Landed;
}

export function judge(expected: Expected, { letters, landed }: Evidence): Verdict {
  const lost: string[] = [];
  const twice: string[] = [];
  const wrong: string[] = [...expected.wrong];
  const check = (what: string, bodies: readonly string[], body: string, id: string): void => {
    if (bodies.length === 0) lost.push(`${id}: not in ${what}`);
    if (bodies.length > 1) twice.push(`${id}: ${bodies.length} times in ${what}`);
    if (bodies.some((one) => one !== body)) wrong.push(`${id}: its dead letter in ${what}`);
  };
  for (const [key, place] of expected.taken) {
    const found = landed.lines.get(key) ?? [];
    if (found.length === 0) lost.push(`${key}: not in the objects`);
    if (found.some((one) => !isSame(one, place))) wrong.push(`${key}: its line in the objects`);
  }
  for (const [key, found] of landed.lines) {
    if (found.length > 1) twice.push(`${key}: ${found.length} times in the objects`);
    const untold = expected.untold.get(key);
    if (untold && found.some((one) => !isSame(one, untold))) wrong.push(`${key}: its line in the objects`);
    if (!untold && !expected.taken.has(key)) wrong.push(`${key}: in the objects, where it must not be`);
  }
  for (const [id, body] of expected.refused) {
    check(
      'the dead-letter topic',
      (letters.get(id) ?? []).map(({ event }) => event.toString()),
      body,
      id,
    );
    check('the dead-letter objects', landed.letters.get(id) ?? [], body, id);
  }
  return { landed: expected.taken.size, deadLetters: expected.refused.size, lost, twice, wrong, torn: landed.torn };
}

function isSame({ key, line }: LandedLine, place: Place): boolean {
  return key.slice(0, key.lastIndexOf('/')) === place.prefix && isLineOf(key, line, place.line);
}
