/** An API of users, as the lake's, in a process of its own: `at-once/users` answers at once, `slow/users` after 20 ms. */
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MadeData } from '../../apps/lake/data-server/made-data.ts';
import { answerParent } from '../child.ts';

export interface ApiOptions {
  /** In all. */
  readonly items: number;
}

const most = 200;
const slowMs = 20;

/** Answers its URL. */
async function start({ items }: ApiOptions): Promise<string> {
  const lines = new MadeData('bench', { users: items, content: 0 }).users.map((user) => JSON.stringify(user));
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const body = pageOf(lines, Number(searchParams.get('offset')), Number(searchParams.get('limit')));
    void send(response, body, pathname.startsWith('/slow/') ? slowMs : 0);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function pageOf(lines: readonly string[], offset: number, asked: number): string {
  const limit = Math.min(most, asked);
  const page = lines.slice(offset, offset + limit);
  const has_more = offset + limit < lines.length;
  const next_offset = has_more ? offset + limit : -1;
  const said = { count: page.length, has_more, limit, next_offset, offset, total_users: lines.length };
  return `${JSON.stringify(said).slice(0, -1)},"users":[${page.join(',')}]}`;
}

async function send(response: ServerResponse, body: string, afterMs: number): Promise<void> {
  if (afterMs > 0) await sleep(afterMs);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(body);
}

const methods = { start };
export type ApiMethods = typeof methods;
answerParent(methods);
