/**
 * Paths and names as the system has them, of any bytes, in strings of which each character is a byte (latin1): they are joined, compared and
 * sent to a thread sooner than buffers. Never to be shown (`shownName`), nor given to the system as they are (`bytesOf`).
 */
export type BytePath = string;

export function bytesOf(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** Of text, as file systems have it. */
export function bytePath(text: string): BytePath {
  return Buffer.from(text).toString('latin1');
}

export function joined(directory: BytePath, name: BytePath): BytePath {
  if (directory === '') return name;
  return name === '' ? directory : `${directory}/${name}`;
}

export function nameIn(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1);
}
