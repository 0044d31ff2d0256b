/** What every server answers, whatever runs on it. */
import { json, object, oneOf, type Operation, ref, text, type Json } from './operation.ts';

const tag = 'server';

export const serverOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/ping',
    id: 'ping',
    tag,
    summary: 'Answers while the process lives',
    access: 'everybody',
    answers: { 200: { description: 'It lives.', content: json(object({ status: oneOf(['ok']) })) } },
    refusals: [],
  },
  {
    method: 'get',
    path: '/health/live',
    id: 'health-live',
    tag,
    summary: 'Whether the process lives',
    access: 'everybody',
    answers: { 200: { description: 'It lives.', content: json(object({ status: oneOf(['live']) })) } },
    refusals: [],
  },
  {
    method: 'get',
    path: '/health/ready',
    id: 'health-ready',
    tag,
    summary: 'Whether a package would be taken now',
    access: 'everybody',
    answers: {
      200: { description: 'It would.', content: json(ref('Health')) },
      503: { description: 'It would not, or the server drains.', content: json(ref('Health')) },
    },
    refusals: [],
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    tag,
    summary: 'Metrics as Prometheus reads them',
    access: 'admin',
    answers: { 200: { description: 'In the text format 0.0.4.', content: { 'text/plain': text() } } },
    refusals: ['LOG_ROTTEN'],
  },
  {
    method: 'get',
    path: '/openapi.json',
    id: 'openapi',
    tag,
    summary: 'This description',
    access: 'admin',
    answers: { 200: { description: 'OpenAPI 3.1.', content: json({ type: 'object' }) } },
    refusals: [],
  },
  {
    method: 'get',
    path: '/docs',
    id: 'docs',
    tag,
    summary: 'This description as a page to read',
    access: 'admin',
    answers: { 200: { description: 'A page without scripts.', content: { 'text/html': text() } } },
    refusals: [],
  },
];

export const serverSchemas: Readonly<Record<string, Json>> = {
  Health: object({
    status: oneOf(['ready', 'not ready', 'draining']),
    parts: { type: 'object', description: 'How each part is, in words.', additionalProperties: { type: 'string' } },
  }),
};
