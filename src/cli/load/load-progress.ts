/** What is shown on standard error while a batch is sent: a bar on a terminal, else a line when trouble begins. */
import { Presets, SingleBar } from 'cli-progress';
import { size } from '../size.ts';
import { tell } from '../output.ts';
import { visible } from '../visible.ts';

export interface LoadProgress {
  /** From its first byte on: `reading` here, then `receiving` there. */
  begin(phase: 'reading' | 'receiving'): void;
  bytes(more: number): void;
  /** What the server says of the batch. */
  status(phase: string, rows: number): void;
  /** The batch is sent again, for this reason. */
  trouble(reason: string): void;
  stop(): void;
}

/** Whether there is somebody to look. */
export function isWatched(): boolean {
  return process.stderr.isTTY;
}

/** @param totalBytes of the file, where it is known */
export function createLoadProgress(totalBytes: number | undefined): LoadProgress {
  return isWatched() ? barProgress(totalBytes) : lineProgress();
}

function barProgress(totalBytes: number | undefined): LoadProgress {
  const known = totalBytes === undefined ? '' : '{bar} {percentage}% | ';
  const bar = new SingleBar(
    {
      format: `${known}{phase} | {rows} rows | {rate} rows/s | {sent}{note}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  const shown = { phase: 'connecting', rows: 0, rate: 0, sent: size(0), note: '' };
  let bytes = 0;
  let beganMs = 0;
  bar.start(totalBytes ?? 0, 0, shown);
  const show = (more: Partial<typeof shown>): void => bar.update(bytes, Object.assign(shown, more));
  return {
    begin(phase) {
      bytes = 0;
      beganMs = performance.now();
      show({ phase, rows: 0, rate: 0, sent: size(bytes), note: '' });
    },
    bytes(more) {
      bytes += more;
      show({ sent: size(bytes) });
    },
    status(phase, rows) {
      const seconds = (performance.now() - beganMs) / 1000;
      show({ phase: visible(phase), rows, ...(phase === 'receiving' && { rate: Math.round(rows / seconds) }) });
    },
    trouble(reason) {
      show({ note: ` | sending again: ${reason}` });
    },
    stop() {
      if (bar.isActive) bar.stop();
    },
  };
}

function lineProgress(): LoadProgress {
  let told: string | undefined;
  return {
    begin: () => undefined,
    bytes: () => undefined,
    status: () => undefined,
    trouble(reason) {
      if (reason === told) return;
      told = reason;
      tell(`sending again: ${reason}`);
    },
    stop: () => undefined,
  };
}
