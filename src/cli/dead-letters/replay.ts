/** `tributary dead-letters replay`: what would become of dead letters now, and with `--yes` does it, in the running server. */
import { Fault } from '../../errors.ts';
import { tell } from '../output.ts';
import { askForLines } from '../server/ask-server.ts';
import { reachServer, type ServerOptions } from '../server/reach-server.ts';
import { correlationIds, type FilterOptions, filterRequest, isFiltered } from './filter-options.ts';
import { showOutcomes, tellDryRun, textOf } from './outcomes.ts';
import { tellNone } from './tell-none.ts';

export interface ReplayCliOptions extends ServerOptions, FilterOptions {
  readonly all?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** Exit code 1 when any letter is neither accepted nor was before. */
export async function replay(texts: readonly string[], options: ReplayCliOptions): Promise<void> {
  const ids = correlationIds(texts);
  if (ids.length === 0 && !isFiltered(options) && !options.all)
    throw new Fault('USAGE', 'replay needs correlation ids, a filter, or --all');
  const dryRun = !options.yes;
  const server = await reachServer(options);
  const lines = askForLines(server, '/admin/dead-letters/replay', { filter: filterRequest(options, ids), dryRun });
  const { counts, total } = await showOutcomes(lines, {
    json: options.json ?? false,
    titles: ['correlation id', 'result', 'as', 'path', 'message'],
    lineOf: (line) => ['correlationId', 'result', 'as', 'path', 'message'].map((name) => textOf(line[name])),
  });
  const accepted = counts.get('accepted') ?? 0;
  const before = counts.get('already replayed') ?? 0;
  if (total === 0) await tellNone(options);
  else if (dryRun) tellDryRun(`${accepted} of ${total} would be replayed`);
  else tell(`Replayed ${accepted} of ${total}; ${before} had been replayed before.`);
  if (accepted + before < total) process.exitCode = 1;
}
