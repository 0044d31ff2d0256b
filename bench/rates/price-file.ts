/**
 * A CSV of prices between the ports that there are, the same each time, in the order of a dump: a pair of ports, its days, the prices of
 * each day. A month of each pair that comes up, so that prices of all pairs lie all over a year.
 */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Random } from '../../apps/random.ts';

/** Prices lie within so many months of so many days each, from the first day on. */
export const firstDay = '2021-01-01';
export const months = 12;
export const daysAMonth = 30;

const dayMs = 86_400_000;
const maxPricesADay = 8;
const pieceCharacters = 64 * 1024;

/** Columns: orig_code, dest_code, day, price; without a header. */
export function writePrices(file: string, rows: number, ports: readonly string[]): Promise<void> {
  return pipeline(Readable.from(pieces(rows, ports)), createWriteStream(file));
}

function* pieces(rows: number, ports: readonly string[]): Generator<string> {
  const random = new Random('bench rates');
  const days = Array.from({ length: months * daysAMonth }, (_, day) => dayAt(day));
  const port = (): string => ports[random.below(ports.length)] ?? '';
  let piece = '';
  for (let left = rows; left > 0;) {
    const [pair, first, middle] = [`${port()},${port()}`, daysAMonth * random.below(months), 500 + random.below(3_000)];
    for (let day = first; day < first + daysAMonth; day++) {
      const prices = Math.min(random.below(maxPricesADay + 1), left);
      for (let one = 0; one < prices; one++) piece += `${pair},${days[day]},${middle + random.below(1_000)}\n`;
      left -= prices;
    }
    if (piece.length < pieceCharacters && left > 0) continue;
    yield piece;
    piece = '';
  }
}

function dayAt(day: number): string {
  return new Date(Date.parse(firstDay) + day * dayMs).toISOString().slice(0, 10);
}
