/** What is shown on standard error while a batch is sent: a bar on a terminal, else a line when trouble begins. */
import { Presets, SingleBar } from 'cli-progress';
import { size } from '../size.ts';
import { tell } from '../output.ts';

export type LoadPhase = 'reading' | 'connecting' | 'receiving' | 'validating' | 'committed';

export interface LoadProgress {
  /** The bytes begin anew. */
  phase(phase: LoadPhase): void;
  bytes(more: number): void;
  /** That the server has. */
  rows(rows: number): void;
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
  const shown = { phase: 'connecting' as LoadPhase, rows: 0, rate: 0, sent: size(0), note: '' };
  let bytes = 0;
  let receivingSinceMs = performance.now();
  bar.start(totalBytes ?? 0, 0, shown);
  const show = (): void => bar.update(bytes, { ...shown });
  return {
    phase(phase) {
      if (phase === 'reading' || phase === 'receiving') bytes = 0;
      if (phase === 'receiving') receivingSinceMs = performance.now();
      Object.assign(shown, { phase, note: '', sent: size(bytes) });
      show();
    },
    bytes(more) {
      bytes += more;
      shown.sent = size(bytes);
      show();
    },
    rows(rows) {
      const seconds = (performance.now() - receivingSinceMs) / 1000;
      if (shown.phase === 'receiving') shown.rate = Math.round(rows / Math.max(seconds, 0.001));
      shown.rows = rows;
      show();
    },
    trouble(reason) {
      shown.note = ` | sending again: ${reason}`;
      show();
    },
    stop() {
      if (bar.isActive) bar.stop();
    },
  };
}

function lineProgress(): LoadProgress {
  let told: string | undefined;
  return {
    phase: () => undefined,
    bytes: () => undefined,
    rows: () => undefined,
    trouble(reason) {
      if (reason === told) return;
      told = reason;
      tell(`sending again: ${reason}`);
    },
    stop: () => undefined,
  };
}
