/**
 * What stands against reading one schema's data with another, as comparisons find it: kept relative to the part that was
 * compared, because one part can stand at many places, and put into words last, when place and schemas have names.
 */

/** One step down into a schema. */
export interface Step {
  /** As in the registry's paths: `fields/3`, `properties`. */
  readonly token: string;
  /** What people call it, where it has a name: `price`, `[]`. */
  readonly name?: string;
}

/** How messages call the two schemas: `the new schema`, `version 3`. */
export interface Roles {
  readonly reader: string;
  readonly writer: string;
}

export interface Problem {
  readonly path: readonly Step[];
  /** In the terms of Confluent's registry. */
  readonly kind: string;
  /** What is so; the consequence is said once, for all problems. */
  readonly say: (where: string, roles: Roles) => string;
}

export function problem(kind: string, say: Problem['say'], path: readonly Step[] = []): Problem {
  return { path, kind, say };
}

export function under(steps: readonly Step[], problems: readonly Problem[]): readonly Problem[] {
  return problems.map((found) => ({ ...found, path: [...steps, ...found.path] }));
}

/** The place in words, as in `Order.items[].price`. */
export function placeOf(path: readonly Step[], root: string): string {
  let place = root;
  for (const { name } of path) {
    if (name === undefined) continue;
    place += name.startsWith('[') || place === '' ? name : `.${name}`;
  }
  return place === '' ? 'the schema' : `\`${inline(place)}\``;
}

/** Names and values from outside, safe and short in a line of text. */
export function inline(text: string): string {
  const short = text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
  return short.replaceAll(unprintable, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
}

export function inlineJson(value: unknown): string {
  return inline(JSON.stringify(value) ?? String(value));
}

/** A few of many, in words. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, maxListed).map((name) => `\`${inline(name)}\``);
  return names.length > maxListed ? `${shown.join(', ')} and ${names.length - maxListed} more` : shown.join(', ');
}

const maxShown = 200;
const maxListed = 5;
/** Controls, line separators, and what turns the direction of text around. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
