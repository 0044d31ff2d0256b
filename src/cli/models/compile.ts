/** `tributary models compile`: the SQL of models as the next run would run it; an incremental model that is there is added to. */
import { existing } from '../../models/database/materialize.ts';
import { openReader } from '../../models/database/models-database.ts';
import { compileNode } from '../../models/project/project.ts';
import { materializationOf } from '../../models/run-models.ts';
import { writeLine } from '../output.ts';
import { type ModelsOptions, openModels } from './open-models.ts';

export async function compile(options: ModelsOptions): Promise<void> {
  const { project, place, selected } = openModels(options);
  const nodes = [...project.nodes.values()].filter(
    ({ name, template }) => selected.has(name) && template !== undefined,
  );
  const database = await openReader(place);
  const compiled: { name: string; path: string; sql: string }[] = [];
  try {
    for (const node of nodes) {
      const there = database && (await existing(database.connection, node.relation));
      const isIncremental = materializationOf(node) === 'incremental' && there === 'table';
      compiled.push({ name: node.name, path: node.path, sql: compileNode(project, node, isIncremental) });
    }
  } finally {
    await database?.close();
  }
  if (options.json) return writeLine(JSON.stringify(compiled));
  await writeLine(compiled.map(({ path, sql }) => `-- ${path}\n${sql}`).join('\n\n'));
}
