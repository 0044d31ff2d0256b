/** What is shown on standard error while packages are sent: a bar on a terminal, else a line when trouble begins. */
import { Presets, SingleBar } from 'cli-progress';
import { tell } from '../output.ts';

export interface SendProgress {
  add(events: number, inputBytes: number): void;
  /** Packages are sent again, for this reason. */
  trouble(reason: string): void;
  /** A line of its own. */
  say(line: string): void;
  stop(): void;
}

/** @param totalBytes of the input, where it is known */
export function createProgress(totalBytes: number | undefined): SendProgress {
  return process.stderr.isTTY ? barProgress(totalBytes) : lineProgress();
}

function barProgress(totalBytes: number | undefined): SendProgress {
  const known = totalBytes === undefined ? '' : '{bar} {percentage}% | ';
  const bar = new SingleBar(
    {
      format: `${known}{events} events | {duration} s{note}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let events = 0;
  let bytes = 0;
  bar.start(totalBytes ?? 0, 0, { events, note: '' });
  return {
    add(moreEvents, inputBytes) {
      events += moreEvents;
      bytes += inputBytes;
      bar.update(bytes, { events, note: '' });
    },
    trouble: (reason) => bar.update({ note: ` | sending again: ${reason}` }),
    say: (line) => process.stderr.write(`\r\u001B[K${line}\n`),
    stop: () => bar.stop(),
  };
}

function lineProgress(): SendProgress {
  let told: string | undefined;
  return {
    add() {
      told = undefined;
    },
    trouble(reason) {
      if (reason === told) return;
      told = reason;
      tell(`sending again: ${reason}`);
    },
    say: tell,
    stop: () => undefined,
  };
}
