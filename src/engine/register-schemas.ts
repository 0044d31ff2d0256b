/**
 * The project's schemas, registered at the start. Where the registry is a server that is down, and has taken each of them before, the
 * start goes on, and they are registered when it is back: nobody may have told it to forget them meanwhile.
 */
import { once } from 'node:events';
import type { Logger } from 'pino';
import { Fault, isFault } from '../errors.ts';
import { backoff } from '../processing/backoff.ts';
import type { OutsideRegistry } from '../schemas/cached-registry.ts';
import type { FileRegistry } from '../schemas/file-registry.ts';
import { loadSchemaFiles, readSchemaFiles } from '../schemas/schema-files.ts';

export interface RegisterSchemasOptions {
  /** Of the project's schemas. */
  readonly dir: string;
  readonly registry: FileRegistry | OutsideRegistry;
  readonly logger: Logger;
}

/**
 * @returns what ends the attempts to register them later
 * @throws Fault of the registry, with the file's path; SCHEMA_REGISTRY_UNAVAILABLE where one is not known to be registered
 */
export async function registerSchemas(options: RegisterSchemasOptions): Promise<() => Promise<void>> {
  const { dir, registry, logger } = options;
  try {
    await loadSchemaFiles({ dir, registry });
    return async () => undefined;
  } catch (error) {
    if (!isFault(error, 'SCHEMA_REGISTRY_UNAVAILABLE') || !('registeredBefore' in registry)) throw error;
    await checkRegisteredBefore(dir, registry, error);
    logger.warn({ err: error }, 'the schemas are those that the registry had; they are registered when it answers');
    return registerWhenBack(options);
  }
}

async function checkRegisteredBefore(dir: string, registry: OutsideRegistry, cause: Fault): Promise<void> {
  for (const { subject, type, schema } of await readSchemaFiles(dir)) {
    if (await registry.registeredBefore(subject, type, schema)) continue;
    const message = `${subject} cannot be registered, and was not before from this data directory: ${cause.message}`;
    throw new Fault(cause.code, message, { cause });
  }
}

function registerWhenBack(options: RegisterSchemasOptions): () => Promise<void> {
  const stopping = new AbortController();
  const running = register(options, stopping.signal);
  return async () => {
    stopping.abort();
    await running;
  };
}

async function register({ dir, registry, logger }: RegisterSchemasOptions, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    await backoff(attempt, signal);
    if (signal.aborted) return;
    try {
      await Promise.race([loadSchemaFiles({ dir, registry }), once(signal, 'abort')]);
      if (!signal.aborted) logger.info('the schemas are registered');
      return;
    } catch (error) {
      if (isFault(error, 'SCHEMA_REGISTRY_UNAVAILABLE')) continue;
      return logger.error({ err: error }, 'the registry is back, and does not take the schemas of the project');
    }
  }
}
