/**
 * One catalogue of what can go wrong for reasons outside our code: each code with what happened and what to do.
 * Whatever is thrown on purpose is a `Fault`; everything else is a bug and is reported as one.
 */
interface CatalogueEntry {
  /** The HTTP status that a producer gets when a request ends with this fault. */
  readonly status: number;
  /** For whoever reads it at a terminal: one sentence, imperative. */
  readonly todo: string;
}

export const catalogue = {
  CONFIG_INVALID: { status: 500, todo: 'Correct the named setting in the configuration file or the environment.' },
  USAGE: { status: 400, todo: 'Run the command with --help.' },
  PIPELINE_INVALID: { status: 500, todo: 'Correct the named part of the pipeline definition.' },
  DATA_DIR_IN_USE: {
    status: 500,
    todo: 'Stop the other process that runs on this data directory, or choose another one (--data-dir).',
  },
  NOT_JSON: { status: 400, todo: 'Send a JSON array of events, one event as a JSON object, or NDJSON.' },
  BODY_INCOMPLETE: { status: 400, todo: 'Send the whole body, and close it where it says it ends.' },
  BODY_CORRUPT: { status: 400, todo: 'Compress the body as its Content-Encoding says.' },
  BODY_TIMEOUT: { status: 408, todo: 'Send the body without long pauses.' },
  PACKAGE_TOO_LARGE: { status: 413, todo: 'Split the package.' },
  CONTENT_ENCODING_UNSUPPORTED: { status: 415, todo: 'Use gzip, br, zstd, or no content encoding.' },
  CONTENT_TYPE_UNSUPPORTED: { status: 415, todo: 'Send JSON or NDJSON in UTF-8.' },
  IDEMPOTENCY_KEY_INVALID: { status: 400, todo: 'Use a key of 1 to 255 visible ASCII characters.' },
  KEY_REQUIRED: {
    status: 401,
    todo: 'Send "Authorization: Bearer <key>" or "X-API-Key: <key>"; tributary keys add makes a key.',
  },
  KEY_REFUSED: {
    status: 401,
    todo: 'Use a key that tributary keys list shows as active; tributary keys add makes one.',
  },
  ADMIN_TOKEN_REQUIRED: {
    status: 401,
    todo: 'Send "Authorization: Bearer <token>" with a token of the server; commands take it from TRIBUTARY_ADMIN_TOKEN or TRIBUTARY_ADMIN_TOKEN_FILE.',
  },
  FORBIDDEN: { status: 403, todo: 'Use a key or token that is for this.' },
  RATE_LIMITED: { status: 429, todo: 'Send again after Retry-After seconds, and less often.' },
  ACCESS_NOT_SET_UP: {
    status: 500,
    todo: 'Make a key with tributary keys add <name>, set TRIBUTARY_ADMIN_TOKEN or TRIBUTARY_ADMIN_TOKEN_FILE, or listen on 127.0.0.1.',
  },
  KEY_UNKNOWN: { status: 404, todo: 'tributary keys list shows the keys and their ids.' },
  KEY_FILE_DAMAGED: { status: 500, todo: 'Remove the named file, and make a new key with tributary keys add.' },
  TLS_INVALID: { status: 500, todo: 'Correct tls.certFile and tls.keyFile, or the files that they name.' },
  REQUEST_INVALID: { status: 400, todo: 'Correct what the message names.' },
  BUSY: { status: 503, todo: 'Send the package again after Retry-After seconds.' },
  LOG_FULL: { status: 503, todo: 'Free disk space; the log takes events again by itself.' },
  LOG_FAILED: { status: 503, todo: 'See the cause in the log lines; restarting recovers the log.' },
  LOG_MISSING: { status: 404, todo: 'Start Tributary on this data directory first, or correct it (--data-dir).' },
  LOG_ROTTEN: {
    status: 500,
    todo: 'Restore the named segment from a backup, or move it away and accept the loss of what it names.',
  },
  TOPIC_UNKNOWN: { status: 404, todo: 'Create the topic, or correct its name.' },
  TOPIC_MISMATCH: { status: 500, todo: 'Partitions of an existing topic can be added, not taken away.' },
  OFFSET_OUT_OF_RANGE: { status: 416, todo: 'Read from the start or the end of what the topic still holds.' },
  STATE_FULL: { status: 503, todo: 'Free disk space.' },
  STATE_BUSY: {
    status: 503,
    todo: 'Try again; where it stays so, end the stopped process that has the named file open.',
  },
  SCHEMA_UNKNOWN: { status: 404, todo: 'Register the schema, or correct the subject, version or id.' },
  SCHEMA_MISSING: {
    status: 503,
    todo: 'Register the schema of the pipeline again; until then its events are not taken.',
  },
  SCHEMA_INVALID: { status: 422, todo: 'Correct the schema where the message says.' },
  SCHEMA_INCOMPATIBLE: {
    status: 409,
    todo: 'Change the schema so that old and new can read each other (tributary schemas check), or lower the compatibility level.',
  },
  SCHEMA_CHANGE_REFUSED: {
    status: 422,
    todo: 'See the mode of the registry and of the subject, and what refers to it.',
  },
  SCHEMA_REGISTRY_UNAVAILABLE: {
    status: 503,
    todo: 'Start the schema registry, or correct its address (--url, SCHEMA_REGISTRY_URL).',
  },
  SCHEMA_REGISTRY_MISSING: {
    status: 404,
    todo: 'Register a schema or start Tributary on this data directory first, or correct it (--data-dir).',
  },
  OBJECT_KEY_INVALID: { status: 500, todo: 'Percent-encode values before they become part of an object key.' },
  OBJECT_EXISTS: {
    status: 500,
    todo: 'The objects of another log are here: choose another object directory or bucket, or move those objects away.',
  },
  OBJECTS_UNAVAILABLE: {
    status: 503,
    todo: 'Start the object store, or correct S3_BUCKET, S3_ENDPOINT, the AWS_ variables or the rights on the bucket; what waits goes on by itself.',
  },
  WAREHOUSE_IN_USE: { status: 500, todo: 'Stop the other PostgreSQL that runs on this data directory.' },
  WAREHOUSE_UNAVAILABLE: { status: 503, todo: 'Start PostgreSQL, or correct DATABASE_URL.' },
  WAREHOUSE_TABLE_DIFFERS: {
    status: 500,
    todo: 'Rename or alter the existing table so that it has the columns that the pipeline declares.',
  },
  CHECKPOINT_STALE: {
    status: 409,
    todo: 'Nothing: another process has the partition now, and this one goes on from where that is.',
  },
  CHECKPOINT_LOST: {
    status: 500,
    todo: 'Bring tributary_checkpoints along with the table, from the database that its rows came from; or rename or drop the table, and it is filled again from the log.',
  },
  DEAD_LETTER_UNKNOWN: { status: 404, todo: 'tributary dead-letters list shows those that are.' },
  DEAD_LETTER_REPLAYED: { status: 409, todo: 'Nothing: its event is in the log. tributary events show follows it.' },
  DEAD_LETTER_CHANGED: { status: 409, todo: 'Look at the letter as it is now, and edit that.' },
  REPAIR_INVALID: { status: 400, todo: 'Correct what the message names; --help has examples.' },
  REPLAY_IMPOSSIBLE: {
    status: 409,
    todo: 'Change the pipeline as the message says, and ask again.',
  },
  EVENT_UNKNOWN: {
    status: 404,
    todo: 'Correct the id, or look on the data directory that took the event (--data-dir).',
  },
  SERVER_UNREACHABLE: {
    status: 503,
    todo: 'Start it (tributary start), or name where it runs (--to URL): only the running server writes the log.',
  },
  SERVER_REFUSED: {
    status: 502,
    todo: 'Do what the message says, and run the command again: what is done is not done twice.',
  },
  PIPELINE_HALTED: {
    status: 503,
    todo: 'Repair the named event or the schema, or set onInvalid to dead-letter; then restart.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type FaultCode = keyof typeof catalogue;

/** An expected failure. `message` says what happened and where; `todo` what to do about it. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  get todo(): string {
    return catalogue[this.code].todo;
  }
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** What an error says. An AggregateError (each address of a host refused) has no message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
