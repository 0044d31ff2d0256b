/** `tributary packages show`: what has become of a package's events. */
import type { Command } from 'commander';
import { Fault } from '../errors.ts';
import { isCorrelationId } from '../event/correlation-id.ts';
import type { PackageTrail } from '../trail/package-trail.ts';
import { type ConfigOptions, examples, withConfig } from './options.ts';
import { tell, writeJson, writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';
import { visible } from './visible.ts';
import { withTrail } from './trail/open-trail.ts';

interface ShowOptions extends ConfigOptions {
  readonly json?: true;
}

const shownObjects = 20;
const shownLetters = 20;

export function addPackages(program: Command): void {
  const group = program.command('packages').description('packages of events');
  const usage = examples('tributary packages show 01932f5e-0c00-8a1b-9c3d-4e5f60000000');
  group.addHelpText('after', usage);
  withConfig(group.command('show'))
    .description('how many events a package had, and what has landed of them where')
    .argument('<package-id>', 'or the correlation id of any of its events')
    .option('--json', 'as a JSON object')
    .addHelpText('after', usage)
    .action(show);
}

function show(text: string, options: ShowOptions): Promise<void> {
  const id = text.toLowerCase();
  if (!isCorrelationId(id)) throw new Fault('USAGE', `${JSON.stringify(text)} is no id of a package`);
  return withTrail(options, async (trail) => {
    const { packageTrail } = await import('../trail/package-trail.ts');
    const found = await packageTrail(trail, id);
    if (options.json) return writeJson(found);
    await writeLine(asText(found));
    for (const note of found.notes) tell(visible(`note: ${note}`));
  });
}

function asText(found: PackageTrail): string {
  const { packageId, receivedAt, pipelines, objects, deadLetters } = found;
  const rows: (readonly [string, string | number])[] = [
    ['received', receivedAt],
    ['pipeline', pipelines.join(', ')],
    ['events', found.events],
    ['  refused at ingest', found.refused],
    ['  accepted', found.accepted],
    ['    not landed yet', found.notLandedYet],
    ['    refused by the processor', found.refusedByProcessor],
    ...found.rows.map(({ table, rows: count }) => [`    rows in ${table}`, count] as const),
    ['    lines in objects', objects.reduce((sum, { lines }) => sum + lines, 0)],
    ['dead letters replayed', found.replayed],
  ];
  const table = renderTable(
    [{ title: 'package' }, { title: packageId }],
    rows.map(([name, value]) => [name, String(value)]),
    outputWidth(),
  );
  return [
    table,
    ...objects
      .slice(0, shownObjects)
      .map(({ key, lines }) => visible(`object ${key}: ${lines} ${lines === 1 ? 'line' : 'lines'}`)),
    ...more(objects.length, shownObjects),
    ...deadLetters.slice(0, shownLetters).map(letterLine),
    ...more(found.refused + found.refusedByProcessor, Math.min(deadLetters.length, shownLetters)),
  ].join('\n');
}

function letterLine({ index, state, error, replays }: PackageTrail['deadLetters'][number]): string {
  const as = state === 'replayed' ? ` as ${replays.at(-1)?.correlationId}` : '';
  const why = error.path === '' ? error.message : `${error.path}: ${error.message}`;
  return visible(`dead letter, index ${index}: ${state}${as}: ${why}`);
}

function more(count: number, shown: number): readonly string[] {
  return count > shown ? [`... and ${count - shown} more`] : [];
}
