/**
 * From page to page. Progress is checked, not believed: what an answer promises must agree with what it has. An answer that contradicts
 * itself is asked for again (Passing); one that contradicts the pages before means that the list has changed, and the run starts
 * over (Changed).
 *
 * By offset each page begins with the last item of the one before. It is there, byte for byte, unless items before it came or went: so
 * an item that is in the list all the time is in the run once, whatever happens to others.
 */
import { hash } from 'node:crypto';
import { Fault } from '../../errors.ts';
import type { NumberedPages, OffsetPages, Pull } from '../../pipeline/pulls.ts';
import { describeValue } from '../../schemas/describe-value.ts';
import type { Answer } from './exchange.ts';
import { nextLink } from './link-header.ts';
import { bytesOf, memberAt, type Page, type PulledItem } from './pages.ts';
import { Passing } from './retries.ts';

/** The list is not what it was at an earlier page. */
export class Changed extends Error {
  override readonly name = 'Changed';
}

/** Where a run stands: after so many pages. Kept as JSON. */
export interface Position {
  /** Items of the pages before. */
  readonly had: number;
  /** Number, cursor or address of the next page; of the first one, and by offset, there is none. */
  readonly at?: string | number;
  /** Digest of the last item. */
  readonly last?: string;
  /** How many there are in all, as the first page said. */
  readonly total?: number;
  /** Pages in turn that had no item. */
  readonly empty?: number;
}

/** An API may look through much that it leaves out; more are taken for one that leads on for ever. */
const mostEmptyPages = 1_000;

export const start: Position = { had: 0 };

export interface Turn {
  /** Those that the pages before did not have. */
  readonly items: readonly PulledItem[];
  /** Undefined: that was the last one. */
  readonly next: Position | undefined;
}

interface Turned {
  readonly isMore: boolean;
  readonly at?: string | number;
}

/** @param entity the address without what pages add */
export function pageUrl({ pages }: Pull, position: Position, entity: URL): URL {
  const { had, at } = position;
  if (pages.kind === 'link' && at !== undefined) return new URL(String(at));
  const url = new URL(entity);
  const set = (name: string, value: string | number): void => url.searchParams.set(name, String(value));
  if (pages.kind === 'offset') {
    set(pages.offsetParameter, Math.max(0, had - 1));
    set(pages.limitParameter, pages.limit);
  }
  if (pages.kind === 'page') {
    set(pages.pageParameter, at ?? pages.first);
    set(pages.sizeParameter, pages.size);
  }
  if (pages.kind === 'link' || pages.kind === 'cursor')
    for (const [name, value] of Object.entries(pages.parameters)) set(name, value);
  if (pages.kind === 'cursor' && at !== undefined) set(pages.parameter, at);
  return url;
}

/**
 * Where the next pages probably stand, the next one first: those that the pull may ask for at once. Each is believed only when its turn
 * comes, so that a wrong guess costs a request. @param had items of the page before
 */
export function upcoming({ pages }: Pull, next: Position, had: number): readonly Position[] {
  if ((pages.kind !== 'offset' && pages.kind !== 'page') || next.total === undefined) return [next];
  const step = pages.kind === 'offset' ? had - 1 : had;
  const left = step > 0 ? Math.ceil((next.total - next.had) / step) : 1;
  return Array.from({ length: Math.max(1, Math.min(pages.parallel, left)) }, (_, index) => ({
    ...next,
    had: next.had + index * step,
    ...(next.at !== undefined && { at: Number(next.at) + index }),
  }));
}

/** @throws Passing, Changed; Fault PULL_REFUSED where it would not end */
export function turn(pull: Pull, position: Position, page: Page, answer: Pick<Answer, 'headers'>, url: URL): Turn {
  const total = position.total ?? page.total;
  if (page.total !== total) throw new Changed(`there are ${page.total} items in all, and were ${total}`);
  const items = pull.pages.kind === 'offset' ? withoutOverlap(page.items, position) : page.items;
  const had = position.had + items.length;
  const { isMore, at } = turned(pull, { had, total, page, position, fresh: items.length }, answer, url);
  if (!isMore && total !== undefined && had !== total)
    throw new Changed(`the pages had ${had} items, and there are ${total} in all`);
  if (!isMore) return { items, next: undefined };
  const last = page.items.at(-1);
  const empty = last === undefined ? (position.empty ?? 0) + 1 : undefined;
  if (empty !== undefined && empty > mostEmptyPages)
    throw new Fault('PULL_REFUSED', `pull ${pull.name}: ${mostEmptyPages} pages without an item lead to another one`);
  const next = { had, total, at, empty, last: last === undefined ? position.last : digestOf(last) };
  return { items, next: JSON.parse(JSON.stringify(next)) as Position };
}

interface Found {
  readonly had: number;
  readonly total: number | undefined;
  readonly page: Page;
  readonly position: Position;
  readonly fresh: number;
}

function turned({ pages }: Pull, found: Found, { headers }: Pick<Answer, 'headers'>, url: URL): Turned {
  if (pages.kind === 'one') return { isMore: false };
  if (pages.kind === 'offset') return { isMore: counted(pages, found) };
  if (pages.kind === 'page') return { isMore: counted(pages, found), at: Number(found.position.at ?? pages.first) + 1 };
  if (pages.kind === 'cursor') return moved(memberAt(found.page.said, pages.next), found.position.at);
  return moved(nextLink(headers['link'], url), found.position.at ?? url.href);
}

function counted(pages: OffsetPages | NumberedPages, { had, total, page, position, fresh }: Found): boolean {
  const { said, items } = page;
  const promised = pages.hasMore === undefined ? undefined : memberAt(said, pages.hasMore);
  if (pages.hasMore !== undefined && typeof promised !== 'boolean')
    throw new Passing(`member ${pages.hasMore} of the answer is neither true nor false`);
  const expected = total === undefined ? undefined : had < total;
  if (typeof promised === 'boolean' && expected !== undefined && promised !== expected)
    throw new Passing(`the answer says that there ${promised ? 'are' : 'are no'} more after ${had} of ${total} items`);
  const isMore = typeof promised === 'boolean' ? promised : (expected ?? fresh > 0);
  if (isMore && fresh === 0) throw new Passing(`the answer says that there are more after ${had} items, and has none`);
  if (isMore && pages.kind === 'offset' && pages.nextOffset !== undefined) {
    const next = memberAt(said, pages.nextOffset);
    const right = Math.max(0, position.had - 1) + items.length;
    if (next !== right)
      throw new Passing(`the answer names ${describeValue(next)} as the next offset, where ${right} comes next`);
  }
  return isMore;
}

function moved(next: unknown, at: Position['at']): Turned {
  if (next === undefined || next === null || next === '') return { isMore: false };
  if (typeof next !== 'string' && typeof next !== 'number') throw new Passing('the next cursor is no text');
  if (next === at) throw new Passing('the answer leads to itself');
  return { isMore: true, at: next };
}

function withoutOverlap(items: readonly PulledItem[], { had, last }: Position): readonly PulledItem[] {
  if (had === 0) return items;
  const [first, ...fresh] = items;
  if (first === undefined || digestOf(first) !== last)
    throw new Changed(`the item before offset ${had} is another one than it was`);
  return fresh;
}

function digestOf(item: PulledItem): string {
  return hash('sha256', bytesOf(item), 'base64');
}
