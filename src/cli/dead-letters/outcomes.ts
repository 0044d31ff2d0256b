/** What a repair of many letters came to: an outcome a line as JSON, or counted in a table. Progress shows on a terminal. */
import { tell, writeJson, writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';

export type Outcome = Readonly<Record<string, unknown>>;

export interface Shown {
  /** Letters by what became of them. */
  readonly counts: ReadonlyMap<string, number>;
  readonly total: number;
}

export interface ShowOutcomesOptions {
  readonly json: boolean;
  /** The first outcomes are shown one by one. */
  readonly lineOf: (outcome: Outcome) => readonly string[];
  readonly titles: readonly string[];
}

/** More are only counted. */
const shownOutcomes = 20;
const progressEveryMs = 100;

export async function showOutcomes(lines: AsyncIterable<Outcome>, options: ShowOutcomesOptions): Promise<Shown> {
  const counts = new Map<string, number>();
  const reasons = new Map<string, { readonly cells: readonly string[]; count: number }>();
  const first: (readonly string[])[] = [];
  let total = 0;
  const progress = progressLine();
  try {
    for await (const line of lines) {
      if (options.json) await writeJson(line);
      if ('summary' in line) continue;
      total += 1;
      progress.show(total);
      const result = textOf(line['result']);
      counts.set(result, (counts.get(result) ?? 0) + 1);
      addReason(reasons, line);
      if (first.length < shownOutcomes) first.push(options.lineOf(line));
    }
  } finally {
    progress.clear();
  }
  if (!options.json && total > 0)
    await writeLine(`${exampleTable(first, total, options.titles)}\n\n${reasonTable(reasons)}`);
  return { counts, total };
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

function addReason(reasons: Map<string, { cells: readonly string[]; count: number }>, line: Outcome): void {
  const cells = ['result', 'pipeline', 'path', 'message'].map((name) => textOf(line[name]));
  const key = JSON.stringify(cells);
  const reason = reasons.get(key) ?? { cells, count: 0 };
  reasons.set(key, { cells, count: reason.count + 1 });
}

function exampleTable(first: readonly (readonly string[])[], total: number, titles: readonly string[]): string {
  const table = renderTable(
    titles.map((title) => ({ title, isWhole: title === 'correlation id' })),
    first,
    outputWidth(),
  );
  return total > first.length ? `${table}\n(the first ${first.length} of ${total})` : table;
}

function reasonTable(
  reasons: ReadonlyMap<string, { readonly cells: readonly string[]; readonly count: number }>,
): string {
  const rows = [...reasons.values()].toSorted((a, b) => b.count - a.count);
  return renderTable(
    [{ title: 'count', align: 'right' }, ...['result', 'pipeline', 'path', 'message'].map((title) => ({ title }))],
    rows.map(({ cells, count }) => [String(count), ...cells]),
    outputWidth(),
  );
}

function progressLine(): { show(count: number): void; clear(): void } {
  if (!process.stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  let shownMs = 0;
  return {
    show(count) {
      if (performance.now() - shownMs < progressEveryMs) return;
      shownMs = performance.now();
      process.stderr.write(`\r${count} dead letters\u001B[K`);
    },
    clear: () => void process.stderr.write('\r\u001B[K'),
  };
}

export function tellDryRun(what: string): void {
  tell(`Nothing was changed: ${what} with --yes.`);
}
