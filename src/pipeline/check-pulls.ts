/** A pull in a definition. */
import { Cron } from 'croner';
import { Checker } from './checker.ts';

const required = ['name', 'base', 'path', 'key'];
const optional = [
  'auth',
  'items',
  'count',
  'total',
  'pages',
  'schema',
  'transform',
  'incremental',
  'schedule',
  'maxRequestsPerSecond',
  'timeouts',
  'attempts',
  'maxPageBytes',
];
/** Each has a page in memory. */
const mostParallel = 64;
const dayMs = 24 * 3_600_000;

/** @throws Fault PIPELINE_INVALID */
export function checkPull(definition: unknown): void {
  const root = new Checker(definition, '');
  root.members(required, optional);
  root.at('name').pattern(/^[a-z][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, _ and -, a letter first, at most 63');
  checkText(root.at('base'));
  root.at('path').text();
  root.at('key').function();
  for (const name of ['items', 'count', 'total', 'schedule']) if (isGiven(root.at(name))) root.at(name).text();
  if (isGiven(root.at('transform'))) root.at('transform').function();
  if (isGiven(root.at('schema'))) root.at('schema').names(0);
  if (isGiven(root.at('schedule'))) checkSchedule(root.at('schedule'));
  if (isGiven(root.at('auth'))) checkAuth(root.at('auth'));
  if (isGiven(root.at('pages'))) checkPages(root.at('pages'), isGiven(root.at('total')));
  if (isGiven(root.at('incremental'))) checkIncremental(root.at('incremental'));
  checkLimits(root);
}

function isGiven({ value }: Checker): boolean {
  return value !== undefined;
}

function checkSchedule(schedule: Checker): void {
  try {
    new Cron(schedule.value as string, { timezone: 'UTC' }).nextRun();
  } catch {
    schedule.fail('a cron expression such as 0 3 * * *');
  }
}

/** A text, or a variable that holds it. */
function checkText(at: Checker): void {
  if (typeof at.value === 'string') at.text();
  else checkVariable(at);
}

function checkVariable(at: Checker): void {
  if (typeof at.value === 'string') at.at('variable').fail('the name of a variable'); // it may be a secret, and is not shown
  at.members(['variable'], ['otherwise']);
  at.at('variable').pattern(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable');
  if (isGiven(at.at('otherwise'))) at.at('otherwise').text();
}

function checkAuth(auth: Checker): void {
  const kind = auth.at('kind');
  kind.oneOf(['bearer', 'basic', 'client credentials']);
  if (kind.value === 'bearer') {
    auth.members(['kind', 'token']);
    checkVariable(auth.at('token'));
  } else if (kind.value === 'basic') {
    auth.members(['kind', 'user', 'password']);
    checkVariable(auth.at('user'));
    checkVariable(auth.at('password'));
  } else {
    auth.members(['kind', 'tokenUrl', 'clientId', 'clientSecret'], ['scope']);
    checkText(auth.at('tokenUrl'));
    checkVariable(auth.at('clientId'));
    checkVariable(auth.at('clientSecret'));
    if (isGiven(auth.at('scope'))) auth.at('scope').text();
  }
}

function checkPages(pages: Checker, hasTotal: boolean): void {
  const kind = pages.at('kind');
  kind.oneOf(['one', 'offset', 'page', 'cursor', 'link']);
  if (kind.value === 'one') pages.members(['kind']);
  if (kind.value === 'offset') {
    pages.members(['kind', 'limit', 'offsetParameter', 'limitParameter', 'parallel'], ['hasMore', 'nextOffset']);
    pages.at('limit').integer(2);
  }
  if (kind.value === 'page') {
    pages.members(['kind', 'size', 'first', 'pageParameter', 'sizeParameter', 'parallel'], ['hasMore']);
    pages.at('size').integer(1);
    pages.at('first').integer(0);
  }
  const parallel = pages.at('parallel');
  if (isGiven(parallel)) parallel.integer(1, mostParallel);
  if (Number(parallel.value) > 1 && !hasTotal)
    parallel.fail('1: which pages there are is known only where the pull names the member with the total');
  if (kind.value === 'cursor') {
    pages.members(['kind', 'parameter', 'next', 'parameters']);
    pages.at('next').text();
  }
  if (kind.value === 'link') pages.members(['kind', 'parameters']);
  for (const name of ['offsetParameter', 'limitParameter', 'pageParameter', 'sizeParameter', 'parameter', 'hasMore'])
    if (isGiven(pages.at(name))) pages.at(name).text();
}

function checkIncremental(incremental: Checker): void {
  incremental.members(['field', 'type', 'parameter', 'overlap']);
  incremental.at('type').oneOf(['time', 'integer']);
  incremental.at('field').text();
  incremental.at('parameter').text();
  incremental.at('overlap').integer(0);
}

function checkLimits(root: Checker): void {
  const timeouts = root.at('timeouts');
  if (isGiven(timeouts)) {
    timeouts.members([], ['connectMs', 'firstByteMs', 'wholeMs']);
    for (const name of timeouts.names(0)) timeouts.at(name).integer(1, dayMs);
  }
  if (isGiven(root.at('attempts'))) root.at('attempts').integer(1, 1_000);
  if (isGiven(root.at('maxPageBytes'))) root.at('maxPageBytes').integer(1, 1024 * 1024 * 1024);
  const rate = root.at('maxRequestsPerSecond');
  if (isGiven(rate) && !(typeof rate.value === 'number' && rate.value > 0 && rate.value <= 1_000_000))
    rate.fail('a number above 0');
}
