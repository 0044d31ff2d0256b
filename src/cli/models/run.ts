/** `tributary models run`: builds what is selected. Exit code 1 where a model failed. */
import { styleText } from 'node:util';
import { type ModelResult, runModels } from '../../models/run-models.ts';
import type { RunCommandOptions } from '../models.ts';
import { tell, writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';
import { fetchSources, openModels } from './open-models.ts';

export async function run(options: RunCommandOptions): Promise<void> {
  const open = openModels(options);
  await fetchSources(open);
  const results = await runModels({
    ...open,
    fullRefresh: options.fullRefresh === true,
    onResult: (result, done, of) => tell(`${done} of ${of} ${lineOf(result)}`),
  });
  if (results.some(({ status }) => status !== 'built')) process.exitCode = 1;
  if (results.length === 0) tell('nothing is selected, so nothing was built');
  if (options.json) return writeLine(JSON.stringify(results));
  const rows = results.map(({ name, materialized, status, rows: count, ms }) => [
    name,
    materialized,
    status,
    count === undefined ? '' : String(count),
    (ms / 1000).toFixed(2),
  ]);
  const columns = ['model', 'materialized', 'status'].map((title) => ({ title }));
  const counted = ['rows', 'seconds'].map((title) => ({ title, align: 'right' as const }));
  await writeLine(renderTable([...columns, ...counted], rows, outputWidth()));
}

function lineOf({ name, status, ms, message }: ModelResult): string {
  const stream = process.stderr;
  const shown = styleText(status === 'built' ? 'green' : 'red', status, { stream });
  const [reason = '', ...more] = (message ?? '').split('\n');
  const place = more.map((line) => `\n    ${line}`).join('');
  return message === undefined
    ? `${shown} ${name} in ${(ms / 1000).toFixed(2)} s`
    : `${shown} ${name}: ${reason}${place}`;
}
