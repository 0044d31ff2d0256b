/** `tributary views`: what views there are and how far they have come, and building one anew from the log. */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { LagRow } from '../processing/lag.ts';
import type { AnyView } from '../views/rows.ts';
import { duration } from './duration.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';
import { pipelinesOf } from '../pipeline/apps.ts';

interface ListOptions extends ConfigOptions {
  readonly json?: true;
}

interface RebuildCommandOptions extends ListOptions {
  readonly partial?: true;
}

interface NamedView {
  readonly pipeline: Pipeline;
  readonly view: AnyView;
}

export function addViews(program: Command): void {
  const views = program.command('views').description('aggregates that follow the log: list them, or build one anew');
  views.addHelpText('after', examples('tributary views list', 'tributary views rebuild signals'));
  withConfig(views.command('list'))
    .description('the views of the configuration, and how far each has come')
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary views list', 'tributary views list --json'))
    .action(list);
  withConfig(views.command('rebuild'))
    .description('count all that the log has anew, by the code of today; the old view answers until the new one does')
    .argument('<view>', 'such as signals/by-symbol; or a pipeline: each view of it')
    .option('--partial', 'also where the log has let go of records that the new view is without then')
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary views rebuild signals', 'tributary views rebuild signals/by-symbol'))
    .action(rebuild);
}

async function list(options: ListOptions): Promise<void> {
  const config = configOf(options);
  const [{ openEngineReader }, { readLag }, { viewConsumersOf }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../processing/lag.ts'),
    import('../views/views.ts'),
  ]);
  const pipelines = await configured(config);
  const reader = await openEngineReader(config);
  try {
    const rows = await readLag(reader, viewConsumersOf(pipelines));
    await writeLine(options.json ? JSON.stringify(rows.map(shown)) : asTable(rows));
  } finally {
    await reader.close();
  }
}

function shown({ consumer: view, topic, partition, committed, end, lag, behindMs }: LagRow) {
  return { view, topic, partition, committed, end, lag, behindMs };
}

function asTable(rows: readonly LagRow[]): string {
  const titles = ['partition', 'committed', 'end', 'lag', 'behind'];
  return renderTable(
    [{ title: 'view' }, { title: 'topic' }, ...titles.map((title) => ({ title, align: 'right' as const }))],
    rows.map(({ consumer, topic, partition, committed, end, lag, behindMs }) => [
      consumer,
      topic,
      ...[partition, committed, end, lag].map(String),
      duration(behindMs),
    ]),
    outputWidth(),
  );
}

async function rebuild(name: string, options: RebuildCommandOptions): Promise<void> {
  const config = configOf(options);
  const wanted = await viewsNamed(config, name);
  const { rebuildInEngine } = await import('../engine/rebuild-views.ts');
  const { showRebuild } = await import('./views/show-rebuild.ts');
  const results = [];
  for (const { pipeline, view } of wanted) {
    const progress = showRebuild(`${pipeline.name}/${view.name}`);
    const startedMs = performance.now();
    try {
      const { records, gone, skipped } = await rebuildInEngine(config, pipeline, view, {
        isPartial: options.partial === true,
        onProgress: (at) => progress.update(at),
      });
      const seconds = Math.round(performance.now() - startedMs) / 1000;
      results.push({ view: `${pipeline.name}/${view.name}`, records, gone, skipped, seconds });
    } finally {
      progress.stop();
    }
  }
  if (options.json) return writeLine(JSON.stringify(results));
  for (const { view, records, gone, skipped, seconds } of results) {
    await writeLine(`${view}: ${records} records in ${seconds.toFixed(1)} s; the new view answers.`);
    if (gone > 0) tell(`${gone} offsets that the log has let go of are not in it.`);
    if (skipped > 0) tell(`${skipped} events are not in it, because a function of the view failed; see its log lines.`);
  }
}

async function configured(config: Config): Promise<readonly Pipeline[]> {
  const { loadApps } = await import('../engine/load-apps.ts');
  return pipelinesOf(await loadApps(config));
}

/** @throws Fault USAGE where there is none of that name */
async function viewsNamed(config: Config, name: string): Promise<readonly NamedView[]> {
  const all = (await configured(config)).flatMap((pipeline) => pipeline.views.map((view) => ({ pipeline, view })));
  const found = all.filter(({ pipeline, view }) => [pipeline.name, `${pipeline.name}/${view.name}`].includes(name));
  if (found.length > 0) return found;
  const names = all.map(({ pipeline, view }) => `${pipeline.name}/${view.name}`).join(', ');
  throw new Fault('USAGE', `there is no view ${JSON.stringify(name)}; those of the configuration: ${names || 'none'}`);
}
