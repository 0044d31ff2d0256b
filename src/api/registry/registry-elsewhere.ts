/** `/registry` of a server whose schema registry is another server: whoever asks is told where that is. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { RegistryFault } from '../../schemas/registry-fault.ts';
import { answerError, registryLogs, registryPrefix } from './answer.ts';
import type { Asked } from './request.ts';

export interface RegistryElsewhereOptions {
  /** Without user and password. */
  readonly address: string;
  readonly logger: Logger;
}

export function mountRegistryElsewhere(app: FastifyInstance, { address, logger }: RegistryElsewhereOptions): void {
  const message = `the schema registry of this server is at ${address}`;
  const logs = registryLogs(logger);
  for (const path of [registryPrefix, `${registryPrefix}/*`])
    app.all(path, (request, reply): FastifyReply => {
      const fault = new RegistryFault('NOT_FOUND', 404, message);
      return answerError(fault, request as Asked, reply, logs);
    });
}
