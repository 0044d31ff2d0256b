/** Standard output is for answers; progress, errors and hints go to standard error. */
import { once } from 'node:events';
import { visibleJson } from './visible.ts';

/** Waits while the reader is slower than we are. */
export async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export async function writeLine(text: string): Promise<void> {
  await write(`${text}\n`);
}

/** Much of it is others' words. */
export function writeJson(value: unknown): Promise<void> {
  return writeLine(visibleJson(JSON.stringify(value)));
}

export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `tributary ... | head`: the reader has seen enough. */
export function endWithReader(): void {
  process.stdout.on('error', endOnBrokenPipe);
  process.stderr.on('error', () => undefined); // nobody is left to tell
}

/** For commands that do more than print. */
export function goOnWithoutReader(): void {
  process.stdout.off('error', endOnBrokenPipe);
  process.stdout.on('error', () => undefined);
}

function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

export function flush(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}
