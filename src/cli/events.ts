/** `tributary events show`: where an event is by now, from its record to its row and its object. */
import type { Command } from 'commander';
import type { EventTrail } from '../trail/trail.ts';
import { type ConfigOptions, examples, withConfig } from './options.ts';
import { tell, writeJson, writeLine } from './output.ts';
import { visible } from './visible.ts';
import { withTrail } from './trail/open-trail.ts';

interface ShowOptions extends ConfigOptions {
  readonly json?: true;
}

export function addEvents(program: Command): void {
  const group = program.command('events').description('single events');
  const usage = examples(
    'tributary events show 01932f5e-0c00-8a1b-9c3d-4e5f60000000',
    'tributary events show 01HRZ8Y3S5T7V9W1X3Y5Z7A9B1 --json',
  );
  group.addHelpText('after', usage);
  withConfig(group.command('show'))
    .description("where an event is by now: by its correlation id, or by an id that the producer gave (a message's)")
    .argument('<id>')
    .option('--json', 'as a JSON object')
    .addHelpText(
      'after',
      "\nA correlation id tells when the event came in, and the log is read from there. A producer's id is looked for in the\n" +
        'UUID columns of the tables; where no row has it, in the newest 100,000 records of each partition and in the dead letters.',
    )
    .addHelpText('after', usage)
    .action(show);
}

function show(id: string, options: ShowOptions): Promise<void> {
  return withTrail(options, async (trail) => {
    const { findEvents } = await import('../trail/find-events.ts');
    const found = await findEvents(trail, id);
    if (options.json) return writeJson(found);
    await writeLine(found.events.map(asText).join('\n\n'));
    for (const note of found.notes) tell(visible(`note: ${note}`));
  });
}

function asText(trail: EventTrail): string {
  const { correlationId, packageId, index, receivedAt, pipeline, whereabouts, record, lag, replayOf } = trail;
  const rows: (readonly [string, string])[] = [
    ['event', correlationId],
    ['package', `${packageId}, index ${index}, received ${receivedAt}`],
    ['pipeline', pipeline],
    ['is', lag === undefined ? whereabouts : `${whereabouts}: ${lag} records to go until it has`],
  ];
  if (replayOf !== undefined) rows.push(['replay of', replayOf]);
  if (record) rows.push(['record', `${record.topic}-${record.partition} @ ${record.offset}, taken ${record.at}`]);
  for (const { table, columns } of trail.rows) {
    const cells = Object.entries(columns).map(([name, value]) => `${name}=${value}`);
    rows.push(['row', `${table}: ${cells.join(', ')}`]);
  }
  for (const { key, line } of trail.objects) rows.push(['object', `${key}, line ${line}`]);
  rows.push(...letterRows(trail), ...trail.notes.map((note) => ['note', note] as const));
  return rows.map(([name, value]) => `${`${name}:`.padEnd(13)}${visible(value)}`).join('\n');
}

function letterRows({ deadLetter }: EventTrail): readonly (readonly [string, string])[] {
  if (!deadLetter) return [];
  const { at, error, state, replays } = deadLetter;
  return [
    ['dead letter', `refused by ${at}: ${error.path === '' ? '' : `${error.path}: `}${error.message}`],
    ['state', state],
    ...replays.map((replay) => ['replayed', `${replay.at} as ${replay.correlationId}`] as const),
  ];
}
