/** What the dashboards show: of each symbol the initials, and the followups that came for them. */
import { count, first, last, pairs, view } from 'tributary';
import type { Signal } from './signal.ts';

export const bySymbol = view({
  name: 'by-symbol',
  counts: (signal: Signal) => (signal.kind === 'initial' ? { key: signal.symbol, time: signal.time } : undefined),
  measures: {
    count: count(),
    earliest: first(),
    latest: last(),
    followups: pairs({
      by: (signal: Signal) => signal.uuid,
      with: ({ kind }: Signal) => kind === 'followup',
      keptForDays: 30,
    }),
  },
});
