/** What `tributary replay` says of a server's answers (D9). */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { runProgram } from '../support/program.ts';

const topic = 'events.raw';

/** A server on which these are planned, and these under way. */
async function serverWith(t: TestContext, planned: object[], underWay: object[]): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ replays: request.method === 'POST' ? planned : underWay }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const replay = (url: string, ...args: readonly string[]) =>
  runProgram(['replay', 'collect', '--from', '3', '--to', url, ...args]);

suite('tributary replay', () => {
  test('--wait waits for what it has asked for, whatever else stands still', async (t) => {
    const stopped = { pipeline: 'collect', topic, partition: 0, from: 0, next: 5, to: 9, stopped: 'rotten' };
    const planned = { topic, partition: 1, from: 3, to: 9, asked: 3 };
    const done = await replay(await serverWith(t, [planned], [stopped]), '--wait');
    assert.deepEqual([done.code, done.stderr], [0, '6 records have been replayed.\n']);
    const mine = await replay(await serverWith(t, [{ ...planned, partition: 0 }], [stopped]), '--wait');
    assert.equal(mine.code, 1);
    assert.match(mine.stderr, /the replay of events\.raw-0 stopped before offset 5: rotten/);
  });

  test('says which offsets do not land again, and when none does', async (t) => {
    const later = await replay(await serverWith(t, [{ topic, partition: 1, from: 5, to: 9, asked: 3 }], []));
    assert.match(later.stderr, /^offsets 3 to 5 of events\.raw-1 do not land again/);
    const none = await replay(await serverWith(t, [{ topic, partition: 1, from: 9, to: 9, asked: 12 }], []));
    assert.deepEqual([none.code, none.stderr], [0, 'Nothing that has landed is to land again.\n']);
  });
});
