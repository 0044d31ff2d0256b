/** What is asked of several apps. */
import { Fault } from '../errors.ts';
import type { App, EventApp } from './app.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pull } from './pulls.ts';

/** Of those that have one. */
export function pipelinesOf(apps: readonly App[]): readonly Pipeline[] {
  return apps.flatMap(({ pipeline }) => pipeline ?? []);
}

/** Of those that have some. @throws Fault CONFIG_INVALID where two have the same name */
export function pullsOf(apps: readonly App[]): readonly Pull[] {
  const pulls = apps.flatMap((app) => app.pulls ?? []);
  const names = pulls.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new Fault('CONFIG_INVALID', `two pulls are named ${JSON.stringify(twice)}`);
  return pulls;
}

/** By which `--only` and commands know an app. Undefined where it has nothing with a name. */
export function nameOf({ pipeline, bulk }: App): string | undefined {
  return pipeline?.name ?? bulk?.name;
}

/** @throws Fault USAGE for an app that does nothing with events */
export function eventApp(app: App): EventApp {
  const { pipeline } = app;
  if (pipeline) return { ...app, pipeline };
  throw new Fault('USAGE', `${nameOf(app) ?? 'the system'} has no pipeline: it takes no events`);
}
