/** The records that ingest makes of packages: what its log is given, kept. */
import type { Batch, Log, NewRecord } from '../../../src/log/log.ts';
import { splitJson } from '../../../src/ingest/split-json.ts';
import { generatePackages } from '../../generated-packages.ts';
import { createNullLog } from '../../ingest/null-log.ts';
import { openBenchEngine, openIngest } from '../../parts.ts';

export interface PackagesAsked {
  readonly system: string;
  /** Of a registry and a log of its own, which stays empty. */
  readonly dataDir: string;
  readonly packages: number;
  readonly eventsAPackage: number;
}

/** A list a package. */
export async function packageRecords(asked: PackagesAsked): Promise<readonly (readonly NewRecord[])[]> {
  const parts = await openBenchEngine(asked.system, asked.dataDir);
  const taken: (readonly NewRecord[])[] = [];
  const ingest = await openIngest(parts, keepingLog(taken));
  for (const text of generatePackages(parts.app, asked.packages, asked.eventsAPackage)) {
    const incoming = { splitter: splitJson(), onNotJson: 'refuse-package', idempotencyKey: undefined } as const;
    await ingest.receive({ ...incoming, body: () => bodyOf(text) });
  }
  await parts.engine.log.close();
  await parts.engine.state.close();
  await parts.engine.views.close();
  return taken;
}

async function* bodyOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

class KeptBatch implements Batch {
  readonly records: NewRecord[] = [];
  readonly bytes = 0;

  get count(): number {
    return this.records.length;
  }

  add({ topic, key, value, headers }: NewRecord): void {
    const kept = headers.map(([name, content]) => [name, Buffer.from(content as string)] as const);
    this.records.push({ topic, key, value: Buffer.from(value), headers: kept });
  }
}

function keepingLog(taken: (readonly NewRecord[])[]): Log {
  return {
    ...createNullLog(),
    batch: () => new KeptBatch(),
    append: async (batch) => void taken.push((batch as KeptBatch).records),
  };
}
