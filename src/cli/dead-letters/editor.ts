/** The user's editor: VISUAL, EDITOR or vi, as a shell reads it, so that `code --wait` and quoted paths work. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Resolves with the exit code, or with the signal's name, when it has ended. The file's name never becomes shell text. */
export async function openEditor(file: string): Promise<number | string> {
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi';
  // standard output may be a pipe that nobody edits in; where there is a terminal, standard error is it
  const child = spawn('/bin/sh', ['-c', `${editor} "$@"`, editor, file], { stdio: ['inherit', 2, 'inherit'] });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? 'no exit code';
}
