/** Which keys keyed state takes, whatever it stands on. */

/** LMDB takes 1,978 bytes, of which its expiry index needs seven. */
const maxKeyBytes = 1_900;

/**
 * Its length in UTF-8.
 * @throws RangeError where the key is too long or not well-formed Unicode: two such keys could become one in UTF-8
 */
export function checkedLength(key: string): number {
  if (!key.isWellFormed()) throw new RangeError(`state key ${JSON.stringify(key)} has a lone surrogate`);
  const length = Buffer.byteLength(key);
  if (length > maxKeyBytes)
    throw new RangeError(`state key of ${length} bytes: at most ${maxKeyBytes} (${key.slice(0, 40)}...)`);
  return length;
}

/** @throws RangeError as `checkedLength` */
export function keyBytes(key: string): Buffer {
  checkedLength(key);
  return Buffer.from(key);
}
