/** `tributary tail`: records of a topic as they come, also beside a running `start`. */
import type { Command } from 'commander';
import { Fault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import { type ConfigOptions, configOf, examples, wholeNumber, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { follow } from './tail/follow.ts';
import { findTopic } from './tail/find-topic.ts';
import { type ShownRecord, recordAsJson, recordAsText } from './tail/show-record.ts';
import { type StartAt, offsetOf, startAt } from './tail/start-at.ts';

interface TailOptions extends ConfigOptions {
  readonly from: StartAt;
  readonly partition?: number;
  readonly limit?: number;
  readonly json?: true;
}

export function addTail(program: Command): void {
  withConfig(program.command('tail'))
    .description('follow the records of a topic; Ctrl-C ends it')
    .argument('<topic>')
    .option('--from <where>', 'start, end, an offset, or a time such as 2026-11-20T12:00:00Z', startAt, 'end')
    .option('--partition <n>', 'only this one', wholeNumber(0))
    .option('--limit <n>', 'end after so many', wholeNumber(1))
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      examples(
        'tributary tail events.raw',
        'tributary tail events.raw --from start --limit 10',
        "tributary tail events.raw --json | jq '.value.attributes.type'",
      ),
    )
    .action(tail);
}

async function tail(topic: string, options: TailOptions): Promise<void> {
  const config = configOf(options);
  const [{ closeRegistry, openEngineLogReader, openRegistryReader }, { createCodecs }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../schemas/codecs.ts'),
  ]);
  const log = await openEngineLogReader(config);
  const registry = await openRegistryReader(config);
  try {
    const places = await placesOf(log, topic, options);
    const codecs = createCodecs(registry);
    const show = options.json ? recordAsJson : recordAsText;
    await followAll(log, places, options.limit ?? Infinity, async (record) => writeLine(await show(record, codecs)));
  } finally {
    await log.close();
    await closeRegistry(registry);
  }
}

interface Place {
  readonly at: TopicPartition;
  readonly from: number;
}

async function placesOf(log: LogReader, topic: string, { from, partition }: TailOptions): Promise<readonly Place[]> {
  const { partitions } = await findTopic(log, topic);
  if (partition !== undefined && partition >= partitions)
    throw new Fault('USAGE', `--partition: the topic ${topic} has ${partitions}, counted from 0`);
  const wanted = partition === undefined ? Array.from({ length: partitions }, (_, i) => i) : [partition];
  return Promise.all(
    wanted.map(async (one) => {
      const at = { topic, partition: one };
      return { at, from: await offsetOf(log, at, from) };
    }),
  );
}

/** One record at a time, whichever partition it is of: a slow reader of ours slows all of them down. */
async function followAll(
  log: LogReader,
  places: readonly Place[],
  limit: number,
  show: (record: ShownRecord) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  let left = limit;
  let turn = Promise.resolve();
  const followOne = async ({ at, from }: Place): Promise<void> => {
    for await (const record of follow({ log, at, from, signal: ending.signal, onGap: tellGap })) {
      if (left-- <= 0) return;
      turn = turn.then(() => show({ ...at, ...record }));
      await turn;
      if (left === 0) ending.abort();
    }
  };
  try {
    await Promise.all(places.map(followOne));
  } finally {
    ending.abort();
  }
}

function tellGap({ topic, partition }: TopicPartition, from: number, to: number): void {
  tell(`${topic}-${partition}: offsets ${from} to ${to - 1} were removed by retention before they were read`);
}
