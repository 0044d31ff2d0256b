/** The log and its processors in a process of their own, without a server. */
import '../../src/cli/runtime.ts'; // first: as the program has it
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Landing } from '../../src/engine/landing.ts';
import { dataPaths } from '../../src/engine/engine.ts';
import { splitJson } from '../../src/ingest/split-json.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { answerParent } from '../child.ts';
import { generatePackages } from '../generated-packages.ts';
import { openBenchEngine, openIngest } from '../parts.ts';

interface Where {
  readonly system: string;
  readonly dataDir: string;
}

export interface Landed {
  readonly rows: number;
  /** From the moment when the warehouse was up. */
  readonly seconds: number;
}

const packageEvents = 500;
const pollMs = 5;

let close = (): Promise<void> => Promise.resolve();

/** Fills the log with about so many valid events; answers how many. */
async function fill({ system, dataDir, events }: Where & { readonly events: number }): Promise<number> {
  const parts = await openBenchEngine(system, dataDir);
  const ingest = await openIngest(parts, parts.engine.log);
  const packages = Math.ceil(events / packageEvents);
  for (const text of generatePackages(parts.app, packages, packageEvents)) {
    const body = () => [Buffer.from(text)];
    const incoming = { splitter: splitJson(), onNotJson: 'refuse-package', idempotencyKey: undefined } as const;
    await ingest.receive({ ...incoming, body: () => asyncOf(body()) });
  }
  return packages * packageEvents;
}

async function* asyncOf(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** Lands the whole log in empty sinks; the warehouse stays up until `stop`. */
async function land({ system, dataDir }: Where): Promise<Landed> {
  const { state, objects } = dataPaths(dataDir);
  for (const dir of [state, objects]) await rm(dir, { recursive: true, force: true });
  const { app, config, engine } = await openBenchEngine(system, dataDir);
  const { name, topic } = app.pipeline;
  const total = await recordsIn(topic.name, engine.log);
  const progress = { rows: 0, endedMs: 0, failure: undefined as unknown };
  const landing = Landing.start({
    config,
    engine,
    codecs: createCodecs(engine.registry),
    pipelines: [app.pipeline],
    logger: createLogger({ level: 'warn' }),
    observe: (consumer) => ({
      landed: (_at, outcome) => {
        if (consumer !== name) return;
        progress.rows += outcome.landed;
        progress.endedMs = performance.now();
      },
      failed: (_at, error) => (progress.failure ??= error),
      halted: (_at, error) => (progress.failure ??= error),
      noticed: () => undefined,
      replayed: () => undefined,
      assigned: () => undefined,
      unassigned: (_topic, error) => (progress.failure ??= error),
    }),
  });
  close = async () => {
    await landing.drain();
    await engine.log.close();
    await engine.state.close();
  };
  while (!landing.warehouseIsUp) await sleep(pollMs);
  const startedMs = performance.now();
  while (progress.rows < total && progress.failure === undefined) await sleep(pollMs);
  if (progress.failure !== undefined) throw progress.failure;
  return { rows: progress.rows, seconds: (progress.endedMs - startedMs) / 1000 };
}

type Log = Awaited<ReturnType<typeof openBenchEngine>>['engine']['log'];

async function recordsIn(topic: string, log: Log): Promise<number> {
  const partitions = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  let records = 0;
  for (let partition = 0; partition < partitions; partition++) records += (await log.range({ topic, partition })).end;
  return records;
}

const methods = { fill, land, stop: () => close() };
export type LandingMethods = typeof methods;
answerParent(methods);
