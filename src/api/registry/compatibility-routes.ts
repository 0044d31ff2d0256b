/** `/compatibility`: whether a schema could be registered, and with `?verbose=true` why not. */
import type { FastifyInstance } from 'fastify';
import type { RegistryAdministration } from '../../schemas/administration.ts';
import { problemText } from '../../schemas/registry-fault.ts';
import { json } from './answer.ts';
import { type Asked, flag, schemaBodyOf, subjectOf, versionOf } from './request.ts';

export function compatibilityRoutes(app: FastifyInstance, registry: RegistryAdministration): void {
  app.post(
    '/compatibility/subjects/:subject/versions',
    json((asked) => check(registry, asked, 'all')),
  );
  app.post(
    '/compatibility/subjects/:subject/versions/:version',
    json((asked) => check(registry, asked, versionOf(asked))),
  );
}

async function check(
  registry: RegistryAdministration,
  asked: Asked,
  against: number | 'latest' | 'all',
): Promise<object> {
  const isVerbose = flag(asked, 'verbose');
  flag(asked, 'normalize'); // what it would change makes no difference here
  const { content } = await schemaBodyOf(asked);
  const problems = await registry.problems(subjectOf(asked), content, against);
  return { is_compatible: problems.length === 0, ...(isVerbose && { messages: problems.map(problemText) }) };
}
