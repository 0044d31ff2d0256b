/** What a route's own function answers to a request, as JSON text. What it rejects is a refusal that names the place. */
import { Fault } from '../../errors.ts';
import { Reject } from '../../event/reject.ts';
import type { JsonRoute, LiveRoute, RouteRequest } from '../../pipeline/routes.ts';
import type { ReadView } from '../../pipeline/views.ts';

/** @throws Fault REQUEST_INVALID, and what reading views throws */
export async function answerRoute(
  { answer }: JsonRoute | LiveRoute,
  path: RouteRequest['path'],
  read: ReadView,
): Promise<string> {
  try {
    return JSON.stringify((await answer({ path }, read)) ?? null);
  } catch (error) {
    if (!(error instanceof Reject)) throw error;
    const place = error.path === '' ? '' : `${error.path}: `;
    throw new Fault('REQUEST_INVALID', `${place}${error.message}`, { cause: error });
  }
}
