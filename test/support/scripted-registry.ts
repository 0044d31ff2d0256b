/** An HTTP server in place of a schema registry, which answers as a test says, and tells what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Script = (request: IncomingMessage, response: ServerResponse) => void;

export interface ScriptedRegistry {
  readonly url: string;
  /** Method and path of each request. */
  readonly asked: readonly string[];
  /** From the next request on. */
  script: Script;
  close(): Promise<void>;
}

export async function startScriptedRegistry(script: Script): Promise<ScriptedRegistry> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    scripted.script(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scripted: ScriptedRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    script,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return scripted;
}

export function answerJson(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
  response.end(JSON.stringify(content));
}

/** As Confluent's says that it has no such thing. */
export function answerUnknown(response: ServerResponse, errorCode = 40401): void {
  answerJson(response, 404, { error_code: errorCode, message: 'not found' });
}
