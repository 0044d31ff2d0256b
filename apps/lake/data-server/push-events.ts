/** Pushes made-up events to the webhook, as the real producer does: gives up after 5 s, and never sends again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../random.ts';
import type { MadeData, MadeEvent } from './made-data.ts';

export interface PushOptions {
  readonly to: string;
  readonly data: () => MadeData;
  readonly seed: number | string;
  /** 10 is ten times as fast. */
  readonly speed: number;
  readonly signal: AbortSignal;
  readonly onPushed: (events: number, outcome: string) => void;
}

const giveUpMs = 5_000;
const mostEvents = 10;
const duplicateShare = 0.03;

/** 1 to 10 events every 2 to 6 s, until the signal. */
export async function pushEvents({ to, data, seed, speed, signal, onPushed }: PushOptions): Promise<void> {
  const random = new Random(`push ${seed}`);
  while (!signal.aborted) {
    const events = withDuplicates(
      Array.from({ length: 1 + random.below(mostEvents) }, () => data().event(Date.now())),
      random,
    );
    onPushed(events.length, await push(to, events));
    await sleep((2_000 + random.below(4_000)) / speed, undefined, { signal }).catch(() => undefined);
  }
}

/** Side by side. */
function withDuplicates(events: readonly MadeEvent[], random: Random): readonly MadeEvent[] {
  return events.flatMap((event) => (random.chance(duplicateShare) ? [event, event] : [event]));
}

async function push(to: string, events: readonly MadeEvent[]): Promise<string> {
  try {
    const response = await fetch(to, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
      signal: AbortSignal.timeout(giveUpMs),
    });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    return String(error instanceof Error ? (error.cause ?? error) : error);
  }
}
