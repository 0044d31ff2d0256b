/**
 * `Expect: 100-continue`: whoever asks before it sends a body is told to go on when somebody begins to read it, not before. So a package
 * that is refused for its key, its rate, its announced size or a log without room is never sent. Node.js closes the connection
 * behind an answer that came without `100 Continue`, since a body might still follow.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** A stream is read by whoever listens to one of these. */
const readingEvents: ReadonlySet<string | symbol> = new Set(['readable', 'data']);

export function continueWhenRead(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, answer: ServerResponse) => {
    const onListener = (event: string | symbol): void => {
      if (!readingEvents.has(event)) return;
      request.off('newListener', onListener);
      if (!answer.headersSent) answer.writeContinue();
    };
    request.on('newListener', onListener);
    server.emit('request', request, answer);
  });
}
