/**
 * An object store in a bucket of an S3 server: the same keys and bytes as in a directory.
 *
 * S3 makes a put visible whole and durable when it answers, and lists in the order of UTF-8 bytes. What is staged is kept by
 * reference and sent by the commit: one request an object, and a killed process leaves nothing to sweep. Opening makes no
 * request: a server that is away stops nothing but what needs it.
 */
import { DeleteObjectCommand, ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { Fault } from '../../errors.ts';
import { all } from './at-most.ts';
import { checkKey, isKey } from './object-key-check.ts';
import type { NewObject, ObjectEntry, ObjectStore, StagedObjects } from './object-store.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { S3Settings } from './s3-client.ts';
import { isMissing, isNotImplemented, isTaken } from './s3-fault.ts';
import { readObject } from './s3-read.ts';
import { upload, uploadFile } from './s3-upload.ts';

/** @throws Fault CONFIG_INVALID where AWS is meant and no region is set */
export async function openS3Store(settings: S3Settings): Promise<ObjectStore> {
  const bucket = await S3Bucket.open(settings);

  async function put(object: NewObject): Promise<void> {
    await bucket.orFault(`put object ${JSON.stringify(object.key)}`, write(bucket, object));
  }

  async function putFile(key: string, path: string): Promise<void> {
    checkKey(key);
    await bucket.orFault(`put object ${JSON.stringify(key)}`, uploadFile(bucket, key, path, {}));
  }

  async function putNewFile(key: string, path: string): Promise<boolean> {
    checkKey(key);
    return bucket.orFault(`put object ${JSON.stringify(key)}`, writeNewFile(bucket, key, path));
  }

  async function stage(objects: readonly NewObject[]): Promise<StagedObjects> {
    for (const { key } of objects) checkKey(key);
    let staged: readonly NewObject[] = objects;
    return {
      commit: () => all(staged.map(put)),
      abort: async () => {
        staged = [];
      },
    };
  }

  async function get(key: string): Promise<Buffer | undefined> {
    checkKey(key);
    return bucket.orFault(`get object ${JSON.stringify(key)}`, readObject(bucket, key));
  }

  async function remove(key: string): Promise<void> {
    checkKey(key);
    const command = new DeleteObjectCommand({ Bucket: bucket.name, Key: key });
    const removed = bucket.request((client) => client.send(command)).catch(noneWhereMissing);
    await bucket.orFault(`delete object ${JSON.stringify(key)}`, removed);
  }

  return {
    put: async (key, body) => {
      checkKey(key);
      await put({ key, body });
    },
    putFile,
    putNewFile,
    stage,
    get,
    list: (prefix) => listKeys(bucket, prefix),
    entries: (prefix) => listEntries(bucket, prefix),
    delete: remove,
    // Not in one request: servers differ in the checksum that they want of that.
    deleteAll: async (keys) => {
      keys.forEach(checkKey);
      await all(keys.map(remove));
    },
  };
}

/** What is there since may be our own: an answer can get lost, and the SDK repeats the request. */
async function write(bucket: S3Bucket, { key, body, isNew = false }: NewObject): Promise<void> {
  try {
    await upload(bucket, key, body, isNew && bucket.takesConditions ? { IfNoneMatch: '*' } : {});
  } catch (error) {
    if (isNew && isNotImplemented(error)) {
      bucket.takesConditions = false;
      return write(bucket, { key, body });
    }
    if (!isTaken(error)) throw error;
    const found = await readObject(bucket, key);
    if (!found?.equals(body)) throw new Fault('OBJECT_EXISTS', `object ${key} is there since, with other content`);
  }
}

async function writeNewFile(bucket: S3Bucket, key: string, path: string): Promise<boolean> {
  if (!bucket.takesConditions) {
    for await (const found of listKeys(bucket, key)) if (found === key) return false;
    await uploadFile(bucket, key, path, {});
    return true;
  }
  try {
    await uploadFile(bucket, key, path, { IfNoneMatch: '*' });
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    if (!isNotImplemented(error)) throw error;
    bucket.takesConditions = false;
    return writeNewFile(bucket, key, path);
  }
}

async function* listKeys(bucket: S3Bucket, prefix: string): AsyncGenerator<string> {
  for await (const { key } of listEntries(bucket, prefix)) yield key;
}

/** A page of 1,000 keys at a time. What others put there under keys that are none of ours does not show. */
async function* listEntries(bucket: S3Bucket, prefix: string): AsyncGenerator<ObjectEntry> {
  let from: string | undefined;
  do {
    const input = { Bucket: bucket.name, Prefix: wellFormed(prefix), ContinuationToken: from };
    const page: ListObjectsV2CommandOutput = await bucket.orFault(
      `list objects ${JSON.stringify(prefix)}`,
      bucket.request((client) => client.send(new ListObjectsV2Command(input))),
    );
    for (const { Key: key, Size: bytes = 0, LastModified } of page.Contents ?? [])
      if (key?.startsWith(prefix) && isKey(key)) yield { key, bytes, putAtMs: LastModified?.getTime() ?? 0 };
    from = page.NextContinuationToken;
  } while (from !== undefined);
}

/** Up to the first half of a surrogate pair, which UTF-8 cannot hold. */
function wellFormed(prefix: string): string {
  return prefix.replace(/[\ud800-\udfff].*$/su, '');
}

function noneWhereMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
