/**
 * One catalogue of what can go wrong for reasons outside our code: each code with what happened and what to do.
 * Whatever is thrown on purpose is a `Fault`; everything else is a bug and is reported as one.
 */
interface CatalogueEntry {
  /** The HTTP status that a producer gets when a request ends with this fault. */
  readonly status: number;
  /** For the reference: one sentence, of all that have this code. The fault's message tells of the one at hand. */
  readonly what: string;
  /** For whoever reads it at a terminal: one sentence, imperative. */
  readonly todo: string;
}

export const catalogue = {
  CONFIG_INVALID: {
    status: 500,
    what: 'A setting is unknown, missing, or not of the form that is expected.',
    todo: 'Correct the named setting in the configuration file or the environment.',
  },
  USAGE: {
    status: 400,
    what: 'A command, a query or a call was given arguments that it cannot use.',
    todo: 'Run the command with --help.',
  },
  PIPELINE_INVALID: {
    status: 500,
    what: 'The definition of a pipeline contradicts itself, its schema or another pipeline.',
    todo: 'Correct the named part of the pipeline definition.',
  },
  DATA_DIR_IN_USE: {
    status: 500,
    what: 'Another process writes the data directory; one at a time may.',
    todo: 'Stop the other process that runs on this data directory, or choose another one (--data-dir).',
  },
  NOT_JSON: {
    status: 400,
    what: 'The body of a package is neither JSON nor NDJSON, or its JSON is neither an array nor an object.',
    todo: 'Send a JSON array of events, one event as a JSON object, or NDJSON.',
  },
  BODY_INCOMPLETE: {
    status: 400,
    what: 'The body ended, or its connection did, before the length or the end that it had announced.',
    todo: 'Send the whole body, and close it where it says it ends.',
  },
  BODY_CORRUPT: {
    status: 400,
    what: 'The body cannot be decompressed as its Content-Encoding says.',
    todo: 'Compress the body as its Content-Encoding says.',
  },
  BODY_TIMEOUT: {
    status: 408,
    what: 'Nothing of the body came for too long.',
    todo: 'Send the body without long pauses.',
  },
  PACKAGE_TOO_LARGE: {
    status: 413,
    what: 'The package has more events or more decompressed bytes than its source, its key or the server takes.',
    todo: 'Split the package; a single request, shorten.',
  },
  CONTENT_ENCODING_UNSUPPORTED: {
    status: 415,
    what: 'The body is compressed in a way that the server does not know.',
    todo: 'Use gzip, br, zstd, or no content encoding.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    status: 415,
    what: 'The Content-Type names a charset or a format that the server does not read.',
    todo: 'Send JSON or NDJSON, or where single requests are taken JSON or a form, in UTF-8.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    what: 'The Idempotency-Key header is empty, too long, given twice, or holds other characters than it may.',
    todo: 'Use a key of 1 to 255 visible ASCII characters.',
  },
  KEY_REQUIRED: {
    status: 401,
    what: 'The source takes events with a key only, and the request brought none.',
    todo: 'Send "Authorization: Bearer <key>" or "X-API-Key: <key>"; tributary keys add makes a key.',
  },
  KEY_REFUSED: {
    status: 401,
    what: 'The key of the request is unknown, revoked or expired.',
    todo: 'Use a key that tributary keys list shows as active; tributary keys add makes one.',
  },
  ADMIN_TOKEN_REQUIRED: {
    status: 401,
    what: 'The route is for admins, and the request brought no token or a wrong one.',
    todo: 'Send "Authorization: Bearer <token>" with a token of the server; commands take it from TRIBUTARY_ADMIN_TOKEN or TRIBUTARY_ADMIN_TOKEN_FILE.',
  },
  FORBIDDEN: {
    status: 403,
    what: 'The key or token is good, but not for what was asked.',
    todo: 'Use a key or token that is for this.',
  },
  RATE_LIMITED: {
    status: 429,
    what: 'The key has sent more requests than it may in that time.',
    todo: 'Send again after Retry-After seconds, and less often.',
  },
  ACCESS_NOT_SET_UP: {
    status: 500,
    what: 'The server would be reachable from other machines with nothing to guard it.',
    todo: 'Make a key with tributary keys add <name>, set TRIBUTARY_ADMIN_TOKEN or TRIBUTARY_ADMIN_TOKEN_FILE, or listen on 127.0.0.1.',
  },
  KEY_UNKNOWN: {
    status: 404,
    what: 'No key has the id that was given.',
    todo: 'tributary keys list shows the keys and their ids.',
  },
  KEY_FILE_DAMAGED: {
    status: 500,
    what: 'The file of a key is not what was written to it.',
    todo: 'Remove the named file, and make a new key with tributary keys add.',
  },
  TLS_INVALID: {
    status: 500,
    what: 'The certificate or its private key cannot be read, or they do not belong together.',
    todo: 'Correct tls.certFile and tls.keyFile, or the files that they name.',
  },
  NOT_FOUND: {
    status: 404,
    what: 'The server has nothing at that path.',
    todo: 'Correct the path; /openapi.json lists what there is.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    what: 'The path takes other methods than the one of the request.',
    todo: 'Use a method that the Allow header names.',
  },
  URL_INVALID: {
    status: 400,
    what: 'The path of the request cannot be read.',
    todo: 'Percent-encode the path: a % stands before two hexadecimal digits, and all of it is UTF-8.',
  },
  URL_TOO_LONG: {
    status: 414,
    what: 'A part of the path is longer than the server takes.',
    todo: 'Shorten what stands between the slashes.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    what: 'The request line and the headers together are larger than the server takes.',
    todo: 'Shorten the query, or send fewer or shorter headers.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    what: 'The headers or the body of the request were too slow in coming.',
    todo: 'Send the request without long pauses.',
  },
  HTTP_INVALID: {
    status: 400,
    what: 'What arrived cannot be read as HTTP.',
    todo: 'Speak HTTP/1.1 to this port, or HTTPS where the server has a certificate.',
  },
  REQUEST_INVALID: {
    status: 400,
    what: 'The path, the query, a header or the body of a request is not what its route takes, or its event is refused.',
    todo: 'Correct what the message names.',
  },
  BUSY: {
    status: 503,
    what: 'The log had no room in time, or the work has to wait for other work that is under way.',
    todo: 'Send the package again after Retry-After seconds.',
  },
  LOG_FULL: {
    status: 503,
    what: 'The disk of the log is full, or so nearly that the rest is kept for what is under way.',
    todo: 'Free disk space; the log takes events again by itself.',
  },
  LOG_FAILED: {
    status: 503,
    what: 'A write to the log failed, so that it takes nothing more until it has been recovered.',
    todo: 'See the cause in the log lines; restarting recovers the log.',
  },
  LOG_UNAVAILABLE: {
    status: 503,
    what: 'The Kafka brokers cannot be reached, or do not answer in time.',
    todo: 'Start the Kafka brokers, or correct KAFKA_BROKERS, KAFKA_TLS or KAFKA_USERNAME; what waits goes on by itself.',
  },
  LOG_MISSING: {
    status: 404,
    what: 'The data directory has no log yet.',
    todo: 'Start Tributary on this data directory first, or correct it (--data-dir).',
  },
  LOG_ROTTEN: {
    status: 500,
    what: 'A part of the log that was durable is not as it was written.',
    todo: 'Restore the named segment from a backup, or move it away and accept the loss of what it names.',
  },
  TOPIC_UNKNOWN: {
    status: 404,
    what: 'The log has no topic of that name.',
    todo: 'Create the topic, or correct its name.',
  },
  TOPIC_MISMATCH: {
    status: 500,
    what: 'A topic exists with other partitions than were asked for.',
    todo: 'Partitions of an existing topic can be added, not taken away.',
  },
  OFFSET_OUT_OF_RANGE: {
    status: 416,
    what: 'The offset is not among those that the topic holds.',
    todo: 'Read from the start or the end of what the topic still holds.',
  },
  STATE_FULL: {
    what: 'The disk of the keyed state is full, or so nearly that the rest is kept for what is under way.',
    status: 503,
    todo: 'Free disk space.',
  },
  STATE_UNAVAILABLE: {
    status: 503,
    what: 'The server of the keyed state does not answer, refuses us, or is not set up as it has to be.',
    todo: 'See to the Redis (REDIS_URL) or PostgreSQL (DATABASE_URL) of the message; what waits for it goes on by itself.',
  },
  VIEW_PARTIAL: {
    status: 409,
    what: 'The log has let go of records that a view which is rebuilt would be without.',
    todo: 'Keep the view as it is, or add --partial to have it without them.',
  },
  VIEW_BEHIND: {
    status: 503,
    what: 'A view has not counted yet what was in the log when it was asked.',
    todo: 'Ask again; where it stays so, see whether its store takes commits, and `tributary lag`.',
  },
  STATE_BUSY: {
    status: 503,
    what: 'The keyed state could not be opened in time, since another process has it.',
    todo: 'Try again; where it stays so, end the stopped process that has the named file open.',
  },
  STATE_MISSING: {
    status: 404,
    what: 'The data directory has no keyed state yet.',
    todo: 'Start Tributary on this data directory first, or correct it (--data-dir).',
  },
  SCHEMA_UNKNOWN: {
    status: 404,
    what: 'The registry has no such schema, subject, version or setting.',
    todo: 'Register the schema, or correct the subject, version or id.',
  },
  SCHEMA_MISSING: {
    status: 503,
    what: 'The schema by which a pipeline checks events is not in the registry any more, or cannot be used.',
    todo: 'Register the schema of the pipeline again; until then its events are not taken.',
  },
  SCHEMA_INVALID: {
    status: 422,
    what: 'The text of a schema, or what was asked of the registry, is not valid.',
    todo: 'Correct the schema where the message says.',
  },
  SCHEMA_INCOMPATIBLE: {
    status: 409,
    what: 'The schema breaks what the compatibility level of its subject promises.',
    todo: 'Change the schema so that old and new can read each other (tributary schemas check), or lower the compatibility level.',
  },
  SCHEMA_CHANGE_REFUSED: {
    status: 422,
    what: 'The registry does not allow the change, or not now.',
    todo: 'See the mode of the registry and of the subject, and what refers to it.',
  },
  SCHEMA_REGISTRY_UNAVAILABLE: {
    status: 503,
    what: 'The schema registry does not answer, or not as one.',
    todo: 'Start the schema registry, or correct its address (--url, SCHEMA_REGISTRY_URL).',
  },
  SCHEMA_REGISTRY_MISSING: {
    status: 404,
    what: 'The data directory has no schema registry yet.',
    todo: 'Register a schema or start Tributary on this data directory first, or correct it (--data-dir).',
  },
  OBJECT_KEY_INVALID: {
    status: 500,
    what: 'A pipeline made a key for an object that no object store takes.',
    todo: 'Percent-encode values before they become part of an object key.',
  },
  OBJECT_EXISTS: {
    status: 500,
    what: 'An object is there already that holds something else.',
    todo: 'The objects of another log are here: choose another object directory or bucket, or move those objects away.',
  },
  OBJECTS_UNAVAILABLE: {
    status: 503,
    what: 'The object store cannot be reached, or refuses what was asked of it.',
    todo: 'Start the object store, or correct S3_BUCKET, S3_ENDPOINT, the AWS_ variables or the rights on the bucket; what waits goes on by itself.',
  },
  WAREHOUSE_IN_USE: {
    status: 500,
    what: 'Another PostgreSQL runs on the files of the warehouse.',
    todo: 'Stop the other PostgreSQL that runs on this data directory.',
  },
  WAREHOUSE_UNAVAILABLE: {
    status: 503,
    what: 'PostgreSQL cannot be reached, or refuses the connection.',
    todo: 'Start PostgreSQL, or correct DATABASE_URL.',
  },
  WAREHOUSE_DENIED: {
    status: 503,
    what: 'PostgreSQL does not let our role do what landing takes.',
    todo: 'Run what tributary warehouse grants prints, as an administrator of the database; what waits goes on by itself.',
  },
  WAREHOUSE_TABLE_DIFFERS: {
    status: 500,
    what: 'The table of a sink exists with other columns than the pipeline declares.',
    todo: 'Rename or alter the existing table so that it has the columns that the pipeline declares.',
  },
  WAREHOUSE_TABLE_MISSING: {
    status: 503,
    what: 'A table that an app reads is not in the warehouse.',
    todo: 'Load it: tributary rates init loads those of rates.',
  },
  WAREHOUSE_TABLE_EXISTS: {
    status: 409,
    what: 'A table that was to be loaded is in the warehouse already.',
    todo: 'Keep it, or add --replace to have it loaded anew.',
  },
  DUMP_INVALID: {
    status: 422,
    what: 'A file is no plain dump of the tables that it was to be, or its rows contradict them.',
    todo: 'Make it by pg_dump --format=plain of these tables; nothing of it was loaded.',
  },
  CHECKPOINT_STALE: {
    status: 409,
    what: 'Another process has gone on with the partition since this one took it.',
    todo: 'Nothing: another process has the partition now, and this one goes on from where that is.',
  },
  STATE_NOT_SHARED: {
    status: 500,
    what: 'Nodes that share the partitions of a topic keep their checkpoints in different places.',
    todo: 'Give all nodes the same DATABASE_URL: with KAFKA_BROKERS, checkpoints are kept there.',
  },
  CHECKPOINT_LOST: {
    status: 500,
    what: 'A table has rows, and nothing says up to where they came from the log.',
    todo: 'Bring tributary_checkpoints along with the table, from the database that its rows came from; or rename or drop the table, and it is filled again from the log.',
  },
  DEAD_LETTER_UNKNOWN: {
    status: 404,
    what: 'There is no dead letter of that id.',
    todo: 'tributary dead-letters list shows those that are.',
  },
  DEAD_LETTER_REPLAYED: {
    status: 409,
    what: 'The dead letter has been replayed and can no longer be changed.',
    todo: 'Nothing: its event is in the log. tributary events show follows it.',
  },
  DEAD_LETTER_CHANGED: {
    status: 409,
    what: 'The dead letter was edited by somebody else in the meantime.',
    todo: 'Look at the letter as it is now, and edit that.',
  },
  REPAIR_INVALID: {
    status: 400,
    what: 'The filter, the edit or the patch for dead letters is not of the form that is taken.',
    todo: 'Correct what the message names; --help has examples.',
  },
  REPLAY_IMPOSSIBLE: {
    status: 409,
    what: 'The pipeline does not tell how what it has landed can be found again.',
    todo: 'Change the pipeline as the message says, and ask again.',
  },
  EVENT_UNKNOWN: {
    status: 404,
    what: 'No event or package of that id is known here.',
    todo: 'Correct the id, or look on the data directory that took the event (--data-dir).',
  },
  SERVER_UNREACHABLE: {
    status: 503,
    what: 'The command needs the running server, and could not connect to it.',
    todo: 'Start it (tributary start), or name where it runs (--to URL): only the running server writes the log.',
  },
  SERVER_SILENT: {
    status: 504,
    what: 'The server took the connection and did not answer in time.',
    todo: 'See its log lines, and whether its machine or its disk stands still.',
  },
  SERVER_REFUSED: {
    status: 502,
    what: 'The server broke off, or refused what the command asked.',
    todo: 'Do what the message says, and run the command again: what is done is not done twice.',
  },
  PROGRAM_MISSING: {
    status: 500,
    what: 'A program that the command starts is not on this machine, and comes from no package registry.',
    todo: 'Install what is named, and run the command again.',
  },
  BATCH_REJECTED: {
    status: 422,
    what: 'Rows of a batch are not what the table takes, so that none of them went in.',
    todo: 'Correct the rows that the errors name, and send the whole batch again; its Idempotency-Key is free.',
  },
  BATCH_UNDER_WAY: {
    status: 409,
    what: 'A batch with the same Idempotency-Key has not ended yet.',
    todo: 'Send the batch again after Retry-After seconds, or ask for the state of the one that is named.',
  },
  IDEMPOTENCY_KEY_USED: {
    status: 422,
    what: 'Another batch, with other rows, went in under the same Idempotency-Key.',
    todo: 'Use a key of its own for each batch; the one that is named keeps its rows.',
  },
  BATCH_UNKNOWN: {
    status: 404,
    what: 'There is no batch of that id.',
    todo: 'Correct the id: it is batch_id in every answer to a batch.',
  },
  PIPELINE_HALTED: {
    status: 503,
    what: 'An event could not be processed, and the pipeline is told to stop rather than to set it aside.',
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
