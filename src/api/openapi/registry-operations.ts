/** `/registry`: the schema registry, with Confluent's paths, bodies and error codes (registry/registry-routes.ts). */
import { z } from 'zod';
import { modes } from '../../schemas/administration.ts';
import { compatibilityLevels } from '../../schemas/compatibility/compatibility.ts';
import { largestNumber, schemaRequest } from '../registry/request.ts';
import {
  type Json,
  list,
  object,
  oneOf,
  type Operation,
  type Parameter,
  ref,
  route,
  text,
  whole,
} from './operation.ts';

const registryType = 'application/vnd.schemaregistry.v1+json';

const path = (name: string, description: string, schema: Json): Parameter => ({
  name,
  in: 'path',
  description,
  schema,
});
const query = (name: string, description: string, schema: Json): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
const countSchema: Json = { type: 'integer', minimum: -1, maximum: largestNumber };
const truth = oneOf(['true', 'false']);
const subject = path('subject', 'The name that versions are registered under.', { type: 'string', maxLength: 255 });
/** Of settings: asked for a name that nothing can be registered under, the registry's own answer for it. */
const anySubject: Parameter = { ...subject, schema: { type: 'string', maxLength: 500 } };
const version = path('version', 'A number from 1 on, or `latest`; -1 is the latest too.', {
  anyOf: [{ type: 'integer', minimum: 1, maximum: largestNumber }, { enum: ['latest', '-1'] }],
});
const schemaId = path('id', 'The id of a schema, as events carry it.', { ...whole(), maximum: largestNumber });

/** Query parameters by name. */
const queries = {
  deleted: query('deleted', 'Deleted ones too.', truth),
  deletedOnly: query('deletedOnly', 'Only deleted ones.', truth),
  permanent: query('permanent', 'For good; only what is deleted already.', truth),
  normalize: query('normalize', 'Schemas that mean the same are the same.', truth),
  verbose: query('verbose', 'With the reasons.', truth),
  latestOnly: query('latestOnly', 'The newest version of each subject.', truth),
  defaultToGlobal: query('defaultToGlobal', "The registry's, where the subject has none.", truth),
  fetchMaxId: query('fetchMaxId', 'With the largest id that was given.', truth),
  force: query('force', 'Also where there are versions already.', truth),
  offset: query('offset', 'Without the first so many; -1 for none.', countSchema),
  limit: query('limit', 'So many at most; -1 for all.', countSchema),
  subjectPrefix: query('subjectPrefix', 'Of subjects that begin so.', text()),
  subjectIs: query('subject', 'Of this subject.', text()),
  format: query('format', 'Another form of the schema, as in `resolved` or `serialized`.', text()),
} as const satisfies Readonly<Record<string, Parameter>>;

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly body?: Json;
  readonly answer: Json;
  readonly refusals?: Operation['refusals'];
}

type Method = Operation['method'];

const bodyRefusals = [
  ...(['BODY_INCOMPLETE', 'BODY_CORRUPT', 'BODY_TIMEOUT', 'PACKAGE_TOO_LARGE'] as const),
  ...(['CONTENT_ENCODING_UNSUPPORTED', 'CONTENT_TYPE_UNSUPPORTED'] as const),
];

function operation(method: Method, at: string, id: string, summary: string, described: Described): Operation {
  const { parameters, body, answer, refusals = [] } = described;
  return {
    ...route(method, `/registry${at}`, id, 'schema registry'),
    summary,
    refusalsAs: 'registry',
    ...(parameters && { parameters }),
    ...(body && { body: { content: { [registryType]: body, 'application/json': body } } }),
    answers: { 200: { description: 'Done.', content: { [registryType]: answer, 'application/json': answer } } },
    refusals: [...refusals, ...(body ? bodyRefusals : [])],
  };
}

const page = [queries.offset, queries.limit];
const which = [queries.deleted, queries.deletedOnly];
const unknown = ['SCHEMA_UNKNOWN', 'USAGE'] as const;
const unknownVersion = [...unknown, 'SCHEMA_INVALID'] as const;
const refused = [...unknownVersion, 'SCHEMA_CHANGE_REFUSED'] as const;
const schemaBody = requestSchema();
const level = oneOf(compatibilityLevels);
const mode = oneOf(modes);

const schemaReads: readonly Operation[] = [
  operation('get', '', 'registry', 'Whether it is there', { answer: { type: 'object' } }),
  operation('get', '/contexts', 'list-contexts', 'Contexts of subjects', { answer: list(text()) }),
  operation('get', '/v1/metadata/id', 'registry-metadata', 'By which clients tell registries apart', {
    answer: { type: 'object' },
  }),
  operation('get', '/schemas', 'list-schemas', 'All versions of all subjects', {
    parameters: [...which, queries.latestOnly, queries.subjectPrefix, ...page],
    answer: list(ref('SchemaVersion')),
    refusals: ['USAGE'],
  }),
  operation('get', '/schemas/types', 'list-schema-types', 'Which kinds of schemas it takes', { answer: list(text()) }),
  operation('get', '/schemas/ids/{id}', 'show-schema', 'A schema by its id', {
    parameters: [schemaId, queries.format, queries.fetchMaxId],
    answer: ref('Schema'),
    refusals: unknownVersion,
  }),
  operation('get', '/schemas/ids/{id}/schema', 'show-schema-text', 'A schema by its id, as it is', {
    parameters: [schemaId, queries.format],
    answer: {},
    refusals: unknownVersion,
  }),
  operation('get', '/schemas/ids/{id}/subjects', 'list-subjects-of-schema', 'Subjects that have a schema', {
    parameters: [schemaId, ...which, queries.subjectIs, ...page],
    answer: list(text()),
    refusals: unknown,
  }),
  operation('get', '/schemas/ids/{id}/versions', 'list-versions-of-schema', 'Versions that have a schema', {
    parameters: [schemaId, ...which, queries.subjectIs, ...page],
    answer: list(object({ subject: text(), version: whole() })),
    refusals: unknown,
  }),
];

const subjects: readonly Operation[] = [
  operation('get', '/subjects', 'list-subjects', 'Subjects', {
    parameters: [...which, queries.subjectPrefix, ...page],
    answer: list(text()),
    refusals: ['USAGE'],
  }),
  operation('get', '/subjects/{subject}/versions', 'list-versions', 'Versions of a subject', {
    parameters: [subject, ...which, ...page],
    answer: list(whole()),
    refusals: unknownVersion,
  }),
  operation('get', '/subjects/{subject}/versions/{version}', 'show-version', 'A version of a subject', {
    parameters: [subject, version, ...which, queries.format],
    answer: ref('SchemaVersion'),
    refusals: unknownVersion,
  }),
  operation('get', '/subjects/{subject}/versions/{version}/schema', 'show-version-text', 'A version, as it is', {
    parameters: [subject, version, ...which, queries.format],
    answer: {},
    refusals: unknownVersion,
  }),
  operation(
    'get',
    '/subjects/{subject}/versions/{version}/referencedby',
    'list-referring-schemas',
    'Ids of schemas that refer to a version',
    { parameters: [subject, version], answer: list(whole()), refusals: unknownVersion },
  ),
  operation('post', '/subjects/{subject}', 'find-version', 'The version of a subject that has a schema', {
    parameters: [subject, queries.normalize, ...which],
    body: schemaBody,
    answer: ref('SchemaVersion'),
    refusals: unknownVersion,
  }),
  operation('post', '/subjects/{subject}/versions', 'register-schema', 'Registers a schema', {
    parameters: [subject, queries.normalize],
    body: schemaBody,
    answer: object({ id: whole() }),
    refusals: [...refused, 'SCHEMA_INCOMPATIBLE'],
  }),
  operation('delete', '/subjects/{subject}', 'delete-subject', 'Deletes a subject', {
    parameters: [subject, queries.permanent],
    answer: list(whole()),
    refusals: refused,
  }),
  operation('delete', '/subjects/{subject}/versions/{version}', 'delete-version', 'Deletes a version', {
    parameters: [subject, version, queries.permanent],
    answer: whole(),
    refusals: refused,
  }),
];

const compatibility: readonly Operation[] = [
  operation(
    'post',
    '/compatibility/subjects/{subject}/versions',
    'check-compatibility',
    'Whether a schema could be registered',
    {
      parameters: [subject, queries.verbose, queries.normalize],
      body: schemaBody,
      answer: ref('Compatibility'),
      refusals: unknownVersion,
    },
  ),
  operation(
    'post',
    '/compatibility/subjects/{subject}/versions/{version}',
    'check-compatibility-with-version',
    'Whether a schema is compatible with a version',
    {
      parameters: [subject, version, queries.verbose, queries.normalize],
      body: schemaBody,
      answer: ref('Compatibility'),
      refusals: unknownVersion,
    },
  ),
];

/** Of the registry, and of a subject. */
function settings(at: '' | '/{subject}'): readonly Operation[] {
  const [parameters, of, id] =
    at === '' ? ([[], 'the registry', ''] as const) : ([[anySubject], 'a subject', '-of-subject'] as const);
  const own = [...parameters, ...(at === '' ? [] : [queries.defaultToGlobal])];
  const compatibilityLevel = object({ compatibilityLevel: level });
  return [
    operation('get', `/config${at}`, `show-level${id}`, `The compatibility level of ${of}`, {
      parameters: own,
      answer: compatibilityLevel,
      refusals: unknownVersion,
    }),
    operation('put', `/config${at}`, `set-level${id}`, `Sets the compatibility level of ${of}`, {
      parameters,
      body: object({ compatibility: level }),
      answer: object({ compatibility: level }),
      refusals: refused,
    }),
    operation('delete', `/config${at}`, `reset-level${id}`, `Resets the compatibility level of ${of}`, {
      parameters,
      answer: compatibilityLevel,
      refusals: refused,
    }),
    operation('get', `/mode${at}`, `show-mode${id}`, `The mode of ${of}`, {
      parameters: own,
      answer: object({ mode }),
      refusals: unknownVersion,
    }),
    operation('put', `/mode${at}`, `set-mode${id}`, `Sets the mode of ${of}`, {
      parameters: [...parameters, queries.force],
      body: object({ mode }),
      answer: object({ mode }),
      refusals: refused,
    }),
    operation('delete', `/mode${at}`, `reset-mode${id}`, `Resets the mode of ${of}`, {
      parameters,
      answer: object({ mode }),
      refusals: refused,
    }),
  ];
}

export const registryOperations: readonly Operation[] = [
  ...schemaReads,
  ...subjects,
  ...compatibility,
  ...settings(''),
  ...settings('/{subject}'),
];

function requestSchema(): Json {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(schemaRequest, { io: 'input' });
  return schema;
}

const schemaParts = {
  'schemaType?': oneOf(['JSON', 'PROTOBUF'], 'Avro where it is not there.'),
  'references?': list(object({ name: text(), subject: text(), version: { type: 'integer' } })),
  schema: text('The text of the schema.'),
};

export const registrySchemas: Readonly<Record<string, Json>> = {
  Schema: object({ ...schemaParts, 'maxId?': whole() }),
  SchemaVersion: object({ subject: text(), version: whole(), id: whole(), ...schemaParts }),
  Compatibility: object({ is_compatible: { type: 'boolean' }, 'messages?': list(text()) }),
};
