/** `tributary dead-letters show`: one, with the event as it was received, and what has been done about it. */
import { isUtf8 } from 'node:buffer';
import { isoTime, letterJson, stateOf } from '../../dead-letters/letter-json.ts';
import type { Letter } from '../../dead-letters/letters.ts';
import type { ConfigOptions } from '../options.ts';
import { tell, write, writeJson, writeLine } from '../output.ts';
import { errorLine } from '../report-error.ts';
import { visible } from '../visible.ts';
import { withLetters } from './open-letters.ts';

export interface ShowOptions extends ConfigOptions {
  readonly json?: true;
}

export function show(correlationId: string, options: ShowOptions): Promise<void> {
  return withLetters(options, async (letters) => {
    for await (const letter of letters.find({ ids: [correlationId.toLowerCase()] })) {
      if (options.json) return writeJson(letterJson(letter));
      await writeLine(`${about(letter)}\n\nas received:`);
      await write(shownEvent(letter.event));
      if (letter.current !== letter.event) {
        await write('\n\nas edited:\n');
        await write(shownEvent(letter.current));
      }
      return write('\n');
    }
    tell(
      errorLine(
        `there is no dead letter ${JSON.stringify(correlationId)}. tributary dead-letters list shows those that are.`,
      ),
    );
    process.exitCode = 1;
  });
}

/** Of what is no text, and to the last byte of what is, `--json` has all. */
function shownEvent(bytes: Buffer): string {
  if (!isUtf8(bytes)) return `base64:${bytes.toString('base64')}`;
  return bytes.toString().replaceAll(/[^\n\t]+/g, (part) => visible(part));
}

function about(letter: Letter): string {
  const { correlationId, packageId, index, receivedAt, at, pipeline, file, path, message, origin, status } = letter;
  const rows: (readonly [string, string | number])[] = Object.entries({
    correlationId,
    packageId,
    index,
    receivedAt,
    pipeline,
    ...(file !== undefined && { file }),
    at,
    path,
    message,
    state: stateOf(status),
  });
  if (origin) rows.push(['record', `${origin.topic}-${origin.partition} @ ${origin.offset}`]);
  for (const { timeMs } of status?.edits ?? []) rows.push(['edited', isoTime(timeMs)]);
  for (const { timeMs, as } of status?.replays ?? [])
    rows.push(['replayed', `${isoTime(timeMs)} as ${as}${as === status?.refusedReplay ? ', refused again' : ''}`]);
  return rows.map(([name, value]) => `${`${name}:`.padEnd(15)}${visible(String(value))}`).join('\n');
}
