/** How far a pull is, on standard error: a bar on a terminal, else only what is out of the ordinary. */
import { Presets, SingleBar } from 'cli-progress';
import type { PullObserver } from '../../sources/rest/pull-run.ts';
import { duration } from '../duration.ts';
import { tell } from '../output.ts';
import { visible } from '../visible.ts';

export interface ShownPull extends PullObserver {
  stop(): void;
}

/** Shorter pauses pass without a word. */
const worthTellingMs = 1_000;

export function showPull(name: string): ShownPull {
  return process.stderr.isTTY ? barOf(name) : linesOf(name);
}

function barOf(name: string): ShownPull {
  const bar = new SingleBar(
    { format: `${name} {bar} | {items} items{note}`, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(0, 0, { items: '0', note: '' });
  const note = (text: string): void => bar.update({ note: ` | ${visible(text)}` });
  return {
    asked: () => undefined,
    retried: (reason, pauseMs) => note(`${reason}; again in ${duration(pauseMs)}`),
    turned: ({ items, total }) => {
      if (total !== null) bar.setTotal(total);
      bar.update(items, { items: total === null ? `${items}` : `${items} of ${total}`, note: '' });
    },
    startedOver: ({ reason }) => note(`begun anew: ${reason}`),
    stop: () => bar.stop(),
  };
}

function linesOf(name: string): ShownPull {
  return {
    asked: () => undefined,
    retried: (reason, pauseMs) => {
      if (pauseMs >= worthTellingMs) tell(visible(`${name}: ${reason}; again in ${duration(pauseMs)}`));
    },
    turned: () => undefined,
    startedOver: ({ reason }) => tell(visible(`${name}: begun anew: ${reason}`)),
    stop: () => undefined,
  };
}
