/** `/subjects`: what is registered under which name; registering, looking up, deleting. */
import type { FastifyInstance } from 'fastify';
import type { RegistryAdministration, SchemaVersion } from '../../schemas/administration.ts';
import { schemaUnknown, subjectUnknown } from '../../schemas/registry-fault.ts';
import { formattedText } from '../../schemas/schema-text.ts';
import { json, schemaAnswer, text } from './answer.ts';
import { type Asked, count, flag, queryText, schemaBodyOf, subjectOf, versionOf, whichOf } from './request.ts';

export function subjectRoutes(app: FastifyInstance, registry: RegistryAdministration): void {
  app.get(
    '/subjects',
    json(async (asked) => page(asked, (await registry.subjects(whichOf(asked))).filter(hasPrefix(asked)))),
  );
  app.get(
    '/subjects/:subject/versions',
    json(async (asked) => page(asked, await versionNumbers(registry, asked))),
  );
  app.get(
    '/subjects/:subject/versions/:version',
    json(async (asked) => versionAnswer(registry, asked, await versionAsked(registry, asked))),
  );
  app.get(
    '/subjects/:subject/versions/:version/schema',
    text(async (asked) => formatted(registry, asked, await versionAsked(registry, asked))),
  );
  app.get(
    '/subjects/:subject/versions/:version/referencedby',
    json((asked) => registry.referencedBy(subjectOf(asked), versionOf(asked))),
  );
  app.post(
    '/subjects/:subject',
    json((asked) => lookUp(registry, asked)),
  );
  app.post(
    '/subjects/:subject/versions',
    json((asked) => register(registry, asked)),
  );
  app.delete(
    '/subjects/:subject',
    json((asked) => registry.deleteSubject(subjectOf(asked), flag(asked, 'permanent'))),
  );
  app.delete(
    '/subjects/:subject/versions/:version',
    json((asked) => registry.deleteVersion(subjectOf(asked), versionOf(asked), flag(asked, 'permanent'))),
  );
}

/** `:*:` is every context. */
export function hasPrefix(asked: Asked): (subject: string) => boolean {
  const prefix = queryText(asked, 'subjectPrefix').replace(/^:\*:/, '');
  return (subject) => subject.startsWith(prefix);
}

export function page<Item>(asked: Asked, items: readonly Item[]): readonly Item[] {
  const offset = count(asked, 'offset', 0);
  return items.slice(offset, offset + count(asked, 'limit', Infinity));
}

export async function formatted(
  registry: RegistryAdministration,
  asked: Asked,
  version: SchemaVersion,
): Promise<string> {
  const format = queryText(asked, 'format');
  return format === '' ? version.schema : formattedText(version, format, await registry.referenced(version));
}

function versionAsked(registry: RegistryAdministration, asked: Asked): Promise<SchemaVersion> {
  return registry.version(subjectOf(asked), versionOf(asked), whichOf(asked));
}

async function versionAnswer(registry: RegistryAdministration, asked: Asked, found: SchemaVersion): Promise<object> {
  const { subject, version, id } = found;
  return { subject, version, id, ...schemaAnswer(found, await formatted(registry, asked, found)) };
}

async function versionNumbers(registry: RegistryAdministration, asked: Asked): Promise<readonly number[]> {
  const versions = await registry.versions(subjectOf(asked), whichOf(asked));
  if (versions.length === 0) throw subjectUnknown(subjectOf(asked));
  return versions.map(({ version }) => version);
}

async function lookUp(registry: RegistryAdministration, asked: Asked): Promise<object> {
  const subject = subjectOf(asked);
  const isNormal = flag(asked, 'normalize');
  const { content } = await schemaBodyOf(asked);
  const which = whichOf(asked);
  if ((await registry.versions(subject, which)).length === 0) throw subjectUnknown(subject);
  const found = await registry.find(subject, content, { which, normalize: isNormal });
  if (!found) throw schemaUnknown(`of that text under subject '${subject}'`);
  return versionAnswer(registry, asked, found);
}

async function register(registry: RegistryAdministration, asked: Asked): Promise<object> {
  const normalize = flag(asked, 'normalize');
  const { content, id, version } = await schemaBodyOf(asked);
  const registered = await registry.register(subjectOf(asked), content, { normalize, id, version });
  return { id: registered.id };
}
