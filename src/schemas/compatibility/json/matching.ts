/** A pairing of as many rows with columns as there can be, each used once: augmenting paths, without recursion. */
import type { Effort } from '../effort.ts';

/**
 * The rows that are left over.
 * @param edges whether row i can go with column j
 * @throws TooComplex
 */
export function unmatched(edges: readonly (readonly boolean[])[], columns: number, effort: Effort): readonly number[] {
  const rowOf: (number | undefined)[] = Array.from({ length: columns });
  return [...edges.keys()].filter((row) => !augment(edges, row, rowOf, effort));
}

/** Finds a column for a row, moving others over where needed: breadth first from the row to a free column. */
function augment(
  edges: readonly (readonly boolean[])[],
  start: number,
  rowOf: (number | undefined)[],
  effort: Effort,
): boolean {
  const reachedFrom = new Map<number, number>();
  const rows = [start];
  for (const row of rows) {
    effort.spend(1);
    for (const column of preferred(edges[row] ?? [], start)) {
      if (reachedFrom.has(column)) continue;
      reachedFrom.set(column, row);
      const owner = rowOf[column];
      if (owner === undefined) {
        reassign(rowOf, reachedFrom, column, start);
        return true;
      }
      rows.push(owner);
    }
  }
  return false;
}

/** Columns that a row can go with, that of its own number first: lists seldom change their order. */
function preferred(row: readonly boolean[], own: number): readonly number[] {
  const columns = [...row.keys()].filter((column) => row[column] === true && column !== own);
  return row[own] === true ? [own, ...columns] : columns;
}

/** Walks back from the free column, giving each row on the way the column it reached. */
function reassign(
  rowOf: (number | undefined)[],
  reachedFrom: ReadonlyMap<number, number>,
  free: number,
  start: number,
): void {
  const columnOf = new Map(rowOf.flatMap((row, column) => (row === undefined ? [] : [[row, column] as const])));
  for (let column: number | undefined = free; column !== undefined;) {
    const row: number = reachedFrom.get(column) ?? start;
    rowOf[column] = row;
    column = row === start ? undefined : columnOf.get(row);
  }
}
