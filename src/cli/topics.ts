/** `tributary topics`: what the log holds, and topics made from a list; beside a running `start` and without it. */
import type { Command } from 'commander';
import type { TopicsAnswer } from '../api/admin/topics.ts';
import type { Config } from '../config/config.ts';
import { isFault } from '../errors.ts';
import type { AppliedTopic, TopicChange } from '../log/apply-topics.ts';
import type { LogReader } from '../log/log.ts';
import type { ListedTopic } from '../log/topic-list.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { ask } from './server/ask-server.ts';
import { reachOwnServer } from './server/reach-server.ts';
import { outputWidth, renderTable } from './table.ts';

interface TopicsOptions extends ConfigOptions {
  readonly json?: true;
}

export function addTopics(program: Command): void {
  const group = program.command('topics').description('topics of the log');
  group.addHelpText(
    'after',
    examples('tributary topics list', 'tributary topics describe events.raw', 'tributary topics apply'),
  );
  withConfig(group.command('list'))
    .description('list the topics, with how many records each still holds')
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary topics list'))
    .action(list);
  withConfig(group.command('describe'))
    .description('offsets and times of each partition of a topic')
    .argument('<topic>')
    .option('--json', 'as a JSON object')
    .addHelpText('after', examples('tributary topics describe events.raw'))
    .action(describe);
  withConfig(group.command('apply'))
    .description('create what is missing of a list, and say what differs: then exit code 1')
    .argument('[file]', 'name:partitions:replicas a line (default: the configured list)')
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary topics apply', 'tributary topics apply topics/main-topics'))
    .action(apply);
}

async function list(options: TopicsOptions): Promise<void> {
  await withReader(configOf(options), async (log) => {
    const rows = [];
    for (const { name, partitions } of await log.topics()) {
      let records = 0;
      for (const { start, end } of await rangesOf(log, name, partitions)) records += end - start;
      rows.push({ name, partitions, records });
    }
    if (options.json) return writeLine(JSON.stringify(rows));
    await writeLine(
      renderTable(
        [{ title: 'topic' }, ...numeric('partitions', 'records')],
        rows.map(({ name, partitions, records }) => [name, String(partitions), String(records)]),
        outputWidth(),
      ),
    );
  });
}

async function describe(topic: string, options: TopicsOptions): Promise<void> {
  await withReader(configOf(options), async (log) => {
    const [{ findTopic }, { recordTimes }] = await Promise.all([
      import('./tail/find-topic.ts'),
      import('./topics/record-times.ts'),
    ]);
    const { partitions } = await findTopic(log, topic);
    const rows = [];
    for (const [partition, { start, end }] of (await rangesOf(log, topic, partitions)).entries()) {
      const { oldestMs, newestMs } = await recordTimes(log, { topic, partition }, { start, end });
      rows.push({ partition, start, end, oldestAt: isoTime(oldestMs), newestAt: isoTime(newestMs) });
    }
    if (options.json) return writeLine(JSON.stringify({ name: topic, partitions: rows }));
    await writeLine(
      renderTable(
        [...numeric('partition', 'start', 'end', 'records'), { title: 'oldest' }, { title: 'newest' }],
        rows.map(({ partition, start, end, oldestAt, newestAt }) => [
          ...[partition, start, end, end - start].map(String),
          oldestAt ?? '',
          newestAt ?? '',
        ]),
        outputWidth(),
      ),
    );
  });
}

async function apply(file: string | undefined, options: TopicsOptions): Promise<void> {
  const config = configOf(options);
  const [{ readTopicList }, { isDifferent }] = await Promise.all([
    import('../log/topic-list.ts'),
    import('../log/apply-topics.ts'),
  ]);
  const applied = await applyList(config, await readTopicList(file ?? config.topicsFile));
  if (options.json) await writeLine(JSON.stringify(applied));
  else if (applied.length === 0) tell('The list names no topic.');
  else for (const topic of applied) await writeLine(`${topic.name}: ${words[topic.change](topic)}`);
  if (applied.some(isDifferent)) process.exitCode = 1;
}

const words: Readonly<Record<TopicChange, (topic: AppliedTopic) => string>> = {
  created: ({ partitions }) => `created, with ${partitions} partitions`,
  'partitions-added': ({ before, partitions }) => `now has ${partitions} partitions; it had ${before}`,
  unchanged: ({ partitions }) => `is there, with ${partitions} partitions`,
  'has-more-partitions': ({ before, partitions }) =>
    `differs: it has ${before} partitions, and ${partitions} are listed; partitions cannot be taken away`,
  'grows-at-next-start': ({ before, partitions }) =>
    `differs: it has ${before} partitions, and ${partitions} are listed; processors take up more when the server starts: stop it, apply, start it`,
  reserved: () => "differs: its name is the platform's own, and it is left as it is",
};

/** The log has one writer: the server where one runs, else this process. */
async function applyList(config: Config, listed: readonly ListedTopic[]): Promise<readonly AppliedTopic[]> {
  const specs = listed.map(({ name, partitions, replicas }) => ({ name, partitions, replicas }));
  const [{ openEngineLog }, { applyTopics }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../log/apply-topics.ts'),
  ]);
  const log = await openEngineLog(config).catch((error: unknown) => {
    if (isFault(error, 'DATA_DIR_IN_USE')) return undefined;
    throw error;
  });
  if (log === undefined) {
    const answer = await ask(await reachOwnServer(config), 'POST', '/admin/topics', { topics: specs });
    return (answer as TopicsAnswer).topics;
  }
  try {
    return await applyTopics({ log, consumed: [] }, specs);
  } finally {
    await log.close();
  }
}

async function rangesOf(log: LogReader, topic: string, partitions: number) {
  return Promise.all(Array.from({ length: partitions }, (_, partition) => log.range({ topic, partition })));
}

async function withReader(config: Config, use: (log: LogReader) => Promise<void>): Promise<void> {
  const { openEngineLogReader } = await import('../engine/engine.ts');
  const log = await openEngineLogReader(config);
  try {
    await use(log);
  } finally {
    await log.close();
  }
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function numeric(...titles: readonly string[]) {
  return titles.map((title) => ({ title, align: 'right' as const }));
}
