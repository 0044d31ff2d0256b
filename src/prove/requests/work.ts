/** What workers do: requests with known content, and reads of the dashboards beside them. */
import { requestTarget } from '../../pipeline/request-line.ts';
import type { Load } from '../load.ts';
import type { Random } from '../random.ts';
import type { Book } from './book.ts';
import { rangePath, readRows, symbolPath, symbols, theseYears } from './dashboard.ts';
import { kinds, readRequest } from './sent-request.ts';

const paths: ReadonlySet<string> = new Set(Object.keys(kinds));

/** One request, until it is taken, or refused where it must be. */
export async function sendRequest(load: Load, book: Book, lines: Iterator<string>): Promise<void> {
  const line = lines.next().value as string;
  const target = requestTarget(line, paths);
  if (target === undefined) throw new Error(`no request: ${line}`);
  const request = readRequest(target);
  if (request) book.begin(request);
  const begunMs = Date.now();
  const { status, text } = await load.deliver({ path: target, final: [200, 400] });
  if ((status === 200) !== (request !== undefined)) load.noteUnexpected(`${status} ${text.slice(0, 200)} to ${target}`);
  else if (request) book.acknowledge({ ...request, answer: text, begunMs, acknowledgedMs: Date.now() });
  else book.refused += 1;
}

/** One read: it shows what was acknowledged and shown before it began, and nothing that nobody sent. */
export async function readDashboard(load: Load, book: Book, random: Random): Promise<void> {
  const isRange = random() < 0.25;
  const of = isRange ? symbols : [symbols[Math.floor(random() * symbols.length)] as string];
  const path = isRange ? rangePath(theseYears(new Date())) : symbolPath(of[0] as string);
  const floors = of.map((symbol) => book.floorOf(symbol));
  const answer = await load.ask(path);
  if (!answer) return void (book.unanswered += 1);
  book.reads += 1;
  try {
    for (const [i, row] of readRows(answer.text, of).entries()) {
      const wrong = book.whyWrong(row, floors[i]!);
      if (wrong !== undefined) load.noteUnexpected(`${path}: ${wrong}`);
    }
  } catch (error) {
    load.noteUnexpected(`${path}: ${(error as Error).message}`);
  }
}
