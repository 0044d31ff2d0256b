/** The servers beside Kafka: how each is started, and by which variables a node finds it. */
import { postgresOf } from '../../services/postgres.ts';
import { redisOf } from '../../services/redis.ts';
import { registryOf } from '../../services/registry.ts';
import { s3Bucket, s3Credentials, s3Of } from '../../services/s3.ts';
import type { Service } from '../../services/service.ts';

export type Part = 'registry' | 's3' | 'postgres' | 'redis';

interface PartKind {
  /** @param sparePort for those that listen on two */
  readonly service: (port: number, sparePort: number) => Service | Promise<Service>;
  readonly environment: (address: string) => Readonly<Record<string, string>>;
}

/** As production has it: at worst the last second is lost. */
const redisSettings = { appendonly: 'yes', appendfsync: 'everysec' };

/** What the AWS SDK reads. */
export const sdkEnvironment = {
  AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
  AWS_REGION: 'us-east-1',
};

export const parts: Readonly<Record<Part, PartKind>> = {
  registry: {
    service: registryOf,
    environment: (address) => ({ SCHEMA_REGISTRY_URL: address }),
  },
  s3: {
    service: (port) => s3Of(port),
    environment: (address) => ({ S3_ENDPOINT: address, S3_BUCKET: s3Bucket, ...sdkEnvironment }),
  },
  postgres: {
    service: (port) => postgresOf(port),
    environment: (address) => ({ DATABASE_URL: address }),
  },
  redis: {
    service: (port) => redisOf(port, redisSettings),
    environment: (address) => ({ REDIS_URL: address }),
  },
};

export const partNames: readonly Part[] = ['registry', 's3', 'postgres', 'redis'];
