/** What is said where no dead letter is meant: also that the pipeline of the filter is none, which is a slip more often than good news. */
import { nearest } from '../../config/problems.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';
import { type ConfigOptions, configOf } from '../options.ts';
import { tell } from '../output.ts';
import { visible } from '../visible.ts';
import type { FilterOptions } from './filter-options.ts';

export async function tellNone(options: ConfigOptions & FilterOptions): Promise<void> {
  tell('There are no such dead letters.');
  const { pipeline } = options;
  if (pipeline === undefined) return;
  const { loadApps } = await import('../../engine/load-apps.ts');
  const names = pipelinesOf(await loadApps(configOf(options))).map(({ name }) => name);
  if (names.includes(pipeline)) return;
  const near = nearest(pipeline, names);
  const meant = near === undefined ? `there is ${names.join(', ')}` : `did you mean ${near}?`;
  tell(`No pipeline of the configuration is named ${visible(JSON.stringify(pipeline))}; ${meant}`);
}
