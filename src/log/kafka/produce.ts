/** Produce requests of record batches that are encoded already; the client would encode each record anew. */
import { createAPI, type produceV9, produceV9 as produce, Writer } from '@platformatic/kafka';

export interface ProduceTopic {
  readonly name: string;
  readonly partitions: readonly { readonly partition: number; readonly batch: Buffer }[];
}

const PRODUCE = 0;
const VERSION = 9;
const ALL_IN_SYNC_REPLICAS = -1;

function createRequest(transactionalId: string | null, timeoutMs: number, topics: readonly ProduceTopic[]): Writer {
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ALL_IN_SYNC_REPLICAS)
    .appendInt32(timeoutMs)
    .appendArray([...topics], (topicWriter, { name, partitions }) => {
      topicWriter.appendString(name).appendArray([...partitions], (writer, { partition, batch }) => {
        writer.appendInt32(partition).appendBytes(batch);
      });
    })
    .appendTaggedFields();
}

export const produceApi = createAPI<
  [transactionalId: string | null, timeoutMs: number, topics: readonly ProduceTopic[]],
  ReturnType<typeof produceV9.parseResponse>
>(PRODUCE, VERSION, createRequest, produce.parseResponse);
