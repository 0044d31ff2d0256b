/**
 * Makes a pipeline of its description, or says what in it is wrong: PIPELINE_INVALID, naming the path and what was
 * expected there. The compiler has checked the types by then; this finds what types cannot say, and what plain JavaScript passes.
 */
import { maxPackageEvents } from '../event/correlation-id.ts';
import { isTopicName, topicNameForm } from '../event/topic-name.ts';
import { Checker } from './checker.ts';
import { checkSinks } from './check-sinks.ts';
import { checkViews } from './check-views.ts';
import { checkFiles } from './check-files.ts';
import { type JsonObject, longestWindowHours, type Pipeline, type PipelineDefinition } from './pipeline.ts';

/** @throws Fault PIPELINE_INVALID */
export function definePipeline<Event extends object, Output extends object>(
  definition: PipelineDefinition<Event, Output>,
): Pipeline {
  check(definition);
  return { normalise: asItIs, verbatim: [], views: [], ...definition };
}

const asItIs = (received: JsonObject): JsonObject => received;

type Member = keyof Pipeline;
const members: readonly Member[] = ['name', 'source', 'schema', 'topic', 'deadLetterTopic', 'process', 'sinks'];
const optionalMembers: readonly Member[] = ['normalise', 'verbatim', 'migrations', 'views'];

function check(definition: unknown): void {
  const root = new Checker(definition, '');
  root.members(members, optionalMembers);
  root
    .at('name')
    .pattern(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, a letter first, at most 63');
  checkSource(root.at('source'));
  checkReceived(root);
  const schema = root.at('schema');
  schema.members(['subject'], ['event']);
  schema.at('subject').text();
  checkTopics(root);
  checkProcessing(root.at('process'));
  checkSinks(root.at('sinks'));
  checkMigrations(root);
  const views = root.at('views');
  if (views.value === undefined) return;
  checkViews(views);
  if (root.at('process').at('deduplicate').value !== undefined)
    views.fail('none: views see events before they are deduplicated');
}

function checkMigrations(root: Checker): void {
  const migrations = root.at('migrations');
  if (migrations.value === undefined) return;
  const isDirectory =
    migrations.value instanceof URL && migrations.value.protocol === 'file:' && migrations.value.pathname.endsWith('/');
  if (!isDirectory) migrations.fail("the URL of a directory: new URL('warehouse/', import.meta.url)");
}

const pathPattern = /^(\/[A-Za-z0-9._~-]+)+$/;

function checkSource(source: Checker): void {
  source.at('kind').oneOf(['http', 'requests', 'files']);
  if (source.at('kind').value === 'files') return checkFiles(source);
  if (source.at('kind').value === 'requests') return checkEndpoints(source);
  source.members(['kind', 'path', 'maxEvents', 'maxPackageBytes'], ['envelope']);
  source.at('path').pattern(pathPattern, 'a path such as /collect');
  source.at('maxEvents').integer(1, maxPackageEvents);
  source.at('maxPackageBytes').integer(1);
  const envelope = source.at('envelope');
  if (envelope.value === undefined) return;
  envelope.members(['events', 'answer']);
  envelope.at('events').text();
  envelope.at('answer').function();
}

function checkEndpoints(source: Checker): void {
  source.members(['kind', 'endpoints']);
  const endpoints = source.at('endpoints').elements(1);
  for (const [index, endpoint] of endpoints.entries()) {
    endpoint.members(['path', 'parameters', 'event', 'answer']);
    const path = endpoint.at('path');
    path.pattern(pathPattern, 'a path such as /signup');
    const first = endpoints.findIndex((one) => one.at('path').value === path.value);
    if (first < index) path.fail(`another path than ${endpoints[first]?.path}.path`);
    endpoint
      .at('parameters')
      .distinct((name) => name.pattern(/^[A-Za-z][\w.-]*$/, 'a letter, then letters, digits, _ . -'));
    endpoint.at('event').function();
    endpoint.at('answer').function();
  }
}

/** What comes in as packages is parsed from text; what comes in as requests is made by its endpoint. */
function checkReceived(root: Checker): void {
  const isMade = root.at('source').at('kind').value === 'requests';
  for (const name of ['normalise', 'verbatim']) {
    const member = root.at(name);
    if (isMade && member.value !== undefined) member.fail('none: the endpoints of the source make the events');
  }
  if (root.at('normalise').value !== undefined) root.at('normalise').function();
  if (root.at('verbatim').value !== undefined) root.at('verbatim').distinct((name) => name.text());
}

function checkTopics(root: Checker): void {
  const topic = root.at('topic');
  topic.members(['name', 'key']);
  topic.at('key').function();
  const deadLetterTopic = root.at('deadLetterTopic');
  for (const name of [topic.at('name'), deadLetterTopic]) if (!isTopicName(name.value)) name.fail(topicNameForm);
  if (deadLetterTopic.value === topic.at('name').value) deadLetterTopic.fail('another topic than topic.name');
}

function checkProcessing(processing: Checker): void {
  processing.members(['transform', 'onInvalid'], ['filter', 'deduplicate', 'batch']);
  processing.at('transform').function();
  processing.at('onInvalid').oneOf(['halt', 'dead-letter', 'drop']);
  if (processing.at('filter').value !== undefined) processing.at('filter').function();
  checkDeduplication(processing.at('deduplicate'));
  const batch = processing.at('batch');
  if (batch.value === undefined) return;
  batch.members([], ['maxBytes', 'flushIntervalMs', 'flushEvents']);
  for (const limit of ['maxBytes', 'flushIntervalMs', 'flushEvents'] as const)
    if (batch.at(limit).value !== undefined) batch.at(limit).integer(1);
}

function checkDeduplication(deduplicate: Checker): void {
  if (deduplicate.value === undefined) return;
  deduplicate.members(['key', 'windowHours']);
  deduplicate.at('key').function();
  deduplicate.at('windowHours').integer(1, longestWindowHours);
}
