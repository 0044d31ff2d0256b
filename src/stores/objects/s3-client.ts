/**
 * The client of an S3 server. Credentials, region, attempts (3) and checksums are the SDK's own settings (AWS_ACCESS_KEY_ID,
 * AWS_REGION, AWS_MAX_ATTEMPTS, ...); what stands here is how long it waits: a server that hangs costs `idleTimeoutMs` an
 * attempt, where the SDK would wait for ever.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../errors.ts';

export interface S3Settings {
  readonly bucket: string;
  /** Of a server that is not AWS: `http://host:port`. Default: AWS. */
  readonly endpoint?: string | undefined;
  /** Without a byte in either direction; default 7 s. */
  readonly idleTimeoutMs?: number;
}

const connectTimeoutMs = 3000;
/** Three attempts, with what is between them, end within a drain (25 s). */
const defaultIdleTimeoutMs = 7000;

/** For servers that have none, but sign with one. */
const anyRegion = 'us-east-1';

/** Connects to nothing. @throws Fault CONFIG_INVALID where AWS is meant and no region is set */
export async function createS3Client(settings: S3Settings, maxSockets: number): Promise<S3Client> {
  const client = new S3Client(optionsOf(settings, maxSockets));
  const region = await client.config.region().catch(() => undefined);
  if (region !== undefined) return client;
  client.destroy();
  if (settings.endpoint === undefined)
    throw new Fault('CONFIG_INVALID', 'objects.bucket (S3_BUCKET) is on AWS, and AWS_REGION is not set');
  return new S3Client({ ...optionsOf(settings, maxSockets), region: anyRegion });
}

function optionsOf({ endpoint, idleTimeoutMs = defaultIdleTimeoutMs }: S3Settings, maxSockets: number) {
  return {
    ...(endpoint !== undefined && { endpoint, forcePathStyle: !isAws(endpoint) }),
    // Else uploads of more than 2 MiB have a connection each.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: idleTimeoutMs,
      httpAgent: { keepAlive: true, maxSockets },
      httpsAgent: { keepAlive: true, maxSockets },
    },
  };
}

/** Only AWS's own name the bucket in the host name. */
function isAws(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}
