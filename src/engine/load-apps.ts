/** Loads the systems that the configuration names: modules that export `app` (see `App`). */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Config } from '../config/config.ts';
import { schemaBeside, schemaIn } from '../config/environment.ts';
import { nearest } from '../config/problems.ts';
import { Fault } from '../errors.ts';
import type { App } from '../pipeline/app.ts';
import { nameOf, pipelinesOf } from '../pipeline/apps.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';

/** What of the configuration decides which apps there are, and what they are. */
export type AppSettings = Pick<Config, 'pipelines' | 'only' | 'databaseUrl' | 'deduplicationHours'>;

/** All of `config.pipelines`, or those that `only` names, with their tables in the environment and their windows. @throws Fault CONFIG_INVALID */
export async function loadApps(config: AppSettings): Promise<readonly App[]> {
  const apps = await Promise.all(config.pipelines.map(loadApp));
  const names = apps.flatMap((app) => nameOf(app) ?? []);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new Fault('CONFIG_INVALID', `two pipelines are named ${JSON.stringify(twice)}`);
  const topics = pipelinesOf(apps).map(({ topic }) => topic.name);
  const shared = topics.find((topic, i) => topics.indexOf(topic) < i);
  if (shared !== undefined) throw new Fault('CONFIG_INVALID', `two pipelines have the topic ${JSON.stringify(shared)}`);
  const { deduplicationHours = {} } = config;
  checkWindows(pipelinesOf(apps), deduplicationHours);
  const wanted = config.only ?? names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, names);
    const known = near === undefined ? `there is ${names.join(', ')}` : `the nearest is ${near}`;
    throw new Fault('CONFIG_INVALID', `there is no system ${JSON.stringify(unknown)}; ${known}`);
  }
  const environments = schemaIn(config.databaseUrl ?? '');
  return apps
    .filter((app) => config.only === undefined || wanted.includes(nameOf(app) as string))
    .map((app) => withWindow(deduplicationHours, app))
    .map((app) => (environments === undefined ? app : inSchemasOf(environments, app)));
}

/** On a database that other environments have, too. */
function inSchemasOf(environments: string, app: App): App {
  if (!app.pipeline) return app;
  const sinks = app.pipeline.sinks.map((sink) =>
    sink.kind === 'dimension' && sink.schema !== undefined
      ? { ...sink, schema: schemaBeside(environments, sink.schema) }
      : sink,
  );
  return { ...app, pipeline: { ...app.pipeline, sinks } };
}

type Windows = NonNullable<Config['deduplicationHours']>;

function checkWindows(pipelines: readonly Pipeline[], windows: Windows): void {
  if (Object.keys(windows).length === 0) return;
  const known = pipelines.filter(({ process }) => process.deduplicate).map(({ name }) => name);
  const unknown = Object.keys(windows).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const what = `no pipeline of that name deduplicates; those that do: ${known.join(', ') || 'none'}`;
  throw new Fault('CONFIG_INVALID', `deduplicationHours.${unknown}: ${what}`);
}

/** Whoever runs a pipeline decides for how long its keys are remembered. */
function withWindow(windows: Windows, app: App): App {
  const { pipeline } = app;
  const windowHours = pipeline && Object.hasOwn(windows, pipeline.name) ? windows[pipeline.name] : undefined;
  if (windowHours === undefined || !pipeline?.process.deduplicate) return app;
  const deduplicate = { ...pipeline.process.deduplicate, windowHours };
  return { ...app, pipeline: { ...pipeline, process: { ...pipeline.process, deduplicate } } };
}

async function loadApp(path: string): Promise<App> {
  const module = await importModule(path);
  if (typeof module === 'object' && module !== null && 'app' in module) return module.app as App;
  throw new Fault('CONFIG_INVALID', `${path} exports no \`app\`, such as: export const app = { pipeline }`);
}

async function importModule(path: string): Promise<unknown> {
  if (!existsSync(path)) throw new Fault('CONFIG_INVALID', `pipelines: there is no file ${path}`);
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Fault('CONFIG_INVALID', `pipelines: ${(error as Error).message}`, { cause: error });
  }
}
