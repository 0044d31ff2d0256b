/** Real servers for development, tests and CI: `npm run services -- up | down | status | env [name...]`. */
import { join } from 'node:path';
import { cacheDir } from '../src/services/cache.ts';
import { connect } from '../src/services/connect.ts';
import { kafka } from '../src/services/kafka.ts';
import { registry } from '../src/services/registry.ts';
import { postgres } from '../src/services/postgres.ts';
import { redis } from '../src/services/redis.ts';
import { s3, s3Bucket, s3Credentials } from '../src/services/s3.ts';
import { RunningService } from '../src/services/running-service.ts';
import type { Service } from '../src/services/service.ts';

const all: readonly Service[] = [kafka, registry, s3, postgres, redis, connect];

/** With which Tributary uses it. */
const variables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kafka: { KAFKA_BROKERS: kafka.address },
  registry: { SCHEMA_REGISTRY_URL: registry.address },
  s3: {
    S3_BUCKET: s3Bucket,
    S3_ENDPOINT: s3.address,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
  },
  postgres: { DATABASE_URL: postgres.address },
  redis: { REDIS_URL: redis.address },
};

const actions = {
  up: async (one: RunningService) => {
    await one.up();
    return one.service.address;
  },
  down: async (one: RunningService) => {
    await one.down();
    return 'down';
  },
  status: async (one: RunningService) => ((await one.isReady()) ? `up ${one.service.address}` : 'down'),
};

const [name = '', ...wanted] = process.argv.slice(2);
const unknown = wanted.filter((each) => !all.some((service) => service.name === each));
const chosen = all.filter((service) => wanted.length === 0 || wanted.includes(service.name));
const action = Object.hasOwn(actions, name) ? actions[name as keyof typeof actions] : undefined;
if (name === 'env' && unknown.length === 0) {
  for (const service of chosen)
    for (const [variable, value] of Object.entries(variables[service.name] ?? {}))
      console.log(`export ${variable}='${value}'`);
} else if (action === undefined || unknown.length > 0) {
  console.error(
    `usage: npm run services -- up | down | status | env [${all.map((service) => service.name).join(' | ')}]`,
  );
  process.exitCode = 2;
} else {
  for (const service of chosen)
    console.log(`${service.name} ${await action(new RunningService(service, join(cacheDir, 'run', service.name)))}`);
}
