/** What happens to a schema registry elsewhere, in log lines. */
import type { Logger } from 'pino';
import type { RegistryObserver } from '../schemas/cached-registry.ts';

export function registryObserver(logger: Logger): RegistryObserver {
  return {
    unreachable: (error) => logger.warn({ err: error }, 'the schema registry is out of reach; known schemas go on'),
    reachable: () => logger.info('the schema registry answers again'),
    distrusted: (error) => logger.error({ err: error }, 'the schema registry is not the one that it was'),
    notKept: (error) => logger.error({ err: error }, 'what is known of the schema registry was not read or kept'),
  };
}
