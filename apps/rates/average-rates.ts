/**
 * What `GET /rates` answers: each day of the span, latest first, with the average of all prices between two places, each a port's
 * code or a region's slug: every port in it and below.
 */
import { Reject, type RouteRequest, type Sql } from 'tributary';
import { daysBetween, isDay } from './days.ts';

/** In the order in which a query is checked. */
export const rateParameters = ['date_from', 'date_to', 'orig_code', 'dest_code'] as const;

/** A hundred years. An answer of so many days has 2 MB. */
export const maxDays = 36_525;

/** An average of fewer prices is not told. */
const minPrices = 3;

export interface Rate {
  readonly count: number | null;
  readonly day: string;
  readonly price: number | null;
}

interface Averaged {
  readonly day: string;
  readonly count: number;
  readonly price: number;
}

export async function averageRates({ query }: RouteRequest, sql: Sql): Promise<{ readonly rates: readonly Rate[] }> {
  const [from, to] = [readDay(query, 'date_from'), readDay(query, 'date_to')];
  const days = daysBetween(from, to, maxDays);
  if (days === undefined) throw new Reject('date_to', `expected at most ${maxDays} days from date_from on`);
  if (days.length === 0) return { rates: [] };
  const averaged = await averagesByDay(sql, {
    from,
    to,
    orig: query['orig_code'] ?? '',
    dest: query['dest_code'] ?? '',
  });
  const byDay = new Map(averaged.map((one) => [one.day, one]));
  return { rates: days.toReversed().map((day) => rateOf(day, byDay.get(day))) };
}

function readDay(query: RouteRequest['query'], name: (typeof rateParameters)[number]): string {
  const text = query[name] ?? '';
  if (isDay(text)) return text;
  throw new Reject(name, 'expected a date, YYYY-MM-DD');
}

interface Asked {
  readonly from: string;
  readonly to: string;
  /** Of a port or of a region. */
  readonly orig: string;
  readonly dest: string;
}

/**
 * One statement, so that a batch is seen whole or not at all. The places become two arrays before the prices are looked at, and their
 * index then gives each pair of ports its days; a join would leave it to statistics whether the table is read from end to end.
 */
function averagesByDay(sql: Sql, { from, to, orig, dest }: Asked): Promise<readonly Averaged[]> {
  return sql<Averaged>`
    WITH RECURSIVE below (given, slug) AS (
      SELECT slug, slug FROM regions
      WHERE slug IN (${orig}, ${dest}) AND NOT EXISTS (SELECT FROM ports WHERE ports.code = regions.slug)
      UNION
      SELECT below.given, regions.slug FROM below JOIN regions ON regions.parent_slug = below.slug
    ), meant (given, code) AS (
      SELECT code, code FROM ports WHERE code IN (${orig}, ${dest})
      UNION ALL
      SELECT below.given, ports.code FROM below JOIN ports ON ports.parent_slug = below.slug
    )
    SELECT to_char(day, 'YYYY-MM-DD') AS day, count(*)::integer AS count, avg(price)::float8 AS price
    FROM prices
    WHERE orig_code = ANY (ARRAY(SELECT code FROM meant WHERE given = ${orig}))
      AND dest_code = ANY (ARRAY(SELECT code FROM meant WHERE given = ${dest}))
      AND day BETWEEN ${from}::date AND ${to}::date
    GROUP BY prices.day`;
}

function rateOf(day: string, averaged: Averaged | undefined): Rate {
  if (averaged === undefined) return { count: null, day, price: null };
  const { count, price } = averaged;
  return { count, day, price: count < minPrices ? null : rounded(price) };
}

/** To 15 digits, which every double keeps: 1154.33333333333. */
function rounded(price: number): number {
  return Number(price.toPrecision(15));
}
