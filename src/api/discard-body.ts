/** The rest of a body that is refused: read for a while and thrown away, so that the producer gets to see the answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';

const lingerMs = 5_000;

/** Closing at once would reset the connection under a producer that still sends, and it would never see the answer. */
export function discardBody(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request;
  if (raw.readableEnded || raw.destroyed) return;
  reply.raw.once('finish', () => {
    const timer = setTimeout(() => raw.socket.destroy(), lingerMs).unref();
    raw.once('close', () => clearTimeout(timer));
    raw.once('end', () => clearTimeout(timer));
    raw.resume();
  });
}
