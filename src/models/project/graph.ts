/** The order in which models can be built. */
import { Fault } from '../../errors.ts';
import type { ProjectNode } from './project.ts';

/** Each after those that it depends on, else by name. @throws Fault MODELS_INVALID where that goes in a circle */
export function orderOf(nodes: ReadonlyMap<string, ProjectNode>): readonly ProjectNode[] {
  const done = new Set<ProjectNode>();
  const path: string[] = [];
  const visit = (node: ProjectNode): void => {
    if (done.has(node)) return;
    if (path.includes(node.name)) {
      const circle = [...path.slice(path.indexOf(node.name)), node.name].join(' -> ');
      throw new Fault('MODELS_INVALID', `${node.path}:1: models depend on each other in a circle: ${circle}`);
    }
    path.push(node.name);
    for (const name of node.dependsOn.toSorted()) {
      const other = nodes.get(name);
      if (other === undefined)
        throw new Fault('MODELS_INVALID', `${node.path}:1: it depends on ${name}, which is disabled`);
      visit(other);
    }
    path.pop();
    done.add(node);
  };
  for (const name of [...nodes.keys()].toSorted()) visit(nodes.get(name) as ProjectNode);
  return [...done];
}

/** Of the name, and of what it depends on, or of what depends on it, up to so many steps away. */
export function around(
  nodes: ReadonlyMap<string, ProjectNode>,
  name: string,
  way: 'before' | 'after',
  steps: number,
): ReadonlySet<string> {
  const found = new Set([name]);
  let edge = [name];
  for (let step = 0; step < steps && edge.length > 0; step++) {
    const next = [...nodes.values()].filter(({ name: other, dependsOn }) =>
      way === 'before'
        ? edge.some((one) => nodes.get(one)?.dependsOn.includes(other))
        : dependsOn.some((one) => edge.includes(one)),
    );
    edge = next.map((node) => node.name).filter((one) => !found.has(one));
    for (const one of edge) found.add(one);
  }
  return found;
}
