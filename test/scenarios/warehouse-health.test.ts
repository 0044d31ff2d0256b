/** `/health/ready` tells whether the warehouse works; ready is whoever takes events, which wait in the log meanwhile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp } from '../support/landed.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { scratch, startFor } from '../support/program.ts';

const body = packageOf([collectEvent()]);

/** Stands before a server that a test wants to be away for a while. */
class Gate {
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #to: number;
  port = 0;

  constructor(to: number) {
    this.#to = to;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => {
      const behind = connect(this.#to, '127.0.0.1');
      for (const each of [socket, behind]) {
        this.#sockets.add(each);
        each.on('error', () => undefined).on('close', () => this.#sockets.delete(each));
      }
      socket.pipe(behind).pipe(socket);
    });
    this.#server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  async shut(): Promise<void> {
    const server = this.#server as Server;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (server.listening || this.#sockets.size > 0) await once(server, 'close');
  }
}

suite('health of the warehouse', { timeout: 120_000 }, () => {
  test('says what is wrong and since when, without the password, and that it is up again; ready all the while', async (t) => {
    const postgres = await startPostgresServer();
    t.after(() => postgres.stop());
    const { port, password } = new URL(postgres.url);
    const gate = new Gate(Number(port));
    await gate.open();
    t.after(() => gate.shut());
    const through = new URL(postgres.url);
    through.port = String(gate.port);
    await gate.shut();
    const env = { DATABASE_URL: through.href };
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir, env });

    const warehouse = async (expected: RegExp): Promise<string> => {
      for (;;) {
        const { status, text } = await httpRequest(`${program.url}/health/ready`);
        assert.equal(status, 200, text);
        assert.ok(!text.includes(password), text);
        const { parts } = JSON.parse(text) as { parts: { warehouse: string } };
        if (expected.test(parts.warehouse)) return parts.warehouse;
        await sleep(20);
      }
    };
    await taken(program.url, body);
    const first = await warehouse(/^not working since .*ECONNREFUSED/);
    await gate.open();
    await warehouse(/^up$/);
    await caughtUp(dataDir, env);
    await warehouse(/^up$/);

    await gate.shut();
    await taken(program.url, body);
    const again = await warehouse(/^not working since /);
    assert.ok(sinceOf(again) > sinceOf(first), `${first}\n${again}`);
    await warehouse(/ECONNREFUSED/);
    await gate.open();
    await caughtUp(dataDir, env);
    await warehouse(/^up$/);
    assert.ok(!program.log().includes(password));
    assert.equal(await program.kill('SIGTERM'), 0);
  });
});

function sinceOf(part: string): number {
  return Date.parse(/since (\S+):/.exec(part)?.[1] ?? '');
}
