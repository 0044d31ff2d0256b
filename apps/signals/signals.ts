/**
 * Two small requests of a client, each kept as an event of its own, and live counts of them: by symbol, and by symbol and time.
 */
import { type App, dayOf, definePipeline, http, objects, registered } from 'tributary';
import { bySymbol } from './by-symbol.ts';
import { dashboard } from './dashboard.ts';
import { generateSignals } from './generate.ts';
import { answer, followup, initial } from './requests.ts';
import type { Signal } from './signal.ts';

export const pipeline = definePipeline<Signal, Signal>({
  name: 'signals',
  source: http.requests([
    { path: '/initial', parameters: ['uuid', 'symbol'], event: initial, answer },
    { path: '/followup', parameters: ['uuid'], event: followup, answer },
  ]),
  schema: registered('signals.raw-value'),
  topic: { name: 'signals.raw', key: (signal) => signal.uuid },
  deadLetterTopic: 'signals.dead.letter',
  process: { transform: (signal) => signal, onInvalid: 'dead-letter' },
  sinks: [objects({ key: (signal) => `signals/date=${dayOf(signal.time)}` })],
  views: [bySymbol],
});

export const app = { pipeline, routes: dashboard, generate: generateSignals } satisfies App;
