/** `tributary dead-letters list`: what could not go on, one a line, or counted by reason. */
import { countLetters, type LetterCount } from '../../dead-letters/letter-counts.ts';
import { letterJson, stateOf } from '../../dead-letters/letter-json.ts';
import type { Letter, Letters } from '../../dead-letters/letters.ts';
import type { ConfigOptions } from '../options.ts';
import { tell, writeJson, writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';
import { defaultTableRows, type FilterOptions, filterOf } from './filter-options.ts';
import { withLetters } from './open-letters.ts';
import { tellNone } from './tell-none.ts';

/** Where its column stands, if there is any. */
const fileAt = 5;

export interface ListOptions extends ConfigOptions, FilterOptions {
  readonly replayed?: boolean;
  readonly notReplayed?: true;
  readonly count?: true;
  readonly limit?: number;
  readonly json?: true;
}

export function list(options: ListOptions): Promise<void> {
  const { replayed, notReplayed } = options;
  const filter = { ...filterOf(options), replayed: notReplayed ? false : replayed };
  return withLetters(options, (letters) => {
    const found = letters.find(filter);
    return options.count ? showCounts(found, options) : showLetters(found, options);
  });
}

async function showLetters(letters: ReturnType<Letters['find']>, options: ListOptions): Promise<void> {
  const limit = options.limit ?? (options.json ? Infinity : defaultTableRows);
  const shown: Letter[] = [];
  let count = 0;
  let more = false;
  for await (const letter of letters) {
    if (count === limit) {
      more = true;
      break;
    }
    count += 1;
    if (options.json) await writeJson(letterJson(letter));
    else shown.push(letter);
  }
  if (options.json) return;
  if (count === 0) await tellNone(options);
  else await writeLine(asTable(shown));
  if (more) tell(`These are the first ${limit}; --limit shows more, --count counts them by reason.`);
}

async function showCounts(letters: ReturnType<Letters['find']>, options: ListOptions): Promise<void> {
  const { limit = Infinity, json } = options;
  const counts = (await countLetters(letters)).slice(0, limit);
  if (json) return writeJson(counts);
  if (counts.length === 0) await tellNone(options);
  else await writeLine(countTable(counts));
}

function asTable(shown: readonly Letter[]): string {
  const areOfFiles = shown.some(({ file }) => file !== undefined);
  const titles = ['received', 'pipeline', 'at', 'correlation id', 'state', 'path', 'message'];
  const rows = shown.map((one) => [
    one.receivedAt,
    one.pipeline,
    one.at,
    one.correlationId,
    stateOf(one.status),
    one.path,
    one.message,
  ]);
  if (areOfFiles) {
    titles.splice(fileAt, 0, 'file');
    for (const [i, row] of rows.entries()) row.splice(fileAt, 0, shown[i]?.file ?? '');
  }
  return renderTable(
    titles.map((title) => ({ title, isWhole: title === 'correlation id' })),
    rows,
    outputWidth(),
  );
}

function countTable(counts: readonly LetterCount[]): string {
  const titles = ['count', 'pipeline', 'path', 'message', 'first', 'last'];
  return renderTable(
    titles.map((title) => ({ title, align: title === 'count' ? ('right' as const) : ('left' as const) })),
    counts.map(({ count, pipeline, path, message, first, last }) => [
      String(count),
      pipeline,
      path,
      message,
      first,
      last,
    ]),
    outputWidth(),
  );
}
