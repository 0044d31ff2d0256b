/** `tributary dead-letters`: what could not go on: listed, shown, edited, replayed. */
import { type Command } from 'commander';
import { Fault } from '../errors.ts';
import { correlationIds, defaultTableRows, withFilter } from './dead-letters/filter-options.ts';
import type { ListOptions } from './dead-letters/list.ts';
import type { PatchOptions } from './dead-letters/patch.ts';
import type { ReplayCliOptions } from './dead-letters/replay.ts';
import type { ShowOptions } from './dead-letters/show.ts';
import { examples, wholeNumber, withConfig } from './options.ts';
import { withServer } from './server/reach-server.ts';

export function addDeadLetters(program: Command): void {
  const group = program.command('dead-letters').description('events that could not go on');
  group.addHelpText(
    'after',
    examples(
      'tributary dead-letters list --count',
      'tributary dead-letters show <correlation id>',
      `tributary dead-letters edit --reason data.amount --patch '{"data":{"amount":0}}'`,
      'tributary dead-letters replay --reason data.amount --yes',
    ),
  );
  addList(group);
  addShow(group);
  addEdit(group);
  addReplay(group);
}

const whatIsThere =
  '\nThe list reads the log, beside a running server and without it: it goes back as far as the log does (log.retentionHours; on Kafka as its topics say).\n' +
  'Older letters stay as objects under dead-letter/; show, edit and replay find these by their correlation ids.';

function addList(group: Command): void {
  withConfig(withFilter(group.command('list')))
    .description('list them, oldest first')
    .option('--replayed', 'only those whose event is in the log by now')
    .option('--not-replayed', 'only those whose event is not')
    .option('--count', 'count them by reason')
    .option('--limit <n>', `at most so many (default: ${defaultTableRows}, with --json or --count all)`, wholeNumber(1))
    .option('--json', 'one JSON object a line; with --count a JSON array')
    .addHelpText('after', whatIsThere)
    .addHelpText(
      'after',
      examples(
        'tributary dead-letters list --not-replayed --since 24h --count',
        'tributary dead-letters list --reason "attributes.messageIdStamp: expected a UUID"',
        "tributary dead-letters list --text order-17 --json | jq -r '.error.path'",
      ),
    )
    .action(async (options: ListOptions) => (await import('./dead-letters/list.ts')).list(options));
}

function addShow(group: Command): void {
  withConfig(group.command('show'))
    .description('show one, with the event as it was received, its edits and its replays')
    .argument('<correlation-id>')
    .option('--json', 'as a JSON object')
    .addHelpText('after', examples('tributary dead-letters show 01932f5e-0c00-8a1b-9c3d-4e5f60000000'))
    .action(async (id: string, options: ShowOptions) => (await import('./dead-letters/show.ts')).show(id, options));
}

function addEdit(group: Command): void {
  withServer(withFilter(group.command('edit')))
    .description(
      'edit one in $VISUAL or $EDITOR, or many by a patch; the running server keeps the edit beside the letter',
    )
    .argument('[correlation-id...]')
    .option('--patch <json>', 'a JSON Patch (RFC 6902, an array) or a JSON Merge Patch (RFC 7386, an object)')
    .option('--all', 'with --patch: every letter that is not replayed')
    .option('--yes', 'with --patch: do it; else it is shown what would change')
    .option('--json', 'with --patch: an outcome a line, then the summary')
    .addHelpText(
      'after',
      examples(
        'tributary dead-letters edit 01932f5e-0c00-8a1b-9c3d-4e5f60000000',
        `tributary dead-letters edit --reason data.amount --patch '{"data":{"amount":0}}' --yes`,
        `tributary dead-letters edit --all --patch '[{"op":"move","from":"/headers","path":"/attributes"}]'`,
      ),
    )
    .action(edit);
}

async function edit(texts: readonly string[], options: PatchOptions & { readonly patch?: string }): Promise<void> {
  const ids = correlationIds(texts);
  if (options.patch !== undefined) {
    const { patch } = await import('./dead-letters/patch.ts');
    return patch(ids, options.patch, options);
  }
  const [id, ...more] = ids;
  if (id === undefined || more.length > 0)
    throw new Fault('USAGE', 'edit takes one correlation id, or --patch for many');
  const { edit: editOne } = await import('./dead-letters/edit.ts');
  return editOne(id, options);
}

function addReplay(group: Command): void {
  withServer(withFilter(group.command('replay')))
    .description('send them through ingest again, as they stand; each at most once')
    .argument('[correlation-id...]')
    .option('--all', 'every letter')
    .option('--yes', 'do it; else it is shown what would become of each')
    .option('--json', 'an outcome a line, then the summary')
    .addHelpText(
      'after',
      '\nThe running server does it: a replay that is interrupted and run again, or run twice, makes one event of each letter.\n' +
        'What is refused again stays a letter, with the newest reason; exit code 1 then.',
    )
    .addHelpText(
      'after',
      examples(
        'tributary dead-letters replay --all',
        'tributary dead-letters replay --reason data.amount --since 7d --yes',
        'tributary dead-letters replay 01932f5e-0c00-8a1b-9c3d-4e5f60000000 --yes',
      ),
    )
    .action(async (ids: readonly string[], options: ReplayCliOptions) =>
      (await import('./dead-letters/replay.ts')).replay(ids, options),
    );
}
