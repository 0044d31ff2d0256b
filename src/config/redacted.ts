/** What may be shown of settings and messages: everything but keys, tokens, and the passwords in URLs. */
import type { Config } from './settings.ts';

const hidden = '***';

/** Hides what stands between a URL's user and its last `@`, and passwords among its parameters. */
export function withoutPassword(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/?#]*):.*@/is, `$1:${hidden}@`)
    .replaceAll(/([?&](?:ssl)?password=)[^&#]*/gi, `$1${hidden}`);
}

export function redacted(config: Config): Config {
  const { databaseUrl, schemaRegistryUrl, redisUrl, adminToken, accessKey, kafka, traces } = config;
  return {
    ...config,
    ...(databaseUrl !== undefined && { databaseUrl: withoutPassword(databaseUrl) }),
    ...(schemaRegistryUrl !== undefined && { schemaRegistryUrl: withoutPassword(schemaRegistryUrl) }),
    ...(redisUrl !== undefined && { redisUrl: withoutPassword(redisUrl) }),
    ...(adminToken !== undefined && { adminToken: hidden }),
    ...(kafka?.password !== undefined && { kafka: { ...kafka, password: hidden } }),
    ...(accessKey !== undefined && { accessKey: hidden }),
    traces: {
      ...traces,
      ...(traces.endpoint !== undefined && { endpoint: withoutPassword(traces.endpoint) }),
      ...(traces.headers !== undefined && { headers: hidden }),
    },
  };
}
