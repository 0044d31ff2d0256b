/**
 * `tributary dead-letters edit <id>`: opens the event in the editor and hands what was saved to the running server. Unchanged:
 * nothing is done. What cannot be taken stays in its file, so that no work is lost.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jsonErrorAt } from '../../event/json-syntax.ts';
import { parseExact, stringifyExact } from '../../event/exact-json.ts';
import { tell } from '../output.ts';
import { errorLine } from '../report-error.ts';
import { ask } from '../server/ask-server.ts';
import { reachServer, type ServerOptions } from '../server/reach-server.ts';
import { openEditor } from './editor.ts';

interface LetterAnswer {
  readonly state: 'open' | 'edited' | 'replayed';
  readonly edits: readonly unknown[];
  readonly replays: readonly { readonly at: string; readonly correlationId: string }[];
  readonly event?: string;
  readonly eventBase64?: string;
  readonly edited?: string;
}

export async function edit(id: string, options: ServerOptions): Promise<void> {
  const server = await reachServer(options);
  const path = `/admin/dead-letters/${encodeURIComponent(id)}`;
  const letter = (await ask(server, 'GET', path)) as LetterAnswer;
  if (letter.state === 'replayed') {
    const last = letter.replays.at(-1);
    return fail(
      `the dead letter ${id} was replayed at ${last?.at}, as ${last?.correlationId}; it cannot be edited any more.`,
    );
  }
  const before = readable(letter);
  const file = join(await mkdtemp(join(tmpdir(), 'tributary-edit-')), `${id}.json`);
  await writeFile(file, before, { mode: 0o600 });
  const ended = await openEditor(file);
  if (ended !== 0) return fail(`the editor ended with ${ended}: nothing was done. The text is in ${file}.`);
  const after = await readFile(file);
  if (after.equals(before)) {
    await rm(dirname(file), { recursive: true });
    return tell('The event is unchanged: nothing was done.');
  }
  const put = (event: string): Promise<unknown> => ask(server, 'PUT', path, { event, edits: letter.edits.length });
  await save(put, after, file);
}

async function save(put: (event: string) => Promise<unknown>, text: Buffer, file: string): Promise<void> {
  const errorAt = jsonErrorAt(text);
  if (errorAt !== undefined) {
    const line = text.subarray(0, errorAt).toString('latin1').split('\n').length;
    return fail(`this is no JSON, from line ${line} on: nothing was done. The text is in ${file}.`);
  }
  try {
    await put(compact(text));
  } catch (error) {
    tell(`The text is in ${file}.`);
    throw error;
  }
  await rm(dirname(file), { recursive: true });
  tell('Edited. tributary dead-letters replay shows what would become of it now.');
}

/** As it stands, with a member a line where it is JSON. */
function readable({ event, eventBase64, edited }: LetterAnswer): Buffer {
  if (eventBase64 !== undefined && edited === undefined) return Buffer.from(eventBase64, 'base64');
  const text = edited ?? event ?? '';
  try {
    return Buffer.from(`${stringifyExact(parseExact(text), 2)}\n`);
  } catch {
    return Buffer.from(text); // what is no JSON is edited as it is
  }
}

function compact(text: Buffer): string {
  try {
    return stringifyExact(parseExact(text.toString()));
  } catch (error) {
    if (error instanceof RangeError) return text.toString(); // too many levels to be parsed
    throw error;
  }
}

function fail(message: string): void {
  tell(errorLine(message));
  process.exitCode = 1;
}
