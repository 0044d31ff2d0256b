/** Ctrl-C and other requests to end. Exit code 130 tells that the command did not come to its own end. */
export const interrupted = 130;

/**
 * One press of Ctrl-C may arrive several times: from the terminal, from npm, and from `bin/tributary.js`, which all
 * pass it on.
 */
const samePressMs = 500;

type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** What holds until a command decides otherwise. */
export function endOnInterrupt(): void {
  process.on('SIGINT', end);
}

/** The first signal calls `windDown`; another one, not of the same press, ends the process at once. */
export function onInterrupt(signals: readonly EndSignal[], windDown: () => void): void {
  let firstMs: number | undefined;
  const receive = (): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      windDown();
    } else if (performance.now() - firstMs > samePressMs) end();
  };
  for (const signal of signals) process.on(signal, receive);
  process.off('SIGINT', end); // not before: without any listener Node.js forgets a signal that waits to be told
}

function end(): void {
  process.exit(interrupted);
}
