/** `tributary models test`: runs the tests of what is selected. Exit code 1 where one failed, or could not be run. */
import { openReader } from '../../models/database/models-database.ts';
import { type TestResult, runTest, testsOf } from '../../models/test-models.ts';
import { writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';
import { noneYet } from './none-yet.ts';
import { type ModelsOptions, openModels } from './open-models.ts';

export async function test(options: ModelsOptions): Promise<void> {
  const { project, place, selected } = openModels(options);
  const database = await openReader(place);
  if (database === undefined) throw noneYet(place);
  const results: TestResult[] = [];
  try {
    for (const one of testsOf(project, selected)) results.push(await runTest(database.connection, one));
  } finally {
    await database.close();
  }
  if (results.some(({ status }) => status === 'failed' || status === 'broken')) process.exitCode = 1;
  if (options.json) return writeLine(JSON.stringify(results));
  const rows = results.map(({ name, status, rows: count, message }) => [
    name,
    status,
    count === undefined ? '' : String(count),
    (message ?? '').split('\n', 1)[0] ?? '',
  ]);
  const columns = [{ title: 'test' }, { title: 'status' }, { title: 'rows', align: 'right' as const }, { title: '' }];
  await writeLine(renderTable(columns, rows, outputWidth()));
}
