/** Dashboards of `signals` as its contract has them. */

/** In the order of the contract. */
export interface DashboardRow {
  readonly count: number;
  readonly symbol: string;
  /** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC; null where nothing is counted. */
  readonly earliest: string | null;
  readonly latest: string | null;
  readonly followups: number;
}

export const symbols: readonly string[] = 'abcdefghijklmnopqrstuvwxyz'.split('');

export function symbolPath(symbol: string): string {
  return `/dashboard/symbol/${symbol}`;
}

export function rangePath({ lower, upper }: Range): string {
  return `/dashboard/range/${lower}/${upper}`;
}

/** `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM`, UTC: `lower <= time < upper`. */
export interface Range {
  readonly lower: string;
  readonly upper: string;
}

/** Longer than any proof, before and after it. */
export const allTime: Range = { lower: '2000-01-01', upper: '2100-01-01' };

/** Around a proof that goes on, in three years: quicker to read. */
export function theseYears(now: Date): Range {
  const year = now.getUTCFullYear();
  return { lower: `${year - 1}-01-01`, upper: `${year + 2}-01-01` };
}

/** @throws Error for what is not one row for each of the symbols, in their order */
export function readRows(text: string, of: readonly string[]): readonly DashboardRow[] {
  const parsed = JSON.parse(text) as DashboardRow | readonly DashboardRow[];
  const rows = (Array.isArray(parsed) ? parsed : [parsed]) as readonly DashboardRow[];
  const isRow = ({ count, followups }: DashboardRow): boolean => Number.isInteger(count) && Number.isInteger(followups);
  if (rows.map(({ symbol }) => symbol).join('') === of.join('') && rows.every(isRow)) return rows;
  throw new Error(`no rows of ${of.join(', ')}: ${text.slice(0, 200)}`);
}
