/** What came of a batch, for people and as JSON. */
import { tell, writeLine } from '../output.ts';
import { errorLine } from '../report-error.ts';
import { outputWidth, renderTable } from '../table.ts';
import { visibleJson } from '../visible.ts';
import type { BatchAnswer } from './send-batch.ts';

export interface LoadEnd {
  readonly answer: BatchAnswer;
  readonly key: string | undefined;
  readonly isDryRun: boolean;
  readonly seconds: number;
}

interface ShownError {
  readonly line: number | null;
  readonly field: string | null;
  readonly value: string | null;
  readonly reason: string;
}

interface Batch {
  readonly batch_id: string;
  readonly rows: number;
  readonly error_count?: number;
  readonly errors?: readonly ShownError[];
}

/** Of an answer that tells of rows: that they are in, would be, or are refused. */
export async function showEnd(end: LoadEnd, isJson: boolean): Promise<void> {
  const batch = end.answer.body as unknown as Batch;
  if (isJson) return writeLine(visibleJson(JSON.stringify(endJson(end, batch))));
  if (end.answer.status === 422) return showErrors(batch, end);
  return writeLine(sentence(end, batch));
}

function endJson({ answer, key, isDryRun, seconds }: LoadEnd, batch: Batch): object {
  const { batch_id: batchId, rows, error_count: errorCount = 0, errors = [] } = batch;
  return {
    batchId,
    state: answer.body['state'],
    isDryRun,
    isRepeated: answer.status === 200 && !isDryRun,
    key: key ?? null,
    rows,
    seconds,
    rowsPerSecond: rate(rows, seconds),
    errorCount,
    errors,
  };
}

function sentence({ answer, isDryRun, seconds }: LoadEnd, { batch_id: id, rows }: Batch): string {
  const took = `${seconds} s (${rate(rows, seconds)} rows/s)`;
  if (isDryRun) return `All ${rows} rows would go in; checked in ${took}, and nothing was loaded.`;
  if (answer.status === 201) return `Loaded ${rows} rows in ${took}, batch ${id}.`;
  return `Nothing to do: these ${rows} rows are in since batch ${id}, which had the same key. With another --key they go in once more.`;
}

async function showErrors({ rows, error_count: count = 0, errors = [] }: Batch, { isDryRun }: LoadEnd): Promise<void> {
  const columns = [
    { title: 'line', align: 'right' as const },
    { title: 'field' },
    { title: 'value' },
    { title: 'reason' },
  ];
  const cells = errors.map(({ line, field, value, reason }) => [String(line ?? ''), field ?? '', value ?? '', reason]);
  await writeLine(renderTable(columns, cells, outputWidth()));
  const which = errors.length < count ? `the first ${errors.length} are above` : 'they are above';
  const what = isDryRun ? 'nothing would go in' : 'nothing of the batch is in';
  tell(errorLine(`${what}: its ${rows} rows have ${count} errors; ${which}. Correct them, and run the command again.`));
}

function rate(rows: number, seconds: number): number {
  return Math.round(rows / Math.max(seconds, 0.001));
}
