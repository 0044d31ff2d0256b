/**
 * The OpenAPI 3.1 document of a server: every route with who may use it, what it takes, what it answers, and with which codes of
 * errors.ts it refuses. This is the only place that makes it; that it has exactly the routes of the server is tested
 * (test/api/openapi.test.ts).
 */
import { catalogue, type FaultCode } from '../../errors.ts';
import type { Route } from '../../pipeline/routes.ts';
import { bulkOperations, bulkSchemas, type DescribedBulk } from './bulk-operations.ts';
import { adminOperations } from './admin-operations.ts';
import { adminSchemas } from './admin-schemas.ts';
import { type Answer, type Json, json, object, type Operation, ref, type Refusal, text, whole } from './operation.ts';
import { routeOperation } from './route-operations.ts';
import { registryOperations, registrySchemas } from './registry-operations.ts';
import { serverOperations, serverSchemas } from './server-operations.ts';
import { type DescribedSource, sourceOperations, sourceSchemas } from './source-operations.ts';

export interface Described {
  readonly version: string;
  readonly sources: readonly DescribedSource[];
  /** Tables that take batches. Default none. */
  readonly bulks?: readonly DescribedBulk[];
  /** Of apps. Default none. */
  readonly routes?: readonly Route[];
  /** On loopback requests may come without a credential, until one is set up. */
  readonly isLoopback: boolean;
  /** Then `/registry` only says where it is. Default false. */
  readonly isRegistryElsewhere?: boolean;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: Json;
}

export interface DescribedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Json[];
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}

export interface DescribedAnswer {
  readonly description: string;
  readonly content?: Json;
  readonly headers?: Json;
}

export function openApiDocument(described: Described): OpenApiDocument {
  const { version, sources, bulks = [], routes = [], isLoopback, isRegistryElsewhere = false } = described;
  const ofRegistry = isRegistryElsewhere ? [] : registryOperations;
  const ofApps = [
    ...sources.flatMap(sourceOperations),
    ...bulks.flatMap(bulkOperations),
    ...routes.map(routeOperation),
  ];
  const operations = [...ofApps, ...serverOperations, ...adminOperations, ...ofRegistry];
  const paths: Record<string, Record<string, DescribedOperation>> = {};
  for (const operation of operations)
    (paths[operation.path] ??= {})[operation.method] = describe(operation, isLoopback);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tributary',
      version,
      description:
        'Takes events in, and lands each exactly once in objects and in PostgreSQL. What can be got can also be asked for with HEAD. A path that is not there is 404, one that takes other methods 405, what is no HTTP 400, and a request that is too slow in coming 408.',
    },
    tags: tags.filter(({ name }) => operations.some(({ tag }) => tag === name)),
    paths,
    components: {
      securitySchemes,
      schemas: {
        ...sourceSchemas,
        ...(bulks.length > 0 && bulkSchemas),
        ...serverSchemas,
        ...adminSchemas,
        ...registrySchemas,
        ...refusalSchemas,
      },
    },
  };
}

const tags = [
  { name: 'sources', description: 'Where producers send events.' },
  { name: 'batches', description: 'Where rows go in whole batches, all of them or none.' },
  { name: 'views', description: 'What apps answer of the events that came, and of the warehouse.' },
  { name: 'server', description: 'Health, metrics and this description.' },
  { name: 'dead letters', description: 'Events that could not go on: shown, edited, replayed.' },
  { name: 'files', description: 'Files that pipelines take from directories.' },
  { name: 'replays', description: 'What a pipeline has landed, landed again through the code of today.' },
  { name: 'events', description: 'Where events and packages are by now.' },
  { name: 'topics', description: 'Topics of the log.' },
  { name: 'schema registry', description: "With Confluent's paths, bodies and error codes." },
] as const;

const securitySchemes: Readonly<Record<string, Json>> = {
  accessKey: { type: 'http', scheme: 'bearer', description: 'A key, as `tributary keys add` makes it.' },
  accessKeyHeader: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same key.' },
  adminToken: { type: 'http', scheme: 'bearer', description: 'A token of TRIBUTARY_ADMIN_TOKEN or of its file.' },
};

const refusalSchemas: Readonly<Record<string, Json>> = {
  Refusal: object({
    error: text('A code.'),
    message: text('What happened, and where.'),
    'todo?': text('What to do about it.'),
  }),
  RegistryRefusal: object({
    error_code: { type: 'integer', description: "Confluent's: its first three digits are the status." },
    message: text(),
  }),
};

const securityOf: Readonly<Record<Operation['access'], readonly Json[]>> = {
  everybody: [],
  source: [{ accessKey: [] }, { accessKeyHeader: [] }],
  admin: [{ adminToken: [] }],
};

const guardRefuses: Readonly<Record<Operation['access'], readonly FaultCode[]>> = {
  everybody: [],
  source: ['KEY_REQUIRED', 'KEY_REFUSED', 'FORBIDDEN'],
  admin: ['ADMIN_TOKEN_REQUIRED', 'FORBIDDEN'],
};

const internal: Refusal = { status: 500, error: 'INTERNAL', when: 'An error of ours, in the log lines.' };

function describe(operation: Operation, isLoopback: boolean): DescribedOperation {
  const { id, tag, summary, description, access, parameters, body } = operation;
  const security = securityOf[access];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: isLoopback && security.length > 0 ? [...security, {}] : security,
    ...(parameters && { parameters: parameters.map((one) => ({ ...one, required: one.in === 'path' })) }),
    ...(body && {
      requestBody: {
        ...(body.description !== undefined && { description: body.description }),
        required: body.isOptional !== true,
        content: withSchemas(body.content),
      },
    }),
    responses: responsesOf(operation),
  };
}

function responsesOf(operation: Operation): Record<string, DescribedAnswer> {
  const early = operation.path.includes('{') ? (['URL_INVALID', 'URL_TOO_LONG'] as const) : [];
  const codes = [...guardRefuses[operation.access], ...operation.refusals, ...early, 'HEADERS_TOO_LARGE'] as const;
  const refusals = [...codes, internal].map(refusalOf);
  const byStatus = Object.groupBy(refusals, ({ status }) => status);
  const responses: Record<string, DescribedAnswer> = {};
  for (const [status, ones = []] of Object.entries(byStatus)) responses[status] = refused(operation, ones);
  for (const [status, answer] of Object.entries(operation.answers)) responses[status] = answered(answer);
  return responses;
}

function refusalOf(refusal: FaultCode | Refusal): Refusal {
  if (typeof refusal !== 'string') return refusal;
  const { status, todo } = catalogue[refusal];
  return { status, error: refusal, when: todo };
}

function refused({ refusalsAs }: Operation, refusals: readonly Refusal[]): DescribedAnswer {
  const status = refusals[0]?.status;
  const codes = [...new Set(refusals.map(({ error }) => error))];
  const isRegistry = refusalsAs === 'registry' && status !== catalogue.HEADERS_TOO_LARGE.status;
  const schema = isRegistry
    ? ref('RegistryRefusal')
    : { allOf: [ref('Refusal'), { properties: { error: { enum: codes } } }] };
  return {
    description: refusals.map(({ error, when }) => `\`${error}\`: ${when}`).join('\n\n'),
    content: withSchemas(
      isRegistry ? { 'application/vnd.schemaregistry.v1+json': schema, ...json(schema) } : json(schema),
    ),
    ...headersOf(status),
  };
}

function headersOf(status: number | undefined): { readonly headers?: Json } {
  if (status === 401 || status === 403)
    return { headers: { 'WWW-Authenticate': { description: 'As in RFC 6750.', schema: text() } } };
  if (status === 429 || status === 503)
    return { headers: { 'Retry-After': { description: 'Seconds.', schema: whole() } } };
  return {};
}

function answered({ description, content }: Answer): DescribedAnswer {
  return { description, ...(content && { content: withSchemas(content) }) };
}

function withSchemas(content: Readonly<Record<string, Json>>): Json {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
}
