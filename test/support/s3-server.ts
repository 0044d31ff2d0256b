/** Real S3 servers: the one of `npm run services -- up s3`, which tests share, each in a bucket of its own, and others of their own. */
import { freePort } from '../../src/services/free-ports.ts';
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { s3, s3Credentials, s3Of } from '../../src/services/s3.ts';
import { type OwnService, ownService } from './own-service.ts';

export const sharedS3 = s3.address;

/** What the SDK reads for a server that is started here. */
export const s3Environment = {
  AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
  AWS_REGION: 'us-east-1',
};

/** For this process. */
export function useS3Credentials(): void {
  Object.assign(process.env, s3Environment);
}

/** A client that is not the store's. */
export function s3Client(endpoint = sharedS3): S3Client {
  return new S3Client({
    endpoint,
    forcePathStyle: true,
    region: s3Environment.AWS_REGION,
    credentials: s3Credentials,
  });
}

/** An empty bucket. */
export async function ownBucket(endpoint = sharedS3): Promise<string> {
  const bucket = `test-${randomBytes(8).toString('hex')}`;
  const client = s3Client(endpoint);
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
  return bucket;
}

export interface OwnS3 extends OwnService {
  readonly url: string;
  /** An empty one. */
  bucket(): Promise<string>;
}

export async function ownS3(): Promise<OwnS3> {
  const server = s3Of(await freePort());
  return { ...(await ownService(server)), url: server.address, bucket: () => ownBucket(server.address) };
}
