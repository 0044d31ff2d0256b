/** What apps are built from. */
export { definePipeline } from './pipeline/define-pipeline.ts';
export { files, http, type HttpGetOptions, type HttpPostOptions, type InboxOptions } from './pipeline/sources.ts';
export {
  bulk,
  day,
  integer,
  positiveInteger,
  type Bulk,
  type BulkColumn,
  type BulkDefinition,
  type BulkReference,
} from './pipeline/bulk.ts';
export {
  rest,
  type Incremental,
  type Pages,
  type Pull,
  type PullAuth,
  type PullDefinition,
  type PullTimeouts,
  type Variable,
} from './pipeline/pulls.ts';
export { registered } from './pipeline/subjects.ts';
export {
  dimension,
  objects,
  table,
  type DimensionOptions,
  type ObjectsOptions,
  type TableOptions,
} from './pipeline/sinks.ts';
export {
  bigint,
  boolean,
  double,
  jsonb,
  nullable,
  text,
  timestamp,
  timestamptz,
  uuid,
  type Column,
  type Columns,
  type Row,
} from './pipeline/columns.ts';
export {
  count,
  first,
  last,
  pairs,
  view,
  type Minute,
  type ReadView,
  type View,
  type ViewReader,
} from './pipeline/views.ts';
export { parseMinute } from './views/buckets.ts';
export type { Route, RouteRequest, Sql, SqlValue } from './pipeline/routes.ts';
export type { App, GenerateEvents, GenerateOptions } from './pipeline/app.ts';
export type { Dataset, DatasetTable, SampleOptions, SampleRow } from './pipeline/dataset.ts';
export type {
  BatchLimits,
  Deduplication,
  DimensionSink,
  Envelope,
  FileSource,
  HttpSource,
  Received,
  RequestEndpoint,
  RequestSource,
  JsonObject,
  ObjectsSink,
  Pipeline,
  PipelineDefinition,
  Processing,
  RecordMetadata,
  SinkDefinition,
  SubjectRef,
  TableSink,
  TakenPackage,
  TopicRef,
} from './pipeline/pipeline.ts';

export { Reject } from './event/reject.ts';
export { json, type Json } from './event/verbatim.ts';
export { percentEncodeSegment } from './event/object-key.ts';
export { dayOf, isTime, parseTime, timeFromEpochMs, timestampOf, type Time, type Timestamp } from './event/time.ts';
export { localTimeOf, type LocalTime } from './event/local-time.ts';
export { toUuid, type Uuid } from './event/ids.ts';
export { correlationIdParts, indexOf, packageOf, type CorrelationIdParts } from './event/correlation-id.ts';
