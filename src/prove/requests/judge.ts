/** Compares every acknowledged request with the raw events in the objects. */
import type { Verdict } from '../subject.ts';
import type { Acknowledged } from './book.ts';
import type { FoundEvent, FoundEvents } from './raw-events.ts';
import type { SentRequest } from './sent-request.ts';

/** Between the clock of the proof and that of the program, which are the machine's. */
const clockToleranceMs = 1_000;

/** @param keyOf where an event's object lies */
export function judge(
  acknowledged: readonly Acknowledged[],
  { events, torn }: FoundEvents,
  keyOf: (event: object) => string,
): Verdict {
  const lost: string[] = [];
  const twice: string[] = [];
  const wrong: string[] = [];
  const sent = Map.groupBy(acknowledged, nameOf);
  const found = Map.groupBy(events, ({ event }) => nameOf(event));
  for (const [name, requests] of sent) {
    const times = found.get(name)?.length ?? 0;
    const asked = requests.length === 1 ? '' : ` of ${requests.length}`;
    if (times < requests.length) lost.push(`${name}: ${times === 0 ? 'not' : `${times}${asked}`} in the objects`);
    else if (times > requests.length) twice.push(`${name}: ${times} times${asked} in the objects`);
    else wrong.push(...differences(name, requests, found.get(name) ?? []));
  }
  for (const [name] of found) if (!sent.has(name)) wrong.push(`${name}: in the objects, but nobody sent it`);
  for (const { key, event } of events)
    if (!key.startsWith(`${keyOf(event)}/`)) wrong.push(`${nameOf(event)}: it is in ${key}`);
  return { landed: events.length, deadLetters: 0, lost, twice, wrong, torn };
}

/** Those of one name differ by their answers and times alone. */
function differences(name: string, requests: readonly Acknowledged[], found: readonly FoundEvent[]): readonly string[] {
  const answers = requests.map(({ answer }) => answer).toSorted();
  const stored = found.map(({ event: { kind, is_vowel: isVowel } }) => answerOf(kind, isVowel)).toSorted();
  const differ =
    answers.join() === stored.join() ? [] : [`${name}: answered ${answers.join()}, stored ${stored.join()}`];
  const fromMs = Math.min(...requests.map(({ begunMs }) => begunMs)) - clockToleranceMs;
  const toMs = Math.max(...requests.map(({ acknowledgedMs }) => acknowledgedMs)) + clockToleranceMs;
  const times = found.map(({ event: { time } }) => time);
  const isWithin = (time: string): boolean => Date.parse(time) >= fromMs && Date.parse(time) <= toMs;
  const early = times
    .filter((time) => !isWithin(time))
    .map((time) => `${name}: its time, ${time}, is not when it came`);
  return [...differ, ...early];
}

function answerOf(kind: string, isVowel: boolean | null): string {
  if (kind === 'followup') return isVowel === null ? 'hooray' : String(isVowel);
  return isVowel === true ? 'True' : isVowel === false ? 'False' : 'null';
}

function nameOf({ kind, uuid, symbol }: SentRequest): string {
  return symbol === null ? `${kind} ${uuid}` : `${kind} ${uuid} ${symbol}`;
}
