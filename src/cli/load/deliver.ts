/**
 * A batch until there is an answer that holds. What passes (no answer, a server that is busy or restarts, the same batch still under
 * way from before) is asked again, with the same key: what has gone in is known by it. A refusal is final.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, type FaultCode } from '../../errors.ts';
import { faultOf } from '../server/ask-server.ts';
import type { BatchFile } from './batch-file.ts';
import type { LoadProgress } from './load-progress.ts';
import { type BatchAnswer, type BatchTarget, type NoAnswer, sendBatch } from './send-batch.ts';

export interface Delivery {
  readonly target: BatchTarget;
  readonly file: BatchFile;
  readonly signal: AbortSignal;
  readonly progress: LoadProgress;
  /** Another command's batch has the key, of that id. */
  readonly onOthers: (batchId: unknown) => void;
}

/** As long as there is nothing but trouble. */
const giveUpAfterMs = 120_000;
const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** @throws Fault where there is none in time, or the rows cannot be had again; the signal's reason */
export async function deliver({ target, file, signal, progress, onOthers }: Delivery): Promise<BatchAnswer> {
  const onBytes = (bytes: number): void => progress.bytes(bytes);
  let isOpened = false;
  const open = (): ReturnType<BatchFile['open']> => {
    isOpened = true;
    progress.begin('receiving');
    return file.open();
  };
  let wasReached = false;
  let troubleSinceMs: number | undefined;
  for (let attempts = 1; ; attempts++) {
    const answer = await sendBatch(target, { file: { ...file, open }, signal, onBytes });
    wasReached ||= answer.status > 0 || isOpened;
    const passes = isPassing(answer);
    if (passes === 'never') return answer as BatchAnswer;
    const fault = faultIn(answer, target);
    if (fault.code === 'BATCH_UNDER_WAY' && !isOpened) onOthers((answer as BatchAnswer).body['batch_id']);
    if (!wasReached || (isOpened && file.bytes === undefined)) throw fault;
    troubleSinceMs = passes === 'by itself' ? undefined : (troubleSinceMs ?? performance.now());
    if (performance.now() - (troubleSinceMs ?? performance.now()) > giveUpAfterMs) throw fault;
    progress.trouble(fault.message);
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1));
    await sleep((answer.status > 0 && (answer as BatchAnswer).retryAfterMs) || pauseMs, undefined, { signal });
  }
}

/** What somebody has to do something about first. */
const lasting: ReadonlySet<unknown> = new Set([
  'WAREHOUSE_FULL',
  'WAREHOUSE_DENIED',
  'WAREHOUSE_TABLE_MISSING',
] satisfies FaultCode[]);

/** `by itself`: the server is well, and it is only a matter of time. */
function isPassing(answer: BatchAnswer | NoAnswer): 'never' | 'maybe' | 'by itself' {
  if (!('body' in answer)) return 'maybe';
  const { status, body } = answer;
  const code = body['error'];
  if (code === 'BATCH_UNDER_WAY' || code === 'BUSY' || status === 429) return 'by itself';
  if (lasting.has(code)) return 'never';
  return [502, 503, 504].includes(status) ? 'maybe' : 'never';
}

function faultIn(answer: BatchAnswer | NoAnswer, { url }: BatchTarget): Fault {
  if ('body' in answer) return faultOf(url.origin + url.pathname, answer.body, answer.status);
  return new Fault('SERVER_UNREACHABLE', answer.reason);
}
