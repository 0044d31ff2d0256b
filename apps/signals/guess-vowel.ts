/** The server's best guess whether a symbol is a vowel: y is one half of the time, and one answer in ten is flipped on purpose. */

/** @param random 0 <= n < 1 */
export function guessVowel(symbol: string, random: () => number = Math.random): boolean {
  const isVowel = symbol === 'y' ? random() < 0.5 : 'aeiou'.includes(symbol);
  const isFlipped = random() < 0.1;
  return isVowel !== isFlipped;
}
