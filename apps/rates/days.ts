/** Days of the calendar as text, `YYYY-MM-DD`, from the year 1 to 9999. */
import { isTime } from 'tributary';

const dayMs = 86_400_000;

export function isDay(text: string): boolean {
  return text.length === 'YYYY-MM-DD'.length && isTime(`${text}T00:00:00Z`);
}

/** Both included, earliest first; none where `to` is before `from`. Undefined where there are more than `max`. */
export function daysBetween(from: string, to: string, max: number): readonly string[] | undefined {
  const firstMs = Date.parse(from);
  const count = Math.max(0, (Date.parse(to) - firstMs) / dayMs + 1);
  return count > max ? undefined : Array.from({ length: count }, (_, index) => dayAt(firstMs + index * dayMs));
}

function dayAt(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
