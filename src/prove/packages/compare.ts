/** Reads everything that has landed, with nothing of the program running, and compares it with what was acknowledged. */
import type { Config } from '../../config/config.ts';
import { openEngineReader, openWarehouse } from '../../engine/engine.ts';
import { Fault } from '../../errors.ts';
import type { EventApp } from '../../pipeline/app.ts';
import type { ObjectsSink, Pipeline, TableSink } from '../../pipeline/pipeline.ts';
import { createCodecs } from '../../schemas/codecs.ts';
import { createLogger } from '../../telemetry/logger.ts';
import type { Targets } from './expected.ts';
import { readLetters, readObjects } from './landed.ts';
import type { Verdict } from '../subject.ts';
import type { Sent } from './send-packages.ts';
import { judge } from './judge.ts';

export interface WhatRan {
  readonly app: EventApp;
  /** Of any of its nodes. */
  readonly config: Config;
}

export async function compare(
  { app: { pipeline }, config }: WhatRan,
  acknowledged: ReadonlyMap<string, Sent>,
): Promise<Verdict> {
  const reader = await openEngineReader(config);
  const warehouse = await openWarehouse(config, createLogger({ level: 'error' }));
  try {
    const codec = await createCodecs(await reader.registry()).latest(pipeline.schema.subject);
    const letters = await readLetters(reader, pipeline.deadLetterTopic);
    const objects = await readObjects(await reader.objects());
    return await judge(targetsOf(pipeline, codec), { acknowledged, letters, objects, pool: warehouse.pool });
  } finally {
    await warehouse.close();
    await reader.close();
  }
}

function targetsOf(pipeline: Pipeline, codec: Targets['codec']): Targets {
  const table = pipeline.sinks.find((sink): sink is TableSink<object> => sink.kind === 'table');
  const objects = pipeline.sinks.find((sink): sink is ObjectsSink<object> => sink.kind === 'objects');
  if (!table || !objects) throw new Fault('USAGE', `${pipeline.name} needs a table and objects to be proved`);
  return { pipeline, codec, table, objects };
}
