/** What stands behind each part, as the configuration says: without passwords, for the log line of a start that has succeeded, so that a variable that was forgotten shows. */
import { type Config, redacted } from '../config/config.ts';

export function standsOn(config: Config): Readonly<Record<string, string>> {
  const { kafkaBrokers, schemaRegistryUrl, objects, databaseUrl, redisUrl } = redacted(config);
  const embedded = 'embedded';
  const bucket = objects && `${objects.endpoint ?? 'AWS'}, bucket ${objects.bucket}`;
  const state = kafkaBrokers && databaseUrl !== undefined ? 'with the warehouse' : embedded;
  return {
    log: kafkaBrokers?.join(',') ?? embedded,
    registry: schemaRegistryUrl ?? embedded,
    objects: bucket ?? embedded,
    warehouse: databaseUrl ?? embedded,
    state,
    views: redisUrl ?? state,
  };
}
