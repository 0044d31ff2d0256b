/**
 * The thread that lists, reads and takes files away for the sources of its process (file-reader.ts), and may wait for the disk. Calls one after the other cost it
 * a third of what they cost through Node's pool of threads, where each is handed over and back.
 */
import { parentPort } from 'node:worker_threads';
import { type ListedPage, listFiles } from './list-files.ts';
import { readPage } from './read-page.ts';
import { type Away, takeAway } from './take-away.ts';
import {
  type AskedOfThread,
  type FileToTakeAway,
  type TakenAway,
  packAnswers,
  packPage,
  type ToldByThread,
  unpackFiles,
} from './thread-messages.ts';

const listings = new Map<number, Generator<ListedPage>>();

parentPort?.on('message', (asked: AskedOfThread) => {
  if ('read' in asked) {
    const { id, read, buffer, options } = asked;
    const startedMs = performance.now();
    const answers = readPage(unpackFiles(read), Buffer.from(buffer), options);
    tell({ id, answers: packAnswers(answers), buffer, ms: performance.now() - startedMs }, [buffer]);
  } else if ('list' in asked) {
    const { id, listing, list } = asked;
    const pages = listings.get(listing) ?? listFiles(list);
    listings.set(listing, pages);
    const { value, done } = pages.next();
    if (done) listings.delete(listing);
    tell({ id, page: done ? undefined : packPage(value) }, []);
  } else if ('takeAway' in asked) {
    const { id, takeAway: files, away } = asked;
    tell({ id, takenAway: files.map((file) => takenAway(file, away)) }, []);
  } else {
    listings.get(asked.endOf)?.return(undefined);
    listings.delete(asked.endOf);
  }
});

/** One that cannot be taken away keeps no other from it. */
function takenAway({ candidate, version }: FileToTakeAway, away: Away): TakenAway {
  try {
    return takeAway(candidate, version, away);
  } catch (error) {
    return error as Error;
  }
}

function tell(told: ToldByThread, moved: ArrayBuffer[]): void {
  parentPort?.postMessage(told, moved);
}
