/** A small pipeline for tests of the test kit: visits, with a column of each landing place and every way to be refused. */
import { dayOf, definePipeline, http, objects, type Pipeline, registered, Reject, table } from 'tributary';
import { jsonb, json, text, type Timestamp, timestampOf, timestamptz } from 'tributary';

export interface Visit {
  readonly id: string;
  readonly at: string;
  readonly data: object;
}

export const subject = 'visits-value';

export const schema = JSON.stringify({
  type: 'object',
  required: ['id', 'at', 'data'],
  properties: { id: { type: 'string' }, at: { type: 'string' }, data: { type: 'object' } },
});

export interface VisitsOptions {
  readonly onInvalid?: 'halt' | 'dead-letter' | 'drop';
  /** What stands in the column `id`. */
  readonly idOf?: (each: Visit) => string;
}

export function visits({ onInvalid = 'dead-letter', idOf = ({ id }) => id }: VisitsOptions = {}): Pipeline {
  return definePipeline<Visit, Visit>({
    name: 'visits',
    source: http.post('/visits'),
    normalise: ({ id, at, data }) => ({ id, at, data }) as Visit,
    verbatim: ['data'],
    schema: registered(subject),
    topic: { name: 'visits', key: ({ id }) => id },
    deadLetterTopic: 'visits.dead.letter',
    process: { transform: (each) => each, onInvalid },
    sinks: [
      table({
        name: 'visits',
        columns: { id: text(), at: timestamptz(), data: jsonb() },
        partitionBy: { column: 'at', every: 'month' },
        row: (each) => ({ id: idOf(each), at: timeOf(each), data: json(each.data) }),
      }),
      objects({ key: (each) => `visits/date=${dayOf(timeOf(each))}` }),
    ],
  });
}

export function visit(id: string): Visit {
  return { id, at: '2026-11-20T12:00:00Z', data: { page: '/' } };
}

function timeOf({ at }: Visit): Timestamp {
  const time = timestampOf(at);
  if (time === undefined) throw new Reject('at', 'expected a time');
  return time;
}
