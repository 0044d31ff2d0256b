/** `/schemas`: by id, whatever the subject. */
import type { FastifyInstance } from 'fastify';
import type { RegistryAdministration, SchemaVersion } from '../../schemas/administration.ts';
import { schemaUnknown } from '../../schemas/registry-fault.ts';
import { json, schemaAnswer, text } from './answer.ts';
import { type Asked, flag, idOf, queryText, whichOf } from './request.ts';
import { formatted, hasPrefix, page } from './subject-routes.ts';

export function schemaRoutes(app: FastifyInstance, registry: RegistryAdministration): void {
  app.get(
    '/schemas',
    json((asked) => list(registry, asked)),
  );
  app.get(
    '/schemas/types',
    json(async () => ['JSON', 'PROTOBUF', 'AVRO']),
  );
  app.get(
    '/schemas/ids/:id',
    json(async (asked) => {
      const [found] = await versionsAsked(registry, asked);
      const answer = schemaAnswer(found, await formatted(registry, asked, found));
      return flag(asked, 'fetchMaxId') ? { ...answer, maxId: await registry.maxId() } : answer;
    }),
  );
  app.get(
    '/schemas/ids/:id/schema',
    text(async (asked) => formatted(registry, asked, (await versionsAsked(registry, asked))[0])),
  );
  app.get(
    '/schemas/ids/:id/subjects',
    json(async (asked) => {
      const subjects = (await usesOf(registry, asked)).map(({ subject }) => subject);
      return page(asked, [...new Set(subjects)]);
    }),
  );
  app.get(
    '/schemas/ids/:id/versions',
    json(async (asked) => {
      const uses = await usesOf(registry, asked);
      return page(
        asked,
        uses.map(({ subject, version }) => ({ subject, version })),
      );
    }),
  );
}

/** Deleted ones too: who has the id has events of it. */
async function versionsAsked(
  registry: RegistryAdministration,
  asked: Asked,
): Promise<readonly [SchemaVersion, ...SchemaVersion[]]> {
  const id = idOf(asked);
  const [first, ...others] = await registry.versionsOfId(id, 'all');
  if (!first) throw schemaUnknown(String(id));
  return [first, ...others];
}

async function usesOf(registry: RegistryAdministration, asked: Asked): Promise<readonly SchemaVersion[]> {
  const which = whichOf(asked);
  const subject = queryText(asked, 'subject');
  const uses = await versionsAsked(registry, asked);
  return uses.filter(
    (one) => (which === 'all' || one.isDeleted === (which === 'deleted')) && [one.subject, ''].includes(subject),
  );
}

async function list(registry: RegistryAdministration, asked: Asked): Promise<readonly object[]> {
  const which = whichOf(asked);
  const isLatestOnly = flag(asked, 'latestOnly');
  const found: SchemaVersion[] = [];
  for (const subject of (await registry.subjects(which)).filter(hasPrefix(asked))) {
    const versions = await registry.versions(subject, which);
    found.push(...(isLatestOnly ? versions.slice(-1) : versions));
  }
  return page(asked, found).map((one) => {
    const { subject, version, id, schema } = one;
    return { subject, version, id, ...schemaAnswer(one, schema) };
  });
}
