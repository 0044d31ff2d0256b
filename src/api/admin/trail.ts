/**
 * Where events are by now:
 *
 *   GET /admin/events/<id>     by a correlation id, or an id that the producer gave
 *   GET /admin/packages/<id>   what has become of a package
 */
import type { FastifyInstance } from 'fastify';
import { Fault } from '../../errors.ts';
import { isCorrelationId } from '../../event/correlation-id.ts';
import { findEvents } from '../../trail/find-events.ts';
import { packageTrail } from '../../trail/package-trail.ts';
import type { TrailOptions } from '../../trail/trail.ts';

export function mountTrail(app: FastifyInstance, options: TrailOptions): void {
  app.get<{ Params: { id: string } }>('/admin/events/:id', ({ params: { id } }) => findEvents(options, id));
  app.get<{ Params: { id: string } }>('/admin/packages/:id', ({ params: { id } }) => {
    const packageId = id.toLowerCase();
    if (!isCorrelationId(packageId)) throw new Fault('EVENT_UNKNOWN', `${JSON.stringify(id)} is no id of a package`);
    return packageTrail(options, packageId);
  });
}
