/** `GET <path>` of each route of an app, as `api/app-routes` answers it. */
import type { Route } from '../../pipeline/routes.ts';
import { type Answer, json, type Operation, text } from './operation.ts';

export function routeOperation(route: Route): Operation {
  const { kind, path } = route;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({ name, in: 'path' as const }));
  const asked = kind === 'json' ? route.parameters.map((name) => ({ name, in: 'query' as const, required: true })) : [];
  const parameters = [...names, ...asked];
  return {
    method: 'get',
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    id: `get${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`,
    tag: 'views',
    ...told[kind],
    ...(parameters.length > 0 && {
      parameters: parameters.map((one) => ({ ...one, description: 'As the app takes it.', schema: text() })),
    }),
  };
}

type Told = Pick<Operation, 'summary' | 'description' | 'access' | 'answers' | 'refusals'>;

const readRefusals = [
  'REQUEST_INVALID',
  'RATE_LIMITED',
  'BUSY',
  'VIEW_BEHIND',
  'STATE_UNAVAILABLE',
  'LOG_UNAVAILABLE',
  'WAREHOUSE_UNAVAILABLE',
  'WAREHOUSE_TABLE_MISSING',
  'WAREHOUSE_DENIED',
] as const;

const told: Readonly<Record<Route['kind'], Told>> = {
  json: {
    summary: 'What the app answers of its views and of the warehouse',
    access: 'source',
    answers: { 200: { description: 'The answer.', content: json({}) } },
    refusals: readRefusals,
  },
  live: {
    summary: 'The same, live',
    description:
      'Server-sent events: the answer as JSON, at once and whenever it has changed. An event `trouble`, with an error as its data, says that it is not up to date. The stream ends when the server does, and when its key is no longer good.',
    access: 'source',
    answers: { 200: eventStream() },
    refusals: readRefusals,
  },
  page: {
    summary: 'A page',
    access: 'everybody',
    answers: {
      200: { description: 'HTML.', content: { 'text/html': text() } },
      304: { description: 'As it was, by If-None-Match.' },
    },
    refusals: [],
  },
};

function eventStream(): Answer {
  return { description: 'A stream that does not end by itself.', content: { 'text/event-stream': text() } };
}
