/** What a route's own function answers to a request, as JSON text. What it rejects is a refusal that names the place. */
import { Fault } from '../../errors.ts';
import { Reject } from '../../event/reject.ts';
import type { JsonRoute, LiveRoute, RouteRequest, Sql } from '../../pipeline/routes.ts';
import type { ReadView } from '../../pipeline/views.ts';

/** What routes are answered from. */
export interface Answering {
  /** Views of the app's pipeline. */
  readonly read: ReadView;
  /** The warehouse. */
  readonly sql: Sql;
}

/** @throws Fault REQUEST_INVALID, and what reading views and the warehouse throws */
export async function answerRoute(
  { answer }: JsonRoute | LiveRoute,
  request: RouteRequest,
  { read, sql }: Answering,
): Promise<string> {
  try {
    return JSON.stringify((await answer(request, read, sql)) ?? null);
  } catch (error) {
    if (!(error instanceof Reject)) throw error;
    const place = error.path === '' ? '' : `${error.path}: `;
    throw new Fault('REQUEST_INVALID', `${place}${error.message}`, { cause: error });
  }
}
