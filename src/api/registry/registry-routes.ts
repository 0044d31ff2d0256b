/**
 * The schema registry over HTTP, under `/registry`: paths, bodies, statuses and error codes are those of Confluent's REST
 * interface, so that clients written for that work unchanged.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { RegistryAdministration } from '../../schemas/administration.ts';
import { RegistryFault } from '../../schemas/registry-fault.ts';
import { unknownRoute } from '../answer-error.ts';
import { answerError, json, registryLogs, registryPrefix } from './answer.ts';
import { compatibilityRoutes } from './compatibility-routes.ts';
import type { Asked } from './request.ts';
import { schemaRoutes } from './schema-routes.ts';
import { settingsRoutes } from './settings-routes.ts';
import { subjectRoutes } from './subject-routes.ts';

export interface RegistryRoutesOptions {
  readonly registry: RegistryAdministration;
  readonly logger: Logger;
}

/** The instance must hand bodies over unread (see api/server.ts). */
export function mountRegistry(app: FastifyInstance, { registry, logger }: RegistryRoutesOptions): void {
  const logs = registryLogs(logger);
  void app.register(
    (scope, _options, done) => {
      scope.setErrorHandler((error, request, reply) =>
        answerError(request.is404 ? unknown(request, reply) : error, request as Asked, reply, logs),
      );
      scope.setNotFoundHandler((request, reply) => {
        throw unknown(request, reply);
      });
      scope.addHook('onRequest', async (request) => checkContentType(request as Asked));
      scope.get(
        '/',
        json(async () => ({})),
      );
      scope.get(
        '/contexts',
        json(async () => contextsOf(await registry.subjects('all'))),
      );
      scope.get(
        '/v1/metadata/id',
        json(async () => metadata),
      );
      for (const mount of [subjectRoutes, schemaRoutes, compatibilityRoutes, settingsRoutes]) mount(scope, registry);
      done();
    },
    { prefix: registryPrefix },
  );
}

/** In the words of Confluent's. */
function unknown(request: FastifyRequest, reply: FastifyReply): RegistryFault {
  const { code, status, message } = unknownRoute(request, reply);
  return new RegistryFault(code, status, `HTTP ${status} ${STATUS_CODES[status]}: ${message}`);
}

/** As clients use them to tell registries apart. */
const metadata = {
  scope: { path: [], clusters: { 'kafka-cluster': 'tributary', 'schema-registry-cluster': 'schema-registry' } },
  id: '',
};

/** The default one is `.`. */
function contextsOf(subjects: readonly string[]): readonly string[] {
  const named = subjects.flatMap((subject) => /^:(\.[^:]+):/.exec(subject)?.[1] ?? []);
  return [...new Set(['.', ...named])].toSorted();
}

const jsonTypes = /^application\/(json|octet-stream|[\w.-]+\+json)\s*(;|$)/i;

/** Fastify would refuse in other words what is no media type at all. */
function checkContentType({ raw: { headers }, method }: Asked): void {
  const type = headers['content-type'];
  delete headers['content-type'];
  if (type === undefined || method === 'GET' || method === 'DELETE' || jsonTypes.test(type)) return;
  throw new RegistryFault('CONTENT_TYPE_UNSUPPORTED', 415, 'HTTP 415 Unsupported Media Type: send JSON');
}
