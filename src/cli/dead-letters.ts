/** `tributary dead-letters`: what could not go on, as it was received, with the reason. */
import { type Command, Option } from 'commander';
import type { DeadLetter } from '../dead-letters/dead-letter.ts';
import { receivedBytes } from '../dead-letters/dead-letter-sink.ts';
import { type ConfigOptions, configOf, examples, wholeNumber, withConfig } from './options.ts';
import { tell, write, writeLine } from './output.ts';
import { errorLine } from './report-error.ts';
import { outputWidth, renderTable } from './table.ts';

interface ListOptions extends ConfigOptions {
  readonly pipeline?: string;
  readonly at?: DeadLetter['at'];
  readonly limit?: number;
  readonly json?: true;
}

interface ShowOptions extends ConfigOptions {
  readonly json?: true;
}

/** A table is read by people. */
const defaultTableRows = 50;

export function addDeadLetters(program: Command): void {
  const group = program.command('dead-letters').description('events that could not go on');
  group.addHelpText('after', examples('tributary dead-letters list', 'tributary dead-letters show <correlation id>'));
  withConfig(group.command('list'))
    .description('list them, oldest first')
    .option('--pipeline <name>', 'only of this pipeline')
    .addOption(new Option('--at <where>', 'only those refused there').choices(['ingest', 'processor']))
    .option('--limit <n>', `at most so many (default: ${defaultTableRows}, with --json all)`, wholeNumber(1))
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      examples('tributary dead-letters list --at ingest', "tributary dead-letters list --json | jq -r '.error.path'"),
    )
    .action(list);
  withConfig(group.command('show'))
    .description('show one, with the event as it was received')
    .argument('<correlation-id>')
    .option('--json', 'as a JSON object')
    .addHelpText('after', examples('tributary dead-letters show 01932f5e-0c00-8a1b-9c3d-4e5f60000000'))
    .action(show);
}

async function list(options: ListOptions): Promise<void> {
  const limit = options.limit ?? (options.json ? Infinity : defaultTableRows);
  const shown: DeadLetter[] = [];
  let count = 0;
  let more = false;
  for await (const letter of letters(options)) {
    if ((options.pipeline ?? letter.pipeline) !== letter.pipeline || (options.at ?? letter.at) !== letter.at) continue;
    if (count === limit) {
      more = true;
      break;
    }
    count += 1;
    if (options.json) await writeLine(asJson(letter));
    else shown.push(letter);
  }
  if (options.json) return;
  if (count === 0) tell('There are no dead letters.');
  else await writeLine(asTable(shown));
  if (more) tell(`These are the first ${limit}; --limit shows more.`);
}

async function show(correlationId: string, options: ShowOptions): Promise<void> {
  const wanted = correlationId.toLowerCase();
  for await (const letter of letters(options)) {
    if (letter.correlationId !== wanted) continue;
    if (options.json) return writeLine(asJson(letter));
    await writeLine(asText(letter));
    await write(letter.event);
    return write('\n');
  }
  tell(errorLine(`there is no dead letter ${correlationId}. tributary dead-letters list shows those that are.`));
  process.exitCode = 1;
}

async function* letters(options: ConfigOptions): AsyncIterable<DeadLetter> {
  const config = configOf(options);
  const [{ readDeadLetters }, { openEngineReader }, { loadApps }] = await Promise.all([
    import('../dead-letters/read.ts'),
    import('../engine/engine.ts'),
    import('../engine/load-apps.ts'),
  ]);
  const topics = (await loadApps(config)).map(({ pipeline }) => pipeline.deadLetterTopic);
  const reader = await openEngineReader(config);
  try {
    yield* readDeadLetters(reader.log, topics);
  } finally {
    await reader.close();
  }
}

function asTable(shown: readonly DeadLetter[]): string {
  const titles = ['received', 'pipeline', 'at', 'correlation id', 'path', 'message'];
  return renderTable(
    titles.map((title) => ({ title })),
    shown.map((one) => [one.receivedAt, one.pipeline, one.at, one.correlationId, one.path, one.message]),
    outputWidth(),
  );
}

function asText(letter: DeadLetter): string {
  const { correlationId, packageId, index, receivedAt, at, pipeline, path, message, origin } = letter;
  const rows = Object.entries({ correlationId, packageId, index, receivedAt, pipeline, at, path, message });
  if (origin) rows.push(['record', `${origin.topic}-${origin.partition} @ ${origin.offset}`]);
  const lines = rows.map(([name, value]) => `${`${name}:`.padEnd(15)}${value}`);
  return [...lines, '', 'as received:'].join('\n');
}

/** The shape of the objects under `dead-letter/`, and the pipeline. */
function asJson(letter: DeadLetter): string {
  const { correlationId, packageId, index, receivedAt, at, pipeline, path, message } = letter;
  const about = { correlationId, packageId, index, receivedAt, at, pipeline, error: { path, message } };
  return JSON.stringify({ ...about, ...receivedBytes(letter) });
}
