/**
 * Answers that go on for long: one JSON object a line, as the work proceeds. The last line tells that nothing is missing:
 * `{ "summary": { <result>: <count> } }`, or `{ "error", "message", "todo" }` where the work ended early.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import { internal, refusalBody } from '../answer-error.ts';

export interface StreamOptions {
  readonly logger: Logger;
  /** Said in the log line of what was done; of a dry run there is none. */
  readonly done: string | undefined;
  /** Aborted when the server drains (D8): work ends after the batch in hand, and can be begun again. */
  readonly stopping: AbortSignal;
}

export function sendOutcomes(
  reply: FastifyReply,
  batches: AsyncIterable<readonly { readonly result: string }[]>,
  options: StreamOptions,
): FastifyReply {
  reply.header('content-type', 'application/x-ndjson; charset=utf-8');
  return reply.send(Readable.from(lines(batches, options)));
}

async function* lines(
  batches: AsyncIterable<readonly { readonly result: string }[]>,
  { logger, done, stopping }: StreamOptions,
): AsyncGenerator<string> {
  const summary: Record<string, number> = {};
  try {
    for await (const outcomes of batches) {
      for (const { result } of outcomes) summary[result] = (summary[result] ?? 0) + 1;
      if (outcomes.length > 0) yield outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join('');
      if (stopping.aborted) throw new Fault('BUSY', 'the server is stopping');
    }
    yield `${JSON.stringify({ summary })}\n`;
  } catch (error) {
    if (!(error instanceof Fault)) logger.error({ err: error }, 'request failed half-way');
    yield `${JSON.stringify(error instanceof Fault ? refusalBody(error) : { ...internal, todo: '' })}\n`;
  } finally {
    if (done !== undefined) logger.info({ ...summary }, done);
  }
}
