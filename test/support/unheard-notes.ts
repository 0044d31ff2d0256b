/** The notes pipeline, of files that nothing tells of: below the directories that are watched, which are listed when the program starts, and in an hour. */
import { type App, files } from 'tributary';
import { pipeline as notes } from './notes.ts';

const source = files.inbox({ directories: ['a'], subdirectories: true, settledAfterMs: 4_000, listEveryMs: 3_600_000 });

export const app: App = { pipeline: { ...notes, source } };
