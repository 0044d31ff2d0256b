/** Requests as bytes, of which only the uuid is written anew each time. */

/** Of a run: the same number gives the same uuid, so that followups find their initials. */
const restOfUuid = '-9d3a-4c51-a2f7-3be80d64c1e9';
const symbols = 'etaoinshrdlcumwfgypbvkjxqz';
const uuidDigits = 8;

export class PrebuiltRequest {
  readonly #bytes: Buffer;
  readonly #uuidAt: number;

  /** @param nth of the connection: which symbol it sends */
  constructor(path: string, nth: number) {
    const symbol = path === '/initial' ? `&symbol=${symbols[nth % symbols.length]}` : '';
    const target = `${path}?uuid=${'0'.repeat(uuidDigits)}${restOfUuid}${symbol}`;
    this.#bytes = Buffer.from(`POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`, 'latin1');
    this.#uuidAt = this.#bytes.indexOf('uuid=') + 5;
  }

  /** Valid until the next call. */
  withUuid(number: number): Buffer {
    this.#bytes.write(scattered(number).toString(16).padStart(uuidDigits, '0'), this.#uuidAt, 'latin1');
    return this.#bytes;
  }
}

export function getRequest(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 'latin1');
}

export function uuidOf(number: number): string {
  return scattered(number).toString(16).padStart(uuidDigits, '0') + restOfUuid;
}

/** Each number of 32 bits to another one, without their order, as uuids have none. */
function scattered(number: number): number {
  let mixed = number ^ (number >>> 16);
  mixed = Math.imul(mixed, 0x7feb352d);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
