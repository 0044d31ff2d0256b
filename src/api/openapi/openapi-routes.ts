/** `GET /openapi.json` and `GET /docs`, made once: what they tell does not change while the server runs. */
import type { FastifyInstance } from 'fastify';
import { docsHeaders, docsPage } from './docs-page.ts';
import { type Described, openApiDocument } from './document.ts';

export function mountOpenApi(app: FastifyInstance, described: Described): void {
  const document = openApiDocument(described);
  const json = JSON.stringify(document);
  const page = docsPage(document);
  app.get('/openapi.json', async (_request, reply) =>
    reply.header('content-type', 'application/json; charset=utf-8').send(json),
  );
  app.get('/docs', async (_request, reply) => reply.headers(docsHeaders).send(page));
}
