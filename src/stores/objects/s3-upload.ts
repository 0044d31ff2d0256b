/**
 * One object into a bucket, whole or not at all. A large one goes in parts, each of which is repeated by itself; they are no
 * object until they are completed. Parts of a process that was killed stay with the server, unseen, until the bucket's
 * lifecycle rule for uncompleted uploads takes them away.
 */
import { type FileHandle, open } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { all, atMost, type Gate } from './at-most.ts';
import type { S3Bucket } from './s3-bucket.ts';

const MiB = 1024 * 1024;

/** Larger objects go in parts. */
const maxWholeBytes = 16 * MiB;

/** S3 takes no smaller parts than 5 MiB, but for the last one, and at most 10,000. */
const partBytes = 8 * MiB;

/** What the server is to check before it takes the object: that there is none. */
export interface Condition {
  readonly IfNoneMatch?: '*';
}

export async function upload(bucket: S3Bucket, key: string, body: Uint8Array, condition: Condition): Promise<void> {
  if (body.length > maxWholeBytes) return uploadParts(bucket, key, inMemory(body), condition);
  const put = { Bucket: bucket.name, Key: key, Body: body, ...condition };
  await bucket.request((client) => client.send(new PutObjectCommand(put)));
}

export async function uploadFile(bucket: S3Bucket, key: string, path: string, condition: Condition): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > maxWholeBytes) await uploadParts(bucket, key, inFile(file, size), condition);
    else await upload(bucket, key, await file.readFile(), condition);
  } finally {
    await file.close();
  }
}

/** What is uploaded in parts. */
interface Body {
  readonly length: number;
  /** Parts under way at a time. */
  readonly gate: Gate;
  bytes(start: number, end: number): Promise<Uint8Array>;
}

/** The bucket's own limit of requests holds. */
function inMemory(body: Uint8Array): Body {
  return { length: body.length, gate: (task) => task(), bytes: async (start, end) => body.subarray(start, end) };
}

function inFile(file: FileHandle, length: number): Body {
  const bytes = async (start: number, end: number): Promise<Uint8Array> => {
    const buffer = Buffer.alloc(Math.min(end, length) - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    if (bytesRead < buffer.length) throw new Error('a file that is uploaded became shorter');
    return buffer;
  };
  return { length, gate: atMost(filePartsInMemory), bytes };
}

const filePartsInMemory = 4;

async function uploadParts(bucket: S3Bucket, key: string, body: Body, condition: Condition): Promise<void> {
  const object = { Bucket: bucket.name, Key: key };
  const checked = { ...object, ChecksumAlgorithm: 'CRC32' as const };
  const { UploadId } = await bucket.request((client) => client.send(new CreateMultipartUploadCommand(checked)));
  const target = { ...object, UploadId };
  try {
    const Parts = await sendParts(bucket, target, body);
    const whole = { ...target, MultipartUpload: { Parts }, ...condition };
    await bucket.request((client) => client.send(new CompleteMultipartUploadCommand(whole)));
  } catch (error) {
    // What made the upload fail is what is told; where this fails too, the parts are as those of a killed process.
    await bucket.request((client) => client.send(new AbortMultipartUploadCommand(target))).catch(() => undefined);
    throw error;
  }
}

interface Target {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

async function sendParts(bucket: S3Bucket, target: Target, body: Body): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  const send = async (PartNumber: number): Promise<void> => {
    const Body = await body.bytes((PartNumber - 1) * partBytes, PartNumber * partBytes);
    const part = new UploadPartCommand({ ...target, PartNumber, Body });
    const { ETag, ChecksumCRC32 } = await bucket.request((client) => client.send(part));
    parts[PartNumber - 1] = { PartNumber, ETag, ChecksumCRC32 };
  };
  const numbers = Array.from({ length: Math.ceil(body.length / partBytes) }, (_, index) => index + 1);
  await all(numbers.map((number) => body.gate(() => send(number))));
  return parts;
}
