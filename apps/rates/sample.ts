/** Made-up regions, ports and prices: a tree four levels deep, and prices of one month of random pairs of ports. */
import type { SampleOptions, SampleRow } from 'tributary';
import { Random } from '../random.ts';

const regionCount = 40;
const portCount = 150;
const firstDayMs = Date.UTC(2021, 0, 1);
const days = 31;
const dayMs = 86_400_000;
/** Of a pair on a day; there are days of each number from none on. */
const maxPricesADay = 8;

interface Port {
  readonly code: string;
  readonly region: string;
}

/** @throws RangeError where the number of rows is none */
export function sampleRates({ rows, seed }: SampleOptions): Iterable<SampleRow> {
  if (!Number.isSafeInteger(rows) || rows < 0) throw new RangeError(`no number of prices: ${rows}`);
  return { [Symbol.iterator]: () => sample(rows, new Random(seed)) };
}

function* sample(rows: number, random: Random): Generator<SampleRow> {
  const regions = makeRegions(random);
  for (const { slug, name, parent } of regions) yield { table: 'regions', values: [slug, name, parent] };
  const ports = makePorts(regions, random);
  for (const { code, region } of ports) yield { table: 'ports', values: [code, `Port ${code}`, region] };
  yield* makePrices(rows, ports, random);
}

interface Region {
  readonly slug: string;
  readonly name: string;
  readonly parent: string | null;
}

function makeRegions(random: Random): readonly Region[] {
  const regions: Region[] = [];
  for (let index = 0; index < regionCount; index++) {
    // Two roots, four below each, and the rest anywhere below those.
    const parent = index < 2 ? null : (regions[index < 10 ? index % 2 : random.below(index)]?.slug ?? null);
    regions.push({ slug: `region_${index}`, name: `Region ${index}`, parent });
  }
  return regions;
}

function makePorts(regions: readonly Region[], random: Random): readonly Port[] {
  const codes = new Set<string>();
  const letter = (): string => String.fromCharCode(65 + random.below(26));
  while (codes.size < portCount) codes.add(Array.from({ length: 5 }, letter).join(''));
  return [...codes].map((code) => ({ code, region: regions[random.below(regions.length)]?.slug ?? 'region_0' }));
}

function* makePrices(rows: number, ports: readonly Port[], random: Random): Generator<SampleRow> {
  const port = (): string => ports[random.below(ports.length)]?.code ?? '';
  for (let made = 0; made < rows;) {
    const [orig, dest, middle] = [port(), port(), 500 + random.below(3_000)];
    for (let day = 0; day < days; day++) {
      const count = Math.min(random.below(maxPricesADay + 1), rows - made);
      const text = new Date(firstDayMs + day * dayMs).toISOString().slice(0, 10);
      for (let one = 0; one < count; one++)
        yield { table: 'prices', values: [orig, dest, text, middle + random.below(1_000)] };
      made += count;
    }
  }
}
