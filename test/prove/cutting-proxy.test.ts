import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { CuttingProxy } from '../../src/prove/cluster/cutting-proxy.ts';
import { until } from '../support/until.ts';

suite('the proxy of the cluster proof', { timeout: 30_000 }, () => {
  test('passes everything on, and the end of it', async (t) => {
    const { proxy } = await echoBehind(t);
    const sent = Buffer.alloc(3_000_000, 'abc');
    const socket = connect(proxy.port, '127.0.0.1');
    socket.end(sent);
    assert.ok(Buffer.concat(await socket.toArray()).equals(sent));
  });

  test('cuts each connection after the bytes it is told, and none any more when it is told so', async (t) => {
    const { proxy, received } = await echoBehind(t);
    proxy.cut(() => 1_000);
    for (let cuts = 1; cuts <= 2; cuts += 1) {
      const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
      socket.write(Buffer.alloc(5_000));
      await once(socket, 'close');
      assert.equal(proxy.cuts, cuts);
    }
    await until(() => received() === 2_000);
    proxy.cut(undefined);
    assert.equal((await answerTo(await connected(t, proxy), 'whole')).toString(), 'whole');
  });

  test('holds back what goes either way, and lets it through in order', async (t) => {
    const { proxy, received } = await echoBehind(t);
    const socket = await connected(t, proxy);
    assert.equal((await answerTo(socket, 'a')).toString(), 'a');
    proxy.stall();
    socket.write('b');
    const late = await connected(t, proxy);
    const answer = answerTo(late, 'c');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(received(), 1, 'something went through');
    socket.write('d');
    const both = once(socket, 'data');
    proxy.goOn();
    assert.equal((await answer).toString(), 'c');
    let text = String((await both)[0]);
    while (text.length < 2) text += String((await once(socket, 'data'))[0]);
    assert.equal(text, 'bd');
  });

  test('ends connections where the server is gone', async (t) => {
    const { proxy, close } = await echoBehind(t);
    await close();
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'close');
  });
});

async function echoBehind(t: TestContext) {
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (data: Buffer) => (bytes += data.length));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await CuttingProxy.to((server.address() as AddressInfo).port);
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t.after(async () => {
    await proxy.close();
    await close();
  });
  return { proxy, received: () => bytes, close };
}

async function connected(t: TestContext, { port }: CuttingProxy): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function answerTo(socket: Socket, text: string): Promise<Buffer> {
  const answer = once(socket, 'data');
  socket.write(text);
  return (await answer)[0] as Buffer;
}
