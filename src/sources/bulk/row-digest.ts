/** SHA-256 of rows' values, one after the other. Handed over in larger pieces: a call for each row takes longer than the rest of it. */
import { createHash } from 'node:crypto';

const pieceBytes = 64 * 1024;

export class RowDigest {
  readonly #hash = createHash('sha256');
  readonly #piece = Buffer.allocUnsafe(pieceBytes);
  #filled = 0;

  add(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#filled + length > pieceBytes) this.#flush();
    if (length > pieceBytes) this.#hash.update(bytes.subarray(start, end));
    else this.#filled += bytes.copy(this.#piece, this.#filled, start, end);
  }

  /** Once. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#piece.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
