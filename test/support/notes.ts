/**
 * A pipeline of files for tests: notes from directories, with every way to be refused by what the text is. The project's program runs it
 * where the configuration names this file.
 */
import { type App, definePipeline, files, objects, registered, Reject } from 'tributary';

export interface Note {
  readonly id: string;
  readonly text: string;
  readonly file: string;
  readonly time: string;
}

export const subject = 'notes-value';

/** A text longer than 40 characters is not of the schema. */
export const schema = JSON.stringify({
  type: 'object',
  required: ['id', 'text', 'file', 'time'],
  properties: {
    id: { type: 'string' },
    text: { type: 'string', maxLength: 40 },
    file: { type: 'string' },
    time: { type: 'string' },
  },
});

export const pipeline = definePipeline<Note, Note>({
  name: 'notes',
  source: files.inbox({ directories: ['inbox/a', 'inbox/b'], settledAfterMs: 300, listEveryMs: 200 }),
  normalise: (event, { file = '', time }) => {
    if (event['text'] === 'none') throw new Reject('text', 'expected a text');
    return { id: String(event['id']), text: String(event['text']), file, time };
  },
  schema: registered(subject),
  topic: { name: 'notes', key: ({ id }) => id },
  deadLetterTopic: 'notes.dead.letter',
  process: {
    transform: (note) => {
      if (note.text === 'late') throw new Reject('text', 'expected one in time');
      return note;
    },
    onInvalid: 'dead-letter',
  },
  sinks: [objects({ key: () => 'notes' })],
});

export const app: App = { pipeline };
