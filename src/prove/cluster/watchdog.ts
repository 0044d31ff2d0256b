/**
 * Ends every process of the proof when the proof is gone, however that ends: a shell that waits for its standard input to end, and then
 * kills whatever is named by a file `pid` one level below the scratch directory, and works within it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';

/** A number may be another process's by now: ours work in the scratch directory, where the system tells. */
const script = `
while read -r _; do :; done
for file in "$1"/*/pid; do
  read -r pid < "$file" || [ -n "$pid" ] || continue
  if [ -d /proc/self ]; then
    case "$(readlink "/proc/$pid/cwd")" in "$1"/*) ;; *) continue ;; esac
  fi
  kill -9 "$pid" 2>/dev/null
done
`;

export interface Watchdog {
  /** Kills what is left, and resolves when that is done. */
  end(): Promise<void>;
}

export async function startWatchdog(scratchDir: string): Promise<Watchdog> {
  const dir = await realpath(scratchDir);
  const child = spawn('/bin/sh', ['-c', script, 'tributary-prove', dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C in the terminal must not end it before us
  });
  await once(child, 'spawn');
  const exited = once(child, 'exit');
  child.unref();
  child.stdin.on('error', () => undefined); // it may end first, killed by somebody
  return {
    end: async () => {
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}
