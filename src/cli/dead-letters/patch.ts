/** `tributary dead-letters edit --patch`: many dead letters by one patch; a dry run unless `--yes`. */
import { Fault } from '../../errors.ts';
import { parsePatch } from '../../dead-letters/patch.ts';
import { tell } from '../output.ts';
import { askForLines } from '../server/ask-server.ts';
import { reachServer, type ServerOptions } from '../server/reach-server.ts';
import { type FilterOptions, filterRequest, isFiltered } from './filter-options.ts';
import { type Outcome, showOutcomes, tellDryRun, textOf } from './outcomes.ts';
import { tellNone } from './tell-none.ts';

export interface PatchOptions extends ServerOptions, FilterOptions {
  readonly all?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** Exit code 1 when the patch does not fit a letter, or a letter that is named cannot be edited. */
export async function patch(ids: readonly string[], text: string, options: PatchOptions): Promise<void> {
  parsePatch(text);
  if (ids.length === 0 && !isFiltered(options) && !options.all)
    throw new Fault('USAGE', 'edit --patch needs correlation ids, a filter, or --all');
  const dryRun = !options.yes;
  const server = await reachServer(options);
  const lines = askForLines(server, '/admin/dead-letters/patch', {
    filter: filterRequest(options, ids),
    patch: text,
    dryRun,
  });
  const { counts, total } = await showOutcomes(lines, {
    json: options.json ?? false,
    titles: ['correlation id', 'result', 'changes'],
    lineOf: (line) => [textOf(line['correlationId']), textOf(line['result']), changesOf(line)],
  });
  const changed = counts.get('changed') ?? 0;
  if (total === 0) await tellNone(options);
  else if (dryRun) tellDryRun(`${changed} of ${total} would be changed`);
  else tell(`Changed ${changed} of ${total}. tributary dead-letters replay shows what would become of them now.`);
  const bad = (counts.get('failed') ?? 0) + (counts.get('not found') ?? 0);
  const settled = ids.length > 0 ? (counts.get('already replayed') ?? 0) : 0;
  if (bad + settled > 0) process.exitCode = 1;
}

function changesOf(line: Outcome): string {
  const changes = (line['changes'] ?? []) as readonly { path: string; before?: string; after?: string }[];
  const texts = changes.map(({ path, before = 'nothing', after = 'nothing' }) => `${path}: ${before} -> ${after}`);
  return texts.length > 0 ? texts.join('; ') : textOf(line['message']);
}
