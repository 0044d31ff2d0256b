/** A pairing of as many rows with columns as there can be, each used once: augmenting paths, without recursion. */
import type { Effort } from '../effort.ts';

export interface Edges {
  readonly rows: number;
  readonly columns: number;
  /** Whether a row can go with a column. Asked only where the answer is needed. */
  goes(row: number, column: number): boolean;
  /** The column to try first, where there is a likely one. */
  likely(row: number): number | undefined;
}

/** The rows that are left over. @throws TooComplex */
export function unmatched(edges: Edges, effort: Effort): readonly number[] {
  const rowOf = new Map<number, number>();
  const rows = Array.from({ length: edges.rows }, (_, row) => row);
  const later = rows.filter((row) => !takeLikely(edges, row, rowOf));
  return later.filter((row) => !augment(edges, row, rowOf, effort));
}

function takeLikely(edges: Edges, row: number, rowOf: Map<number, number>): boolean {
  const column = edges.likely(row);
  if (column === undefined || column >= edges.columns || rowOf.has(column) || !edges.goes(row, column)) return false;
  rowOf.set(column, row);
  return true;
}

/** Finds a column for a row, moving others over where needed: breadth first from the row to a free column. */
function augment(edges: Edges, start: number, rowOf: Map<number, number>, effort: Effort): boolean {
  const reachedFrom = new Map<number, number>();
  const rows = [start];
  for (const row of rows) {
    effort.spend(edges.columns);
    for (let column = 0; column < edges.columns; column++) {
      if (reachedFrom.has(column) || !edges.goes(row, column)) continue;
      reachedFrom.set(column, row);
      const owner = rowOf.get(column);
      if (owner === undefined) {
        reassign(rowOf, reachedFrom, column, start);
        return true;
      }
      rows.push(owner);
    }
  }
  return false;
}

/** Walks back from the free column, giving each row on the way the column it reached. */
function reassign(
  rowOf: Map<number, number>,
  reachedFrom: ReadonlyMap<number, number>,
  free: number,
  start: number,
): void {
  const columnOf = new Map([...rowOf].map(([column, row]) => [row, column]));
  for (let column: number | undefined = free; column !== undefined;) {
    const row: number = reachedFrom.get(column) ?? start;
    rowOf.set(column, row);
    column = row === start ? undefined : columnOf.get(row);
  }
}
