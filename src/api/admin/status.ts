/** `GET /admin/status`: how the server is, in one answer, for `tributary status`. */
import type { FastifyInstance } from 'fastify';
import type { LagRow } from '../../processing/lag.ts';
import type { EventCounts } from '../../telemetry/event-counts.ts';
import type { Health } from '../server.ts';

export interface StatusAnswer extends Health {
  /** For rates: what counts have grown by between two answers. */
  readonly uptimeMs: number;
  readonly lag: readonly StatusLag[];
  /** Since the server began. */
  readonly events: readonly EventCounts[];
  /** Packages on their way into the log. */
  readonly queue: { readonly bytes: number; readonly maxBytes: number };
  /** Of the data directory. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number };
}

/** `behindMs`: null where the oldest record cannot be read. */
export type StatusLag = Omit<LagRow, 'behindMs'> & { readonly behindMs: number | null };

export interface StatusSources {
  readonly health: () => Promise<Health>;
  readonly lag: () => Promise<readonly LagRow[]>;
  readonly events: () => Promise<readonly EventCounts[]>;
  readonly queue: () => StatusAnswer['queue'];
  readonly disk: () => Promise<StatusAnswer['disk']>;
}

export function mountStatus(app: FastifyInstance, sources: StatusSources): void {
  app.get('/admin/status', () => measure(sources));
}

async function measure({ health, lag, events, queue, disk }: StatusSources): Promise<StatusAnswer> {
  const [is, rows, counts, space] = await Promise.all([health(), lag(), events(), disk()]);
  return {
    ...is,
    uptimeMs: Math.round(performance.now()),
    lag: rows.map((row) => ({ ...row, behindMs: Number.isNaN(row.behindMs) ? null : row.behindMs })),
    events: counts,
    queue: queue(),
    disk: space,
  };
}
