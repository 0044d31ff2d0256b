/**
 * Aligned columns without lines, cut to a width where one is given. Our own: cli-table3 0.6.5 takes time in proportion to
 * the square of the rows (560 s for 100,000, where this takes 0.8 s).
 */
import { displayWidth, truncate } from './display-width.ts';
import { visible } from './visible.ts';

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Never cut: an id, which the next command is given. */
  readonly isWhole?: boolean;
}

const gap = '  ';
const narrowest = 8;

/** @param maxWidth columns of the terminal; the widest columns give way. Default: nothing is cut. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  maxWidth?: number,
): string {
  const lines = [columns.map(({ title }) => visible(title)), ...rows.map((row) => row.map(visible))];
  const widths = fit(naturalWidths(columns.length, lines), columns, maxWidth);
  return lines.map((cells) => renderLine(columns, cells, widths)).join('\n');
}

/** The terminal's width where standard output is one; some terminals (of CI) say 0, which is none. */
export function outputWidth(): number | undefined {
  return process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : undefined;
}

function renderLine(columns: readonly TableColumn[], cells: readonly string[], widths: readonly number[]): string {
  const padded = columns.map(({ align }, i) => {
    const width = widths[i] ?? 0;
    const text = truncate(cells[i] ?? '', width);
    const space = ' '.repeat(width - displayWidth(text));
    return align === 'right' ? space + text : text + space;
  });
  return padded.join(gap).trimEnd();
}

function naturalWidths(count: number, lines: readonly (readonly string[])[]): readonly number[] {
  const widths = Array.from({ length: count }, () => 0);
  for (const cells of lines)
    for (const [i, cell] of cells.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
  return widths;
}

/** Takes from the widest until all fit or none is wider than the narrowest that still tells something. */
function fit(natural: readonly number[], columns: readonly TableColumn[], maxWidth?: number): readonly number[] {
  if (maxWidth === undefined) return natural;
  const widths = [...natural];
  const room = maxWidth - gap.length * (widths.length - 1);
  for (;;) {
    const excess = widths.reduce((sum, width) => sum + width, 0) - room;
    const cuttable = widths.filter((_, i) => !columns[i]?.isWhole);
    const widest = Math.max(0, ...cuttable);
    if (excess <= 0 || widest <= narrowest) return widths;
    const next = Math.max(narrowest, ...cuttable.filter((width) => width < widest));
    const at = widths.findIndex((width, i) => width === widest && !columns[i]?.isWhole);
    widths[at] = Math.max(widest - excess, next - 1, narrowest);
  }
}
