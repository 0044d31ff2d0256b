/** Pages of a run, one after the other: asked for ahead of their turn, checked against those before in their turn, and kept. */
import { setImmediate } from 'node:timers/promises';
import type { Pull } from '../../pipeline/pulls.ts';
import type { ApiClient } from './api-client.ts';
import type { Answer } from './exchange.ts';
import type { OnRepeat } from './page-table.ts';
import { PagesAhead } from './pages-ahead.ts';
import { type Page, type PulledItem, readPage } from './pages.ts';
import { Changed, pageUrl, type Position, type Turn, turn, upcoming } from './paging.ts';
import { itemReader, type ReadItem } from './pulled-items.ts';
import { Passing } from './retries.ts';
import type { Run } from './run.ts';
import type { KeptPage, OpenRun, RunStore } from './run-store.ts';

interface AnsweredPage {
  readonly page: Page;
  readonly answer: Answer;
}

interface TurnedPage extends Turn {
  readonly page: Page;
}

export interface FetchingParts {
  readonly pull: Pull;
  readonly store: RunStore;
  readonly client: ApiClient;
  /** After each page. Must not throw. */
  readonly onTurned: (run: Run) => void;
}

export class Fetching {
  readonly #parts: FetchingParts;
  readonly #read: (item: PulledItem) => ReadItem;
  readonly #ahead: PagesAhead<AnsweredPage>;

  /** @throws Fault PIPELINE_INVALID */
  constructor(parts: FetchingParts) {
    const { pull, client } = parts;
    this.#parts = parts;
    this.#read = itemReader(pull);
    this.#ahead = new PagesAhead((url, signal) => client.get(url, (answer) => answered(pull, answer), signal));
  }

  /** @throws Changed, NoSuchPage; Fault and the signal's reason as `ApiClient` does */
  async nextPage(run: OpenRun): Promise<OpenRun> {
    const { pull, store, onTurned } = this.#parts;
    try {
      const { items, next, page } = await this.#turnedPage(run);
      const wanted = next ? upcoming(pull, next, page.items.length) : [];
      this.#ahead.want(wanted.map((position) => this.#url(run, position)));
      if (next) await setImmediate(); // they are sent, and answered while this one is kept
      const about = { next, total: page.total, onRepeat: onRepeat(pull), ...stretchOf(pull, run) };
      const kept = store.keepPage(run, { items: items.map(this.#read), ...about });
      onTurned(kept);
      return kept;
    } catch (error) {
      this.#ahead.want([]);
      throw error;
    }
  }

  /** What was asked for before its turn and contradicts the pages before is asked for once more, now that it is its turn. */
  async #turnedPage(run: OpenRun): Promise<TurnedPage> {
    const { pull, client } = this.#parts;
    const url = this.#url(run, run.position);
    const turned = ({ page, answer }: AnsweredPage): TurnedPage => ({
      ...turn(pull, run.position, page, answer, url),
      page,
    });
    try {
      const asked = this.#ahead.take(url);
      if (asked) return turned(await asked);
    } catch (error) {
      if (!(error instanceof Passing || error instanceof Changed)) throw error;
    }
    return client.get(url, (answer) => turned(answered(pull, answer)));
  }

  #url(run: Run, position: Position): URL {
    const { pull, client } = this.#parts;
    return pageUrl(pull, position, entityUrl(pull, client.base, run));
  }
}

/** By offset and number a list that does not change has each item once. */
export function onRepeat({ pages }: Pull): OnRepeat {
  return pages.kind === 'cursor' || pages.kind === 'link' ? 'replace' : 'changed';
}

/** A time that is yet to come is wrong, and all that changes until then would not be asked for. */
function stretchOf({ incremental }: Pull, { startedAt }: Run): Pick<KeptPage, 'overlap' | 'most'> {
  const most = incremental?.type === 'time' ? Date.parse(startedAt) : Infinity;
  return { overlap: incremental?.overlap, most };
}

function answered(pull: Pull, answer: Answer): AnsweredPage {
  return { page: readPage(answer.body, pull), answer };
}

function entityUrl({ path, incremental }: Pull, base: URL, { since }: Run): URL {
  const url = new URL(path, base);
  if (incremental && since !== null) {
    const text = incremental.type === 'time' ? new Date(Math.floor(since)).toISOString() : String(since);
    url.searchParams.set(incremental.parameter, text);
  }
  return url;
}
