/**
 * One object out of a bucket. The SDK repeats a request that fails, but not a body that breaks off behind an answer: that is
 * done here. A body that does not have the checksum that the server keeps with it is refused, not returned.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { S3Bucket } from './s3-bucket.ts';
import { isMissing } from './s3-fault.ts';

const maxTries = 3;
/** Doubles with each try; shortened by up to all of it at random. */
const pauseMs = 200;

export async function readObject(bucket: S3Bucket, key: string): Promise<Buffer | undefined> {
  for (let tries = 1; ; tries++) {
    const answered = { headers: false };
    try {
      return await bucket.request((client) => readOnce(client, bucket.name, key, answered));
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (!answered.headers || tries === maxTries) throw error;
      await sleep(Math.random() * pauseMs * 2 ** tries);
    }
  }
}

async function readOnce(client: S3Client, bucket: string, key: string, answered: { headers: boolean }) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  answered.headers = true;
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
