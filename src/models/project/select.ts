/**
 * dbt's way to name nodes: `name`, `folder.name`, `tag:x`, `path:models/staging`, `config.materialized:table`, `source:lake.users`, `*` for
 * any text; `+name` with what it needs, `name+` with what needs it, `2+name` two steps; a space between for either, a comma for both.
 */
import { Fault } from '../../errors.ts';
import { textsOf } from './configs.ts';
import { around } from './graph.ts';
import type { ProjectNode } from './project.ts';

/** @param nodes what steps go along @returns those of `among` @throws Fault USAGE where a text names nothing */
export function select(
  nodes: ReadonlyMap<string, ProjectNode>,
  wanted: readonly string[],
  excluded: readonly string[] = [],
): ReadonlySet<string> {
  const chosen = wordsOf(wanted);
  const included = chosen.length === 0 ? new Set(nodes.keys()) : union(chosen.map((text) => intersection(nodes, text)));
  return included.difference(union(wordsOf(excluded).map((text) => intersection(nodes, text))));
}

function intersection(nodes: ReadonlyMap<string, ProjectNode>, text: string): ReadonlySet<string> {
  const [first = new Set<string>(), ...rest] = text.split(',').map((part) => one(nodes, part));
  return rest.reduce<ReadonlySet<string>>((all, next) => all.intersection(next), first);
}

function one(nodes: ReadonlyMap<string, ProjectNode>, text: string): ReadonlySet<string> {
  const [, before, core = '', after] = /^(\d*\+)?(.*?)(\+\d*)?$/.exec(text) ?? [];
  const found = [...nodes.values()].filter((node) => isMeant(node, core));
  if (core === '' || core.startsWith('@')) throw new Fault('USAGE', `${text} is no selection`);
  if (found.length === 0) throw new Fault('USAGE', `${text} selects nothing`);
  return union(
    found.map(({ name }) => {
      return around(nodes, name, 'before', steps(before)).union(around(nodes, name, 'after', steps(after)));
    }),
  );
}

function wordsOf(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(/\s+/)).filter((text) => text !== '');
}

/** Of `+`, all; of `2+`, two. */
function steps(side: string | undefined): number {
  return side === undefined ? 0 : Number(side.replace('+', '') || Infinity);
}

function isMeant(node: ProjectNode, text: string): boolean {
  const [, method, value = ''] = /^([a-z_.]+):(.*)$/.exec(text) ?? [];
  switch (method) {
    case undefined:
      if (text.includes('/') || text.endsWith('.sql')) return matches(node.path, text) || isUnder(node.path, text);
      return matches(node.name, text) || isPrefix(node.fqn, text) || isPrefix(node.fqn.slice(1), text);
    case 'tag':
      return textsOf(node.config['tags']).some((tag) => matches(tag, value));
    case 'path':
      return matches(node.path, value) || isUnder(node.path, value);
    case 'file':
      return matches(node.path.split('/').at(-1) ?? '', value);
    case 'fqn':
      return matches(node.name, value) || isPrefix(node.fqn, value) || isPrefix(node.fqn.slice(1), value);
    case 'source':
      return node.sources.some((source) => matches(source, value) || matches(source.split('.', 1)[0] ?? '', value));
    case 'resource_type':
      return node.kind === value;
    case 'config.materialized':
      return (node.config['materialized'] ?? (node.kind === 'seed' ? 'seed' : 'view')) === value;
    default:
      throw new Fault(
        'USAGE',
        `${method}: selects nothing here; known are tag, path, file, fqn, source, resource_type and config.materialized`,
      );
  }
}

function isUnder(path: string, folder: string): boolean {
  return path.startsWith(`${folder.replace(/\/$/, '')}/`);
}

function isPrefix(fqn: readonly string[], text: string): boolean {
  const parts = text.split('.');
  return parts.length <= fqn.length && parts.every((part, i) => matches(fqn[i] ?? '', part));
}

function matches(text: string, pattern: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${expression}$`, 's').test(text);
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return sets.reduce<ReadonlySet<string>>((all, next) => all.union(next), new Set());
}
