/** What apache-beam 2.49.0 expects of the process; to be imported before it. */
import util from 'node:util';

/** Node.js has it no more since 23; `serialize-closures` calls it. */
const expected = util as { isPrimitive?: (value: unknown) => boolean };
expected.isPrimitive ??= (value) => value === null || (typeof value !== 'object' && typeof value !== 'function');

/** Beam tells of every bundle by it, on standard output, which is the program's. Nothing of ours calls it. */
console.debug = () => undefined;
