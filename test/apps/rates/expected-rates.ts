/** What `GET /rates` answers, worked out from lists as the contract words it. */
import type { Rate } from '../../../apps/rates/average-rates.ts';

export interface RatesTables {
  readonly regions: readonly { readonly slug: string; readonly parent: string | null }[];
  readonly ports: readonly { readonly code: string; readonly region: string }[];
  readonly prices: readonly {
    readonly orig: string;
    readonly dest: string;
    readonly day: string;
    readonly price: number;
  }[];
}

export interface AskedRates {
  readonly from: string;
  readonly to: string;
  readonly orig: string;
  readonly dest: string;
}

export function expectedRates(tables: RatesTables, { from, to, orig, dest }: AskedRates): readonly Rate[] {
  const [origins, destinations] = [portsOf(tables, orig), portsOf(tables, dest)];
  const rates: Rate[] = [];
  for (const at = new Date(to); at >= new Date(from); at.setUTCDate(at.getUTCDate() - 1)) {
    const day = at.toISOString().slice(0, 10);
    const prices = tables.prices.filter(
      (one) => one.day === day && origins.has(one.orig) && destinations.has(one.dest),
    );
    const sum = prices.reduce((total, { price }) => total + price, 0);
    const average = prices.length < 3 ? null : Number((sum / prices.length).toPrecision(15));
    rates.push({ count: prices.length === 0 ? null : prices.length, day, price: average });
  }
  return rates;
}

function portsOf({ regions, ports }: RatesTables, place: string): ReadonlySet<string> {
  if (ports.some(({ code }) => code === place)) return new Set([place]);
  const slugs = new Set(regions.filter(({ slug }) => slug === place).map(({ slug }) => slug));
  for (let before = -1; before < slugs.size;) {
    before = slugs.size;
    for (const { slug, parent } of regions) if (parent !== null && slugs.has(parent)) slugs.add(slug);
  }
  return new Set(ports.filter(({ region }) => slugs.has(region)).map(({ code }) => code));
}
