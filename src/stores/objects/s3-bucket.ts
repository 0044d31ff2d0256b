/**
 * Requests on one bucket: a limited number at a time, each repeated by the SDK (with jitter) where that can help, and what
 * fails for good as a Fault.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { failTogether } from './fail-together.ts';
import { createS3Client, type S3Settings } from './s3-client.ts';
import { isFault } from '../../errors.ts';
import { isOutage, s3Fault } from './s3-fault.ts';

/** Measured: docs/decisions/s3-objects.md. */
const maxRequests = 32;

export class S3Bucket {
  readonly name: string;
  /** Until it says that it knows no conditional writes. */
  takesConditions = true;
  readonly #client: S3Client;
  readonly #where: string;
  readonly #gate = failTogether(maxRequests, isOutage);

  private constructor(client: S3Client, { bucket, endpoint }: S3Settings) {
    this.name = bucket;
    this.#client = client;
    this.#where = `S3 bucket ${bucket}${endpoint === undefined ? '' : ` at ${new URL(endpoint).host}`}`;
  }

  static async open(settings: S3Settings): Promise<S3Bucket> {
    return new S3Bucket(await createS3Client(settings, maxRequests), settings);
  }

  /** One request, and all that belongs to its answer. Rejects as the SDK does. */
  request<T>(send: (client: S3Client) => Promise<T>): Promise<T> {
    return this.#gate(() => send(this.#client));
  }

  /** @param what such as `put object "a/b.json"` @throws Fault OBJECTS_UNAVAILABLE */
  async orFault<T>(what: string, done: Promise<T>): Promise<T> {
    return done.catch((error: unknown) => {
      throw isFault(error) ? error : s3Fault(error, what, this.#where);
    });
  }
}
