/** `tributary runs refused`: what a run has set aside, one a line, with the reason. */
import { Fault } from '../../errors.ts';
import type { Run } from '../../sources/rest/run.ts';
import type { Config } from '../../config/config.ts';
import { tell, writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';
import { visibleJson } from '../visible.ts';

export interface RefusedOptions {
  readonly limit?: number;
  readonly json?: true;
}

/** A line of the object, as `land-run.ts` writes it. */
interface Refused {
  readonly index: number;
  readonly error: { readonly path: string; readonly message: string };
  /** As it came; in base64 where it is no text. */
  readonly event?: string;
  readonly eventBase64?: string;
}

/** A table is read by people. */
const defaultTableRows = 50;

/** @throws Fault RUN_NOT_DONE, OBJECT_MISSING */
export async function showRefused(
  config: Config,
  run: Pick<Run, 'id' | 'pull' | 'deadLetters'> & { readonly state: string },
  { limit, json }: RefusedOptions,
): Promise<void> {
  if (run.state !== 'done') throw new Fault('RUN_NOT_DONE', `run ${run.id} of ${run.pull} is not done`);
  const lines = run.deadLetters === null ? [] : await linesOf(config, run.deadLetters);
  const shown = lines.slice(0, limit ?? (json ? undefined : defaultTableRows));
  if (json) {
    for (const line of shown) await writeLine(visibleJson(line));
    return;
  }
  if (lines.length === 0) return tell(`Nothing of run ${run.id} was refused.`);
  await writeLine(asTable(shown.map((line) => JSON.parse(line) as Refused)));
  if (shown.length < lines.length)
    tell(`These are ${shown.length} of ${lines.length}; --limit shows more, and ${run.deadLetters} has all.`);
}

async function linesOf(config: Config, key: string): Promise<readonly string[]> {
  const { openObjects } = await import('../../engine/engine.ts');
  const body = await (await openObjects(config)).get(key);
  if (body === undefined) throw new Fault('OBJECT_MISSING', `${key} is not in the object store`);
  return body
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

function asTable(refused: readonly Refused[]): string {
  return renderTable(
    [{ title: 'index', align: 'right' }, { title: 'path' }, { title: 'message' }, { title: 'item' }],
    refused.map(({ index, error, event, eventBase64 }) => [
      String(index),
      error.path,
      error.message,
      event ?? eventBase64 ?? '',
    ]),
    outputWidth(),
  );
}
