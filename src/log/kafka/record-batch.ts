/**
 * Kafka's record batches (format 2), written and read: https://kafka.apache.org/documentation/#recordbatch. A batch is checked
 * against its CRC-32C as it is read; one that does not match is damage.
 */
import { compressionsAlgorithmsByBitmask, crc32c } from '@platformatic/kafka';
import { Fault } from '../../errors.ts';
import type { LogRecord } from '../log.ts';
import type { RecordChunk } from './record-chunk.ts';
import { readVarint, varintBytes, writeVarint } from './varint.ts';

const HEAD_BYTES = 61;
/** Where what `batchLength` counts begins. */
const LENGTH_END = 12;
const CRC_AT = 17;
const CHECKED_FROM = 21;
const FORMAT = 2;
/** Attributes of a record, and its time as a difference to the batch's: both 0. */
const RECORD_HEAD_BYTES = 2;

const COMPRESSION = 0b111;
const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
const ABORT = 0;

export interface Producer {
  readonly id: bigint;
  readonly epoch: number;
}

/** Of one partition. */
export interface BatchPosition {
  /** Of the first record, counted by the producer. */
  readonly sequence: number;
  readonly timeMs: number;
  /** Its records are there when the transaction commits, not before. */
  readonly isTransactional: boolean;
}

/** One batch of the records of these chunks, in order. */
export function encodeRecordBatch(
  chunks: readonly RecordChunk[],
  { id, epoch }: Producer,
  { sequence, timeMs, isTransactional }: BatchPosition,
): Buffer {
  const count = chunks.reduce((sum, { lengths }) => sum + lengths.length, 0);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + recordsBytes(chunks));
  bytes.writeBigInt64BE(0n, 0); // the broker gives the offset
  bytes.writeInt32BE(bytes.length - LENGTH_END, 8);
  bytes.writeInt32BE(-1, 12); // the leader's epoch: likewise
  bytes.writeInt8(FORMAT, 16);
  bytes.writeInt16BE(isTransactional ? TRANSACTIONAL : 0, 21);
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeBigInt64BE(BigInt(timeMs), 27);
  bytes.writeBigInt64BE(BigInt(timeMs), 35);
  bytes.writeBigInt64BE(id, 43);
  bytes.writeInt16BE(epoch, 51);
  bytes.writeInt32BE(sequence, 53);
  bytes.writeInt32BE(count, 57);
  writeRecords(bytes, chunks);
  bytes.writeUInt32BE(crc32c(bytes.subarray(CHECKED_FROM)), CRC_AT);
  return bytes;
}

function recordsBytes(chunks: readonly RecordChunk[]): number {
  let bytes = 0;
  let delta = 0;
  for (const { lengths } of chunks)
    for (const body of lengths) {
      const length = RECORD_HEAD_BYTES + varintBytes(delta++) + body;
      bytes += varintBytes(length) + length;
    }
  return bytes;
}

function writeRecords(bytes: Buffer, chunks: readonly RecordChunk[]): void {
  let at = HEAD_BYTES;
  let delta = 0;
  for (const { buffer, lengths } of chunks) {
    let from = 0;
    for (const body of lengths) {
      at = writeVarint(bytes, at, RECORD_HEAD_BYTES + varintBytes(delta) + body);
      bytes[at++] = 0;
      bytes[at++] = 0;
      at = writeVarint(bytes, at, delta++);
      buffer.copy(bytes, at, from, from + body);
      at += body;
      from += body;
    }
  }
}

export interface ReadBatch {
  readonly baseOffset: number;
  /** Past the last offset that the batch takes, also where records of it were compacted away. */
  readonly next: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** The end of a transaction: no records, but what became of it. */
  readonly control: 'commit' | 'abort' | undefined;
  records(): LogRecord[];
}

/** The whole batches of a fetched page; the last one may be there in part, and is left. @param where names the partition in messages */
export function* readRecordBatches(bytes: Buffer, where: string): Generator<ReadBatch> {
  for (let at = 0; at + LENGTH_END <= bytes.length;) {
    const end = at + LENGTH_END + bytes.readInt32BE(at + 8);
    if (end > bytes.length) return;
    yield readRecordBatch(bytes.subarray(at, end), where);
    at = end;
  }
}

function readRecordBatch(bytes: Buffer, where: string): ReadBatch {
  const baseOffset = Number(bytes.readBigInt64BE(0));
  const rotten = (what: string): Fault =>
    new Fault('LOG_ROTTEN', `The record batch at offset ${baseOffset} of ${where} ${what}.`);
  if (bytes.readInt8(16) !== FORMAT) throw rotten(`has format ${bytes.readInt8(16)}, which is not read here`);
  if (crc32c(bytes.subarray(CHECKED_FROM)) !== bytes.readUInt32BE(CRC_AT)) throw rotten('does not match its checksum');
  const attributes = bytes.readInt16BE(21);
  const isControl = (attributes & CONTROL) !== 0;
  return {
    baseOffset,
    next: baseOffset + bytes.readInt32BE(23) + 1,
    producerId: bytes.readBigInt64BE(43),
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    control: isControl ? controlOf(bytes) : undefined,
    records: () => readRecords(bytes, baseOffset, attributes),
  };
}

/** Its only record's key: a version, then what became of the transaction. */
function controlOf(bytes: Buffer): 'commit' | 'abort' {
  const { position } = bodyOf(bytes, HEAD_BYTES);
  return bytes.readInt16BE(readVarint(bytes, position).next + 2) === ABORT ? 'abort' : 'commit';
}

function readRecords(bytes: Buffer, baseOffset: number, attributes: number): LogRecord[] {
  const count = bytes.readInt32BE(57);
  const baseMs = Number(bytes.readBigInt64BE(27));
  const takenMs = (attributes & LOG_APPEND_TIME) === 0 ? undefined : Number(bytes.readBigInt64BE(35));
  const content = decompressed(bytes.subarray(HEAD_BYTES), attributes & COMPRESSION);
  const records: LogRecord[] = [];
  for (let i = 0, at = 0; i < count; i += 1) {
    const body = bodyOf(content, at);
    const { key, value, headers } = readBody(content, body.position);
    records.push({
      offset: baseOffset + body.offsetDelta,
      timeMs: takenMs ?? baseMs + body.timeDelta,
      key,
      value,
      headers,
    });
    at = body.end;
  }
  return records;
}

function decompressed(content: Buffer, compression: number): Buffer {
  if (compression === 0) return content;
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (algorithm === undefined)
    throw new Fault('LOG_ROTTEN', `A record batch is compressed by method ${compression}, which does not exist.`);
  return algorithm.decompressSync(content);
}

interface Body {
  readonly position: number;
  readonly end: number;
  readonly timeDelta: number;
  readonly offsetDelta: number;
}

function bodyOf(bytes: Buffer, at: number): Body {
  const length = readVarint(bytes, at);
  const timeDelta = readVarint(bytes, length.next + 1);
  const offsetDelta = readVarint(bytes, timeDelta.next);
  return {
    position: offsetDelta.next,
    end: length.next + length.value,
    timeDelta: timeDelta.value,
    offsetDelta: offsetDelta.value,
  };
}

function readBody(bytes: Buffer, from: number): Pick<LogRecord, 'key' | 'value' | 'headers'> {
  const key = readText(bytes, from);
  const value = readBytes(bytes, key.next);
  const count = readVarint(bytes, value.next);
  const headers: [string, Buffer][] = [];
  let at = count.next;
  for (let i = 0; i < count.value; i += 1) {
    const name = readText(bytes, at);
    const content = readBytes(bytes, name.next);
    headers.push([name.text ?? '', content.bytes]);
    at = content.next;
  }
  return { key: key.text, value: value.bytes, headers };
}

const EMPTY = Buffer.alloc(0);

/** What is null in the record is empty here. */
function readBytes(bytes: Buffer, at: number): { readonly bytes: Buffer; readonly next: number } {
  const { value: length, next } = readVarint(bytes, at);
  return length <= 0 ? { bytes: EMPTY, next } : { bytes: bytes.subarray(next, next + length), next: next + length };
}

/** Without a Buffer in between, which costs more than the text. */
function readText(bytes: Buffer, at: number): { readonly text: string | null; readonly next: number } {
  const { value: length, next } = readVarint(bytes, at);
  if (length < 0) return { text: null, next };
  return { text: bytes.toString('utf8', next, next + length), next: next + length };
}
