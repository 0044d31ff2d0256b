/**
 * What `tributary lag` tells of files that are not in the log yet, and how it waits for them: the server on the data directory is asked to list the
 * directories, and what comes of it stands in the keyed state, whichever node takes the files.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AskedLook } from '../../api/admin/files.ts';
import type { Config } from '../../config/config.ts';
import type { EngineReader } from '../../engine/engine.ts';
import { isFault } from '../../errors.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { FileLooks, type FilesTold } from '../../sources/files/file-looks.ts';
import { askWithin } from '../server/ask-server.ts';
import { reachOwnServer } from '../server/reach-server.ts';
import { renderTable } from '../table.ts';

/** By pipeline. */
export type LooksByPipeline = ReadonlyMap<string, FileLooks>;
/** Those of which nobody has told anything are not in it. */
export type ToldByPipeline = ReadonlyMap<string, FilesTold>;

export function looksOf({ log, state }: EngineReader, pipelines: readonly Pipeline[]): LooksByPipeline {
  const ofFiles = pipelines.filter(({ source }) => source.kind === 'files');
  return new Map(ofFiles.map(({ name }) => [name, new FileLooks(state, { logId: log.id, pipeline: name })]));
}

export async function readTold(looks: LooksByPipeline): Promise<ToldByPipeline> {
  const told = new Map<string, FilesTold>();
  for (const [pipeline, one] of looks) {
    const is = await one.told();
    if (is) told.set(pipeline, is);
  }
  return told;
}

/** It only puts down that it was asked. */
const answerWithinMs = 10_000;

/** @returns undefined where no server runs on the data directory @throws Fault SERVER_SILENT, those of the server */
export async function askForLooks(config: Config): Promise<readonly AskedLook[] | undefined> {
  try {
    const server = await reachOwnServer(config);
    const answer = await askWithin(answerWithinMs, server, 'POST', '/admin/files/looks');
    return (answer as { readonly looks: readonly AskedLook[] }).looks;
  } catch (error) {
    if (isFault(error, 'SERVER_UNREACHABLE')) return undefined;
    throw error;
  }
}

export interface Waiting {
  readonly untilMs: number;
  readonly onWaiting: (files: number) => void;
}

const pollEveryMs = 100;

/** Resolves when all that stood in the directories when it was asked is in the log, or passed over; with what has not come about in time, in words. */
export async function waitForLooks(
  looks: LooksByPipeline,
  asked: readonly AskedLook[],
  { untilMs, onWaiting }: Waiting,
): Promise<string | undefined> {
  for (const { pipeline, look } of asked) {
    for (;;) {
      const told = await looks.get(pipeline)?.told();
      if (!looks.has(pipeline) || (told?.answer?.look ?? 0) >= look) break;
      onWaiting(told?.waiting ?? 0);
      if (performance.now() >= untilMs)
        return told?.isListed && told.waiting > 0
          ? `${told.waiting} files of ${pipeline} are left`
          : `the directories of ${pipeline} have not been listed`;
      await sleep(Math.min(pollEveryMs, Math.max(1, untilMs - performance.now())));
    }
  }
  onWaiting(0);
  return undefined;
}

/** What was not waited for: one line for each file that is named. */
export function notTakenLines(told: ToldByPipeline, asked: readonly AskedLook[]): readonly string[] {
  return asked.flatMap(({ pipeline }) => {
    const { count, some } = told.get(pipeline)?.answer?.notTaken ?? { count: 0, some: [] };
    const lines = some.map(({ file, why }) => `not taken: ${file} ${why}`);
    return count > some.length ? [...lines, `not taken: ${count - some.length} more files of ${pipeline}`] : lines;
  });
}

/** Empty where nothing is known of any. */
export function filesTable(looks: LooksByPipeline, told: ToldByPipeline, maxWidth?: number): string {
  if (told.size === 0) return '';
  return renderTable(
    [{ title: 'files of' }, ...['waiting', 'passed over'].map((title) => ({ title, align: 'right' as const }))],
    [...looks.keys()].map((pipeline) => [pipeline, ...cells(told.get(pipeline))]),
    maxWidth,
  );
}

function cells(told: FilesTold | undefined): readonly string[] {
  if (!told) return ['?', '?'];
  return [told.isListed ? String(told.waiting) : 'listing', String(told.passedOver.count)];
}
