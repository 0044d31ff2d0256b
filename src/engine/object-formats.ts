/** What the objects of each pipeline are, as the configuration says it. */
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import { stringifyEvent } from '../event/verbatim.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import { ndjson, type ObjectFormat } from '../sinks/objects/object-format.ts';

/** @throws Fault SCHEMA_UNKNOWN, or where the registry cannot be reached: what has a schema's columns waits for it */
export async function objectFormatOf(
  { name, schema: { subject }, verbatim }: Pick<Pipeline, 'name' | 'schema' | 'verbatim'>,
  { objectFormat }: Pick<Config, 'objectFormat'>,
  registry: SchemaRegistry,
): Promise<ObjectFormat<object>> {
  const format = typeof objectFormat === 'string' ? objectFormat : objectFormat[name];
  if (format !== 'parquet') return ndjson(stringifyEvent);
  const { parquet } = await import('../sinks/objects/parquet/parquet-format.ts'); // loads the writer
  return parquet(await registry.latest(subject), verbatim);
}

/**
 * @param pipelines all that the configuration names
 * @throws Fault CONFIG_INVALID where it says something of the objects of others
 */
export function checkObjectFormats(
  pipelines: readonly Pipeline[],
  { objectFormat }: Pick<Config, 'objectFormat'>,
): void {
  if (typeof objectFormat === 'string') return;
  const known = pipelines.filter(({ sinks }) => sinks.some(({ kind }) => kind === 'objects')).map(({ name }) => name);
  const unknown = Object.keys(objectFormat).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const what = `no pipeline of that name has objects; those that do: ${known.join(', ') || 'none'}`;
  throw new Fault('CONFIG_INVALID', `objectFormat.${unknown}: ${what}`);
}
