/** How far a rebuild is, on standard error: a bar on a terminal, else nothing. */
import { Presets, SingleBar } from 'cli-progress';
import type { RebuildProgress } from '../../views/rebuild.ts';

export interface ShownRebuild {
  update(progress: RebuildProgress): void;
  stop(): void;
}

export function showRebuild(view: string): ShownRebuild {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: `${view} {bar} {percentage}% | {value} of {total} records | {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(0, 0);
  return {
    update: ({ done, total }) => {
      bar.setTotal(total);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
