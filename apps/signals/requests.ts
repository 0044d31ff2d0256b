/** The two requests of a client, and what they are answered. */
import { type Received, Reject } from 'tributary';
import { guessVowel } from './guess-vowel.ts';
import { readSymbol } from './read-symbol.ts';
import type { Followup, Initial, Signal } from './signal.ts';

type Parameters = Readonly<Record<string, string>>;

export function initial({ uuid, symbol }: Parameters, { time }: Received): Initial {
  const letter = readSymbol(symbol);
  return { uuid: readUuid(uuid), symbol: letter, is_vowel: guessVowel(letter), kind: 'initial', time };
}

export function followup({ uuid }: Parameters, { time }: Received): Followup {
  return { uuid: readUuid(uuid), symbol: null, is_vowel: null, kind: 'followup', time };
}

/** As the clients that there are read it: a word of Python's for the guess, and a cheer for a followup. */
export function answer(signal: Signal): string {
  if (signal.kind === 'followup') return 'hooray';
  return signal.is_vowel ? 'True' : 'False';
}

const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Clients write it in either case; the two mean the same. */
function readUuid(text = ''): string {
  const uuid = text.toLowerCase();
  if (version4.test(uuid)) return uuid;
  throw new Reject('uuid', 'expected a UUID of version 4 with its hyphens');
}
