/**
 * A schema compiled once: turns events into the registry's wire format and back (a zero byte, the schema id as four
 * bytes, big-endian, then the payload), and says where an event does not fit.
 */
export interface Codec {
  readonly schemaId: number;
  /** What stands behind the header is the event as JSON. */
  readonly writesJson: boolean;
  /**
   * The event in wire format, in a buffer that the next call overwrites.
   * @throws Reject where the event does not fit the schema: path and what was expected there
   */
  encode(event: unknown): Uint8Array;
  /** @throws Reject where the bytes are not of this schema */
  decode(wire: Uint8Array): unknown;
}
