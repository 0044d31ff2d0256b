/** Fetch requests of one partition, answered with the bytes as they came: the client drops what tells committed records from others. */
import { createAPI, fetchV12, type Reader } from '@platformatic/kafka';
import type { TopicPartition } from '../log.ts';
import type { AbortedTransaction } from './committed-records.ts';

export interface FetchRequest extends TopicPartition {
  readonly from: number;
  /** At least one record batch is answered where there is one, however large. */
  readonly maxBytes: number;
  /** So long the broker waits for the first byte. */
  readonly maxWaitMs: number;
}

export interface Fetched {
  readonly errorCode: number;
  /** Below it every transaction is decided. */
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly records: Buffer;
}

const FETCH = 1;
const VERSION = 12;
const READ_COMMITTED = 1;
const NO_EPOCH = -1;
const NO_SESSION = { id: 0, epoch: -1 };

function createRequest({ topic, partition, from, maxBytes, maxWaitMs }: FetchRequest) {
  const fetchOffset = BigInt(from);
  const place = {
    partition,
    currentLeaderEpoch: NO_EPOCH,
    fetchOffset,
    lastFetchedEpoch: NO_EPOCH,
    partitionMaxBytes: maxBytes,
  };
  const topics = [{ topicId: topic, partitions: [place] }]; // by name, up to this version of the request
  const { id, epoch } = NO_SESSION;
  return fetchV12.createRequest(maxWaitMs, 1, maxBytes, READ_COMMITTED, id, epoch, topics, [], '');
}

function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): Fetched {
  reader.readInt32(); // throttle time
  const errorCode = reader.readInt16();
  reader.readInt32(); // session
  const [partition] = reader.readArray((topicReader) => {
    topicReader.readString();
    return topicReader.readArray(readPartition)[0];
  });
  return partition ?? { errorCode, lastStableOffset: -1, aborted: [], records: Buffer.alloc(0) };
}

function readPartition(reader: Reader): Fetched {
  reader.readInt32(); // the partition's number
  const errorCode = reader.readInt16();
  reader.readInt64(); // high watermark
  const lastStableOffset = Number(reader.readInt64());
  reader.readInt64(); // log start
  const aborted = reader.readNullableArray((each) => ({
    producerId: each.readInt64(),
    firstOffset: Number(each.readInt64()),
  }));
  reader.readInt32(); // a replica that is nearer
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  const records = reader.buffer.slice(reader.position, reader.position + size);
  reader.skip(size);
  return { errorCode, lastStableOffset, aborted: aborted ?? [], records };
}

export const fetchApi = createAPI<[request: FetchRequest], Fetched>(FETCH, VERSION, createRequest, parseResponse);
