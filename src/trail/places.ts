/** Where an event belongs in each sink, as its pipeline says it: a function of its record alone. */
import { asReject, Reject } from '../event/reject.ts';
import { stringifyEvent } from '../event/verbatim.ts';
import type { LogRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { type RowTable, rowTablesOf } from '../pipeline/row-tables.ts';
import { Filtered, pipelineConverter } from '../processing/convert.ts';
import type { Codecs } from '../schemas/codecs.ts';

export interface Places {
  /** In objects: the prefix of the key, and the whole line. */
  readonly objects: readonly { readonly prefix: string; readonly line: string }[];
  /** In tables: the value of the column that each is partitioned by, where it is. */
  readonly tables: readonly { readonly table: RowTable; readonly partitionValue: string | undefined }[];
}

/** The places of each record, none of one that is filtered, or why it belongs nowhere. */
export async function placesOf(
  pipeline: Pipeline,
  codecs: Codecs,
  records: readonly LogRecord[],
): Promise<readonly (Places | Reject)[]> {
  const outputs = await pipelineConverter(pipeline, codecs)(records);
  return outputs.map((output) => {
    if (output instanceof Filtered) return { objects: [], tables: [] };
    return output instanceof Reject ? output : placesOfOutput(pipeline, output);
  });
}

function placesOfOutput({ sinks }: Pipeline, output: object): Places | Reject {
  const objects: { prefix: string; line: string }[] = [];
  const tables: { table: RowTable; partitionValue: string | undefined }[] = [];
  try {
    for (const sink of sinks) {
      if (sink.kind === 'objects') {
        objects.push({ prefix: sink.key(output), line: stringifyEvent(output) });
        continue;
      }
      const row = sink.row(output);
      if (!row) continue;
      const partitionValue = sink.kind === 'table' ? String(row[sink.partitionBy.column]) : undefined;
      for (const table of rowTablesOf(sink)) tables.push({ table, partitionValue });
    }
    return { objects, tables };
  } catch (error) {
    return asReject(error, 'place');
  }
}
