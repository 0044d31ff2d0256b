/** Counts parts of a rebuild for the process that has started this one (part-processes.ts), and ends with it. */
import { enableCompileCache } from 'node:module';
import { isFault } from '../errors.ts';
import { pipelinesOf } from '../pipeline/apps.ts';
import { openPart, type Part } from '../views/build-part.ts';
import { loadApps } from './load-apps.ts';
import type { PartCall, PartFailure, PartTold } from './part-processes.ts';
import { openRebuildParts, type RebuildParts } from './rebuild-parts.ts';

/** Of how far a part is. */
const tellEveryMs = 100;

enableCompileCache();
const never = new AbortController().signal; // who does not wait for this process any more kills it
const opened = new Map<number, Part>();
/** Of the one pipeline that this process is for. */
let parts: Promise<RebuildParts> | undefined;

process.on('message', (call: PartCall) => {
  const { partition } = call;
  answer(call).then(
    () => tell({ partition, done: true }),
    (error: unknown) => tell({ partition, failed: failure(error) }),
  );
});
process.on('disconnect', () => void leave());

async function leave(): Promise<void> {
  try {
    await (await parts)?.close();
  } finally {
    process.exit();
  }
}

function tell(told: PartTold): void {
  process.send?.(told);
}

async function answer(call: PartCall): Promise<void> {
  const { partition } = call;
  if ('open' in call) opened.set(partition, await open(call.open, partition));
  else if ('commit' in call) await part(partition).commit();
  else await readTo(call.readTo, partition);
}

async function open(asked: Extract<PartCall, { readonly open: unknown }>['open'], partition: number): Promise<Part> {
  const { config, pipeline: name, view: viewName } = asked;
  const pipeline = pipelinesOf(await loadApps(config)).find((one) => one.name === name);
  const view = pipeline?.views.find((one) => one.name === viewName);
  if (!pipeline || !view) throw new Error(`there is no view ${name}/${viewName}`);
  const { log, store, convert } = await (parts ??= openRebuildParts(config, pipeline));
  const of = { logId: log.id, pipeline: name, view: viewName };
  const onSkipped = (): void => tell({ partition, skipped: true });
  return openPart({ log, store, of, view, convert, onSkipped }, asked);
}

async function readTo(end: number, partition: number): Promise<void> {
  let toldMs = 0;
  await part(partition).readTo(
    end,
    (progress) => {
      if (progress.next < end && performance.now() - toldMs < tellEveryMs) return;
      toldMs = performance.now();
      tell({ partition, progress });
    },
    never,
  );
}

function part(partition: number): Part {
  const found = opened.get(partition);
  if (!found) throw new Error(`the part of partition ${partition} is not open`);
  return found;
}

function failure(error: unknown): PartFailure {
  if (isFault(error)) return { code: error.code, message: error.message };
  return { code: undefined, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
