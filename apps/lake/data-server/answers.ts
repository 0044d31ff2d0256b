/** What the API answers when nothing goes wrong, with the ways of the real one. */
import type { MadeData } from './made-data.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const most = 200;

export function answer({ pathname, searchParams }: URL, data: MadeData, nowMs: number): ApiAnswer {
  if (pathname === '/api/users') return usersPage(data, searchParams);
  if (pathname === '/api/content') {
    const { content } = data;
    return ok({ count: content.length, total_content: content.length, content });
  }
  if (pathname === '/api/events') {
    const count = Math.min(most, wholeNumber(searchParams.get('count'), 10));
    const events = Array.from({ length: count }, () => data.event(nowMs));
    return ok({ count, events });
  }
  return { status: 404, body: { error: 'Not Found' } };
}

/** `limit=0` promises more for ever. */
function usersPage({ users }: MadeData, parameters: URLSearchParams): ApiAnswer {
  const offset = wholeNumber(parameters.get('offset'), 0);
  const limit = Math.min(most, wholeNumber(parameters.get('limit'), 100));
  if (Number.isNaN(limit) || Number.isNaN(offset) || offset >= Math.max(1, users.length))
    return { status: 400, body: { error: 'offset or limit outside of the list' } };
  const page = users.slice(offset, offset + limit);
  const has_more = offset + limit < users.length;
  const next_offset = has_more ? offset + limit : -1;
  return ok({ count: page.length, has_more, limit, next_offset, offset, total_users: users.length, users: page });
}

function ok(body: ApiAnswer['body']): ApiAnswer {
  return { status: 200, body };
}

function wholeNumber(text: string | null, otherwise: number): number {
  if (text === null) return otherwise;
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}
