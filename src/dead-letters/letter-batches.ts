/** Letters in batches: each is decided under one lock and appended together, so a kill loses or keeps a batch whole. */
import type { Letter } from './letters.ts';

const batchLetters = 256;
/** Of events; one that is larger is a batch of its own. */
const batchBytes = 1024 * 1024;

export async function* letterBatches(letters: AsyncIterable<Letter>): AsyncGenerator<readonly Letter[]> {
  let batch: Letter[] = [];
  let bytes = 0;
  for await (const letter of letters) {
    const size = letter.current.length + letter.event.length;
    if (batch.length === batchLetters || (batch.length > 0 && bytes + size > batchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(letter);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
