/**
 * A pipeline as its author writes it: a plain description, checked when it is made. Nothing here reads the
 * environment, touches a disk or opens a socket.
 */
import type { Timestamp } from '../event/time.ts';
import type { Columns, Row, RowValues } from './columns.ts';
import type { View } from './views.ts';

/** An event as it arrived, parsed: what `normalise` is given. Own properties only; names such as `__proto__` are ordinary. */
export type JsonObject = { readonly [name: string]: unknown };

/** Receives packages of events at `POST <path>`. */
export interface HttpSource {
  readonly kind: 'http';
  readonly path: string;
  /** Events a package, at most. */
  readonly maxEvents: number;
  /** Bytes a package, at most, after decompression. */
  readonly maxPackageBytes: number;
  /** Default: a package is an array of events, one event, or NDJSON, and each event is taken or refused by itself. */
  readonly envelope?: Envelope;
}

/**
 * A package is an object with its events in a member, and is taken or refused as a whole: where an event is invalid, or the body is no
 * such object, it is answered 400, nothing of it goes further, and the body is one dead letter.
 */
export interface Envelope {
  /** The member that is an array of the events. Others are passed over. */
  readonly events: string;
  /** The JSON that a producer is answered with 200, once its events are durable. */
  readonly answer: (taken: TakenPackage) => object;
}

export interface TakenPackage {
  /** UUID, RFC 9562 version 8: the correlation id of its first event. */
  readonly packageId: string;
  /** How many events it has. */
  readonly accepted: number;
}

/** Each request is one event, answered with a text once it is durable. */
export interface RequestSource<Event> {
  readonly kind: 'requests';
  readonly endpoints: readonly RequestEndpoint<Event>[];
}

export interface RequestEndpoint<Event> {
  /** Received at `POST <path>`. */
  readonly path: string;
  /** Each stands exactly once in the query string, a form or a JSON object, or the request is refused (400). Others are passed over. */
  readonly parameters: readonly string[];
  /** Throws `Reject` for parameters that no event can be made of: the request is refused (400) and leaves nothing behind. */
  readonly event: (parameters: Readonly<Record<string, string>>, received: Received) => Event;
  /** The text of the answer. */
  readonly answer: (event: Event) => string;
}

/** Takes the files of directories: each version of a file is one package, whole and once (docs/guide/files.md). */
export interface FileSource {
  readonly kind: 'files';
  /** Relative ones stand in the working directory. The configuration may name others (`files`). */
  readonly directories: readonly string[];
  /** Names of files: `*` and `?` in ASCII, or a function of the name. Others, and hidden ones, are passed over. */
  readonly match: string | ((name: string) => boolean);
  /** Whether files in directories below count, too. Symbolic links are never followed. */
  readonly subdirectories: boolean;
  /** `json`: one document a file, an event or an array of them. `ndjson`: an event a line. */
  readonly format: 'json' | 'ndjson';
  /** What becomes of a file whose events are durable; `move`: into the directory `loaded` in the directory that it was found in. */
  readonly afterwards: 'leave' | 'move' | 'delete';
  /** A file that could be a half-written one counts as whole when it has not changed for so long. */
  readonly settledAfterMs: number;
  /** Larger files are told, and left alone. */
  readonly maxFileBytes: number;
  /** Directories are listed at least so often, however well they can be watched; longer where a listing takes longer than a tenth of it. */
  readonly listEveryMs: number;
}

/** What the source knows of where an event came from. */
export interface Received {
  /** When it came, UTC: of a request with microseconds; of a package with milliseconds, the time in its events' correlation ids. */
  readonly time: Timestamp;
  /** The directory as it was configured, and the path in it: `%` and what is no printable UTF-8 as `%XX`. Of what came in as a file. */
  readonly file?: string;
}

/** The newest schema of a subject in the registry validates what comes in; `Event` is its TypeScript type. */
export interface SubjectRef<Event> {
  readonly subject: string;
  readonly event?: Event;
}

/** What the log knows of an event beside its content. */
export interface RecordMetadata {
  /** UUID, RFC 9562 version 8; see `event/correlation-id.ts`. */
  readonly correlationId: string;
  /** When the log took the event, RFC 3339 in UTC with milliseconds. */
  readonly publishTime: string;
  readonly schemaId: number;
}

export interface TopicRef<Event> {
  readonly name: string;
  /** Events of one key keep their order. */
  readonly key: (event: Event) => string;
}

export interface Processing<Event, Output> {
  /**
   * Why an event goes no further: a word or two, one of a few, by which such events are counted; undefined for one that goes on. A pure
   * function. Default: all go on.
   */
  readonly filter?: (event: Event) => string | undefined;
  /** A pure function of its arguments: a batch that a crash interrupted is transformed again. Throws `Reject`. */
  readonly transform: (event: Event, metadata: RecordMetadata) => Output;
  /** What becomes of an event that the transform or a sink refuses. */
  readonly onInvalid: 'halt' | 'dead-letter' | 'drop';
  /** Events that come again land once. Default: each event lands. */
  readonly deduplicate?: Deduplication<Output>;
  readonly batch?: Partial<BatchLimits>;
}

/** Of events with one key the first in the log lands; the others are counted (`duplicate`). */
export interface Deduplication<Output> {
  /** A pure function. Events of one key come under one key of the topic, or they are not seen to be the same. Throws `Reject`. */
  readonly key: (event: Output) => string;
  /**
   * How long a key is remembered, counted from when its event landed; in whole hours, at most `longestWindowHours`. Whoever runs the pipeline can say
   * otherwise (the setting `deduplicationHours`).
   */
  readonly windowHours: number;
}

/** A year. */
export const longestWindowHours = 24 * 366;

/** A batch goes to the sinks when it is full or the interval is over, whichever comes first. */
export interface BatchLimits {
  /** Bytes of records in the log. Default 4 MiB (about 10,000 events of 400 bytes). */
  readonly maxBytes: number;
  /** Default 1,000 ms, counted from the batch's first event. */
  readonly flushIntervalMs: number;
  /**
   * A batch of so many events waits for no more. It takes all the same what else is there, up to `maxBytes`: what has waited for
   * a sink comes in large batches. Default: batches wait for `maxBytes` or the interval.
   */
  readonly flushEvents?: number;
}

export const defaultBatchLimits: BatchLimits = { maxBytes: 4 * 1024 * 1024, flushIntervalMs: 1_000 };

/** One object for each key prefix and batch: `<prefix>/<topic>-<partition>-<first offset>.json`, one event a line; in Parquet where the operator says so. */
export interface ObjectsSink<Output> {
  readonly kind: 'objects';
  readonly name: string;
  readonly key: (event: Output) => string;
}

export interface TableSink<Output> {
  readonly kind: 'table';
  readonly name: string;
  readonly columns: Columns;
  readonly partitionBy: { readonly column: string; readonly every: 'month' };
  readonly indexes: readonly (readonly string[])[];
  /** Which column holds the event's correlation id; without it, the pipeline cannot be replayed. */
  readonly correlationId?: string;
  readonly row: (event: Output) => RowValues;
}

/** Current state, and maybe its history: see `dimension` in `sinks.ts`. */
export interface DimensionSink<Output> {
  readonly kind: 'dimension';
  readonly name: string;
  readonly schema?: string;
  readonly columns: Columns;
  readonly key: readonly string[];
  readonly order: readonly string[];
  readonly keep: 'last' | 'first';
  /** Names the table of all versions. */
  readonly history?: string;
  readonly correlationId: string;
  readonly row: (event: Output) => RowValues | undefined;
}

export type SinkDefinition<Output> = ObjectsSink<Output> | TableSink<Output> | DimensionSink<Output>;

/** `Event` is inferred from the schema alone and `Output` from the transform; everything else is checked against them. */
export interface PipelineDefinition<Event extends object, Output extends object> {
  /** Lower-case letters, digits and hyphens; names metrics, checkpoints and dead letters. */
  readonly name: string;
  readonly source: HttpSource | RequestSource<NoInfer<Event>> | FileSource;
  /** From the event as it came in to the event that the schema describes. Throws `Reject`. Default: as it is. */
  readonly normalise?: (event: JsonObject, received: Received) => NoInfer<Event>;
  /** Members of the received event, objects, whose JSON text is kept digit by digit beside the event (see `json`). Default none. */
  readonly verbatim?: readonly (keyof NoInfer<Event> & string)[];
  readonly schema: SubjectRef<Event>;
  readonly topic: TopicRef<NoInfer<Event>>;
  readonly deadLetterTopic: string;
  readonly process: Processing<NoInfer<Event>, Output>;
  readonly sinks: readonly SinkDefinition<Output>[];
  /**
   * A directory of SQL files, `0001_name.sql` and so on, each applied once to the warehouse, when the tables of the sinks are there and
   * before events land. Default none.
   */
  readonly migrations?: URL;
  /** Aggregates that are kept up to date with the log. Default none. */
  readonly views?: readonly View<Output>[];
}

// oxlint-disable-next-line typescript/no-explicit-any -- functions of any event type fit here, and only `any` is both a sub- and a supertype
type AnyDefinition = PipelineDefinition<any, any>;

/** A pipeline whose types have done their work, with its defaults. */
export type Pipeline = Required<Omit<AnyDefinition, 'migrations'>> & Pick<AnyDefinition, 'migrations'>;

export type { Columns, Row };
