/** The arguments of a call, by place or by name. */
import { type Keywords, TemplateError, type Value } from './values.ts';

/**
 * @param names in their order; one that ends in `?` need not be given
 * @returns undefined for those that were not given
 */
export function bind(
  call: string,
  names: readonly string[],
  args: readonly Value[],
  keywords: Keywords,
): readonly (Value | undefined)[] {
  if (args.length > names.length) throw new TemplateError(`${call} takes at most ${names.length} arguments`);
  const plain = names.map((name) => name.replace('?', ''));
  for (const keyword of keywords.keys())
    if (!plain.slice(args.length).includes(keyword)) throw new TemplateError(`${call} takes no argument ${keyword}`);
  return names.map((name, i) => {
    const value = i < args.length ? args[i] : keywords.get(plain[i] ?? '');
    if (value === undefined && !name.endsWith('?')) throw new TemplateError(`${call} needs ${name}`);
    return value;
  });
}

export function asText(call: string, value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new TemplateError(`${call} takes text`);
}

export function asInteger(call: string, value: Value | undefined): number {
  if (typeof value === 'number') return value;
  throw new TemplateError(`${call} takes a whole number`);
}
