/** Dead letters counted by their reasons. */
import type { Letter } from './letters.ts';

export interface LetterCount {
  readonly pipeline: string;
  readonly path: string;
  readonly message: string;
  readonly count: number;
  /** Receipt of the oldest and of the newest, RFC 3339. */
  readonly first: string;
  readonly last: string;
}

/** The most frequent reasons first. */
export async function countLetters(letters: AsyncIterable<Letter>): Promise<readonly LetterCount[]> {
  const counts = new Map<string, LetterCount>();
  for await (const { pipeline, path, message, receivedAt } of letters) {
    const key = JSON.stringify([pipeline, path, message]);
    const before = counts.get(key) ?? { pipeline, path, message, count: 0, first: receivedAt, last: receivedAt };
    counts.set(key, {
      ...before,
      count: before.count + 1,
      first: receivedAt < before.first ? receivedAt : before.first,
      last: receivedAt > before.last ? receivedAt : before.last,
    });
  }
  return [...counts.values()].toSorted((a, b) => b.count - a.count);
}
