/** Reads everything that has landed, with nothing of the program running, and compares it with what a plain fold over the files gives. */
import type { Config } from '../../config/config.ts';
import { type EngineReader, openEngineReader, openWarehouse } from '../../engine/engine.ts';
import type { LogReader } from '../../log/log.ts';
import { partitionsOf } from '../../log/partitions.ts';
import { readPages } from '../../log/read-pages.ts';
import { headerText } from '../../log/record-header.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { createCodecs } from '../../schemas/codecs.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { readLetters, readObjects } from '../packages/landed.ts';
import type { Verdict } from '../subject.ts';
import { compareTables } from './compare-tables.ts';
import { type FilesEvidence, judge } from './judge.ts';
import { Takes } from './takes.ts';

const readBytes = 4 * 1024 * 1024;

export async function compare(
  pipeline: Pipeline,
  config: Config,
  written: Pick<FilesEvidence, 'finals' | 'settledAfterMs'>,
): Promise<Verdict> {
  const reader = await openEngineReader(config);
  const takes = new Takes(config);
  const warehouse = await openWarehouse(config, createLogger({ level: 'error' }));
  try {
    await takes.readOn();
    const codec = await createCodecs(await reader.registry()).latest(pipeline.schema.subject);
    const found = await readFound(reader, pipeline);
    const { rows, lost, twice, wrong, torn, ...counts } = judge({ pipeline, codec }, { ...written, ...found, takes });
    const inTables = await compareTables(warehouse.pool, pipeline, rows);
    return {
      ...counts,
      lost: [...lost, ...inTables.lost],
      twice: [...twice, ...inTables.twice],
      wrong: [...wrong, ...inTables.wrong],
      torn,
    };
  } finally {
    await warehouse.close();
    await takes.close();
    await reader.close();
  }
}

async function readFound(
  reader: EngineReader,
  pipeline: Pipeline,
): Promise<Pick<FilesEvidence, 'records' | 'letters' | 'objects'>> {
  const letters = await readLetters(reader, pipeline.deadLetterTopic);
  const objects = await readObjects(await reader.objects());
  return { records: await readRecords(reader.log, pipeline.topic.name), letters, objects };
}

/** When the log took each record of the topic, by correlation id. */
async function readRecords(log: LogReader, topic: string): Promise<FilesEvidence['records']> {
  const records = new Map<string, string[]>();
  for (const at of await partitionsOf(log, topic)) {
    for await (const page of readPages(log, at, await log.range(at), readBytes))
      for (const record of page.records) {
        const id = headerText(record, 'correlationId');
        records.set(id, [...(records.get(id) ?? []), new Date(record.timeMs).toISOString()]);
      }
  }
  return records;
}
