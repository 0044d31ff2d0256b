/** What a server is put together from, by main.ts; each of them is open. */
import type { Logger } from 'pino';
import type { Access } from '../access/access.ts';
import type { Certificate } from '../api/certificate.ts';
import type { Config } from '../config/config.ts';
import type { Repairs } from '../dead-letters/repairs.ts';
import type { Idempotency } from '../ingest/idempotency.ts';
import type { App } from '../pipeline/app.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Converter } from '../processing/convert.ts';
import type { Consumer } from '../processing/consumer.ts';
import type { VoidPackages } from '../processing/void-packages.ts';
import type { Codecs } from '../schemas/codecs.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Traces } from '../telemetry/tracing.ts';
import type { Engine } from './engine.ts';

export interface Parts {
  readonly config: Config;
  readonly engine: Engine;
  readonly apps: readonly App[];
  /** Theirs. */
  readonly pipelines: readonly Pipeline[];
  /** Of all pipelines of the configuration, also those that do not run here (`only`): the log keeps what they have not landed. */
  readonly consumers: readonly Consumer[];
  readonly codecs: Codecs;
  readonly idempotency: Idempotency;
  readonly repairs: Repairs;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly access: Access;
  readonly certificate: Certificate | undefined;
  /** Undefined where no exporter is configured. */
  readonly traces: Traces | undefined;
  /** Undefined for the platform's own. */
  readonly converter: Converter | undefined;
  readonly closeEngine: () => Promise<void>;
}

/** Where only this process appends, no package is ever void. */
export function voidsOf({ engine, idempotency }: Parts): VoidPackages | undefined {
  return engine.log.writtenEnd && idempotency;
}
