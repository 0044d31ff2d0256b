/** What whoever asked can mend: a request, a command, a batch that is not as it has to be. */
import type { CatalogueEntry } from './catalogue-entry.ts';

export const refusals = {
  USAGE: {
    status: 400,
    what: 'A command, a query or a call was given arguments that it cannot use.',
    todo: 'Run the command with --help.',
  },
  NOT_JSON: {
    status: 400,
    what: 'The body of a package is neither JSON nor NDJSON, or its JSON is neither an array nor an object.',
    todo: 'Send a JSON array of events, one event as a JSON object, or NDJSON.',
  },
  PACKAGE_INVALID: {
    status: 400,
    what: 'A package that is taken or refused as a whole has an event that is invalid, or is not of the form that its source takes.',
    todo: 'Mend what errors names and send the package again. As it came it is a dead letter, which can be edited and replayed.',
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
    what: 'Nothing of the body came for too long, or all of it took too long.',
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
  KEY_UNKNOWN: {
    status: 404,
    what: 'No key has the id that was given.',
    todo: 'tributary keys list shows the keys and their ids.',
  },
  NOT_FOUND: {
    status: 404,
    what: 'The server has nothing at that path.',
    todo: 'Correct the path; /docs shows what there is, and /openapi.json lists it.',
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
  LOG_MISSING: {
    status: 404,
    what: 'The data directory has no log yet.',
    todo: 'Start Tributary on this data directory first, or correct it (--data-dir).',
  },
  TOPIC_UNKNOWN: {
    status: 404,
    what: 'The log has no topic of that name.',
    todo: 'Create the topic, or correct its name.',
  },
  OFFSET_OUT_OF_RANGE: {
    status: 416,
    what: 'The offset is not among those that the topic holds.',
    todo: 'Read from the start or the end of what the topic still holds.',
  },
  VIEW_PARTIAL: {
    status: 409,
    what: 'The log has let go of records that a view which is rebuilt would be without.',
    todo: 'Keep the view as it is, or add --partial to have it without them.',
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
  SCHEMA_REGISTRY_MISSING: {
    status: 404,
    what: 'The data directory has no schema registry yet.',
    todo: 'Register a schema or start Tributary on this data directory first, or correct it (--data-dir).',
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
    what: 'What the pipeline has landed cannot be found again, or not without what else is in it.',
    todo: 'Change the pipeline as the message says, and ask again; an object that reaches over several stretches cannot be replayed.',
  },
  EVENT_UNKNOWN: {
    status: 404,
    what: 'No event or package of that id is known here.',
    todo: 'Correct the id, or look on the data directory that took the event (--data-dir).',
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
  BATCH_CANCELLED: {
    status: 409,
    what: 'Somebody cancelled the batch before it was in, and nothing of it is.',
    todo: 'Send the batch again if it is to go in; its Idempotency-Key is free.',
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
  MODELS_INVALID: {
    status: 400,
    what: 'A file of a dbt project cannot be read, or uses what is not supported.',
    todo: 'Correct what the message names; docs/guide/models.md lists what of dbt is supported.',
  },
  MODELS_BUSY: {
    status: 409,
    what: 'Another run builds the models of this data directory.',
    todo: 'Wait for it to end, and run the command again; show and query work meanwhile.',
  },
  COMPACTION_UNDER_WAY: {
    status: 409,
    what: "The pipeline's objects are being merged by another process, or that was interrupted.",
    todo: 'Wait until that has ended; what was interrupted is ended by tributary compact.',
  },
  REPLAY_UNDER_WAY: {
    status: 409,
    what: "A replay is under way, which changes the pipeline's objects.",
    todo: 'Try again when it is done (tributary lag --wait).',
  },
  PULL_UNDER_WAY: {
    status: 409,
    what: 'Another process pulls the same entity, into the same data directory or on another node.',
    todo: 'Wait until it has ended (tributary runs list), and pull again.',
  },
  PULL_OVERTAKEN: {
    status: 409,
    what: 'Another node has gone on with the pull, as this one was not heard of for half a minute.',
    todo: 'Nothing: the other node has what there is, or will. Look at this one, if it happens again.',
  },
  RUN_UNKNOWN: {
    status: 404,
    what: 'There is no run of that id.',
    todo: 'tributary runs list shows those that are.',
  },
  RUN_NOT_DONE: {
    status: 409,
    what: 'A run is not done, and what it has fetched is nowhere yet.',
    todo: 'Pull again: it goes on where it stopped, or a new one begins (tributary runs list says why).',
  },
  OBJECT_MISSING: {
    status: 404,
    what: 'An object that was put is not in the object store.',
    todo: 'Look for who deletes there: somebody by hand, or a rule of the bucket. Nothing of Tributary does.',
  },
} as const satisfies Record<string, CatalogueEntry>;
