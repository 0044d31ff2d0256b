/**
 * What producers send by mistake or by malice. Each gets its right answer, while another producer beside it gets 200 as
 * always; the process lives, and its memory stays bounded (D6).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { brotliCompress, gzip, zstdCompress } from 'node:zlib';
import { collectEvent, packageOf, someUuid, stampNames } from '../support/collect-event.ts';
import { startGoodProducer } from '../support/good-producer.ts';
import { collect, httpRequest, type PackageAnswer, taken } from '../support/http-request.ts';
import { caughtUp, deadLettersOf, eventLinesOf, rowsOf } from '../support/landed.ts';
import { canMeasureMemory, peakMegabytes, resetPeak } from '../support/process-memory.ts';
import { type Program, startProgram } from '../support/program.ts';
import { beginUpload, openConnection } from '../support/raw-connection.ts';

const mib = 1024 * 1024;
const millions = 10_000_000;
/** Of the 5 s after which producers give up, on a machine that runs other tests beside this one. */
const slowestMs = 4_500;
const mostMegabytes = 450;
const good = collectEvent();

suite('bad input', () => {
  let dataDir: string;
  let program: Program;
  const acknowledged: string[] = [];
  const send = (body: string | Uint8Array, headers?: Readonly<Record<string, string>>) =>
    collect(program.url, body, headers);

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-bad-input-'));
    program = await startProgram({ dataDir });
  });
  after(async () => {
    await program.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  /**
   * A test whose input must cost the producer beside it nothing, and the process little memory.
   * @param input may answer what to check when all of it has landed
   */
  function attack(name: string, input: () => Promise<void | (() => Promise<void>)>): void {
    test(name, async (t) => {
      const pid = program.child.pid!;
      if (canMeasureMemory) await resetPeak(pid);
      const producer = startGoodProducer(program.url);
      t.after(async () => void (await producer.stop()));
      await producer.answer();
      const check = await input();
      await producer.answer();
      const report = await producer.stop();
      assertAlive();
      acknowledged.push(...report.acknowledged);
      assert.deepEqual(Object.keys(report.answers), ['200'], 'the good producer is answered 200');
      assert.ok(report.slowestMs < slowestMs, `the good producer waited ${report.slowestMs} ms`);
      if (check) {
        await caughtUp(dataDir);
        await check();
      }
      assertAlive();
      const peak = canMeasureMemory ? await peakMegabytes(pid) : 0;
      assert.ok(peak < mostMegabytes, `the process took ${peak} MB`);
    });
  }

  function assertAlive(): void {
    const { exitCode, signalCode } = program.child;
    const ended = exitCode ?? signalCode;
    assert.equal(ended, null, `the process ended with ${ended}:\n${program.log().slice(-2000)}`);
  }

  async function refused(
    body: string | Uint8Array,
    status: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const reply = await send(body, headers);
    assert.equal(reply.status, status, `${String(body.slice(0, 60))}: ${reply.text}`);
    const { error, message } = JSON.parse(reply.text) as { error: string; message: string };
    assert.ok(error !== '' && message !== '');
  }

  /** The package is taken, and each of the events is rejected at this path. */
  async function rejected(events: readonly string[], path: string): Promise<PackageAnswer> {
    const answer = await taken(program.url, packageOf([good, ...events]));
    assert.deepEqual(
      answer.errors.map((error) => [error.index, error.path]),
      events.map((_, i) => [i + 1, path]),
    );
    assert.equal(answer.accepted, 1);
    return answer;
  }

  attack('not JSON, truncated, a bare number or string: 400', async () => {
    for (const body of [
      '',
      ' ',
      'hello',
      '<a/>',
      '{"data":',
      '[{"data":{}',
      `[${good},`,
      `[${good}`,
      `${good}]`,
      `[${good}]x`,
    ])
      await refused(body, 400);
    for (const body of [
      '5',
      '-1.5',
      '"text"',
      'null',
      'true',
      'NaN',
      '[NaN]',
      `[${good} ${good}]`,
      '[,]',
      `[${good},]`,
    ])
      await refused(body, 400);
    for (const body of [
      `[${good.replace('1.5', 'NaN')}]`,
      `[${good.replace('1.5', '01')}]`,
      `[${good.replace('1.5', 'Infinity')}]`,
    ])
      await refused(body, 400);
    await refused(Buffer.from(`[${good}]`, 'utf16le'), 400);
  });

  attack('an event that is no object is rejected alone', async () => {
    await rejected(['5', '"text"', 'null', 'true', '[]', '1e400', '-0'], '');
  });

  attack('10 million nested brackets', async () => {
    await refused('['.repeat(millions), 400);
    await refused('{"a":'.repeat(millions / 2), 400);
    await refused(`${'['.repeat(millions)}${'}'.repeat(millions)}`, 400);
    await rejected([`${'['.repeat(millions)}${']'.repeat(millions)}`], '');
    await rejected([good.replace('1.5', `${'['.repeat(millions)}${']'.repeat(millions)}`)], '');
    const ndjson = await taken(program.url, `${good}\n${'['.repeat(millions)}\n${good}`, {
      'content-type': 'application/x-ndjson',
    });
    assert.deepEqual([ndjson.accepted, ndjson.rejected], [2, 1]);
    const levels = (n: number): string => good.replace('1.5', `1.5,"n":${'['.repeat(n)}${']'.repeat(n)}`);
    await rejected([levels(999)], ''); // with the event itself and data: 1,001
    assert.equal((await taken(program.url, levels(998))).accepted, 1);
  });

  attack('__proto__ and duplicate keys are ordinary keys', async () => {
    await rejected([`{"__proto__":${good}}`], 'data');
    await rejected(['{"data":{"__proto__":{"id":"a","amount":1}},"attributes":{}}'], 'data.id');
    const polluting = collectEvent({
      data: '{"id":"a","amount":1,"__proto__":{"toString":1},"constructor":{"prototype":{"x":1}}}',
    });
    assert.equal((await taken(program.url, packageOf([polluting, good]))).accepted, 2);
    await rejected([good.slice(0, -1).concat(',"data":5}')], 'data');
  });

  attack('lone surrogates, U+0000 and invalid UTF-8 are rejected alone', async () => {
    const dataIds = ['\\ud800', '\\udc00x', 'x\\uDBFF', '\\ud800\\ud800', '\\u0000', '\\udfff\\ud800'];
    await rejected(
      dataIds.map((id) => collectEvent({ data: `{"id":"${id}","amount":1}` })),
      'data.id',
    );
    await rejected([collectEvent({ data: '{"id":"a","amount":1,"\\ud800":1}' })], 'data');
    await rejected(
      [
        collectEvent().replace(
          JSON.stringify({ accountId: someUuid, userId: someUuid }),
          '"{\\"accountId\\":\\"\\\\u0000\\",\\"userId\\":\\"a\\"}"',
        ),
      ],
      'attributes.newContextStamp.accountId',
    );
    const bytes = Buffer.concat([
      Buffer.from(`[${good},{"data":"`),
      Buffer.from([0xc3, 0x28, 0xff]),
      Buffer.from(`"},${good}]`),
    ]);
    const answer = await taken(program.url, bytes);
    assert.deepEqual([answer.accepted, answer.errors.map(({ index }) => index)], [2, [1]]);
    const letter = (await deadLettersOf(dataDir)).find(({ packageId }) => packageId === answer.packageId);
    assert.equal(letter?.eventBase64, bytes.subarray(good.length + 2, -(good.length + 2)).toString('base64'));
  });

  attack('times that are none: year 0, year 10000, 30 February', async () => {
    const times = [
      '0000-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '+10000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z',
      '2026-06-30T23:59:60Z', '2026-01-01T24:00:00Z', '2026-01-01T00:00:00', '2026-01-01', '0001-01-01T00:00:00+00:01',
      '9999-12-31T23:59:59-00:01', 'now', '', 253_402_300_800_000, -62_135_596_800_001, 1.5, 1e300,
    ]; // prettier-ignore
    await rejected(
      times.map((time) => collectEvent({ time })),
      'attributes.timestampStamp',
    );
  });

  attack("an empty type, an API key's context, and amounts that are no numbers", async () => {
    await rejected([collectEvent({ type: '' })], 'attributes.type');
    await rejected([good.replace('"userId"', '"actor"')], 'attributes.newContextStamp.userId');
    await rejected(
      ['"1"', 'null', '[]', '{}', 'true'].map((amount) => good.replace('1.5', amount)),
      'data.amount',
    );
    const track = (id: string): string =>
      `${good.slice(0, -2)},"${stampNames().amplitudeTrack.replaceAll('\\', '\\\\')}":{"id":${id}}}}`;
    await rejected([track('-1'), track('1.5'), track('1e400'), track('"7"')], 'attributes.amplitudeTrackStamp.id');
  });

  attack(
    'what only the sinks can refuse is a dead letter, as it was received; what stands beside it lands (D2)',
    async () => {
      const random = Array.from({ length: 10_000 }, () =>
        String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 0x5000)),
      ).join('');
      const noId = [
        'none',
        '',
        someUuid.slice(1),
        '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
        '65f1a2b3c4d5e6f708192a3',
        `{${someUuid}}`,
      ];
      const odd = [
        ...noId.map((accountId) => collectEvent({ accountId })),
        collectEvent({ type: random }),
        collectEvent({ data: '{"id":"a","amount":1e200000}' }),
        collectEvent({ data: '{"id":"a","amount":1e-200000}' }),
      ];
      const fine = [
        collectEvent({ type: '../../etc' }),
        collectEvent({ type: 'a/b' }),
        collectEvent({ type: 'CON' }),
        collectEvent({ type: 'x'.repeat(300) }),
      ];
      const answer = await taken(
        program.url,
        packageOf(fine.flatMap((event, i) => [event, ...odd.slice(i * 3, i * 3 + 3)])),
      );
      assert.deepEqual(answer.errors, []);
      return async () => {
        const letters = (await deadLettersOf(dataDir)).filter(({ packageId }) => packageId === answer.packageId);
        const byIndex = letters.toSorted((a, b) => a.index - b.index);
        assert.deepEqual(new Set(letters.map(({ at }) => at)), new Set(['processor']));
        assert.deepEqual(
          byIndex.map(({ event }) => event),
          odd,
        );
        for (const { error } of byIndex) assert.notEqual(error.message, '');
        const prefix = answer.packageId.slice(0, 30);
        const rows = await rowsOf(
          dataDir,
          `SELECT type FROM events WHERE correlation_id BETWEEN '${answer.packageId}' AND '${prefix}ffffff' ORDER BY correlation_id`,
        );
        assert.deepEqual(
          rows,
          ['../../etc', 'a/b', 'CON', 'x'.repeat(300)].map((type) => ({ type })),
        );
        const lines = [...(await eventLinesOf(dataDir)).keys()].filter((id) => id.startsWith(prefix));
        assert.equal(lines.length, fine.length, 'what PostgreSQL refused is in no object');
      };
    },
  );

  attack('a decompression bomb: 413', async () => {
    const spaces = Buffer.alloc(16 * mib, ' ');
    for (const [encoding, compress] of Object.entries({ gzip, br: brotliCompress, zstd: zstdCompress })) {
      const part = await promisify(compress as typeof gzip)(Buffer.concat([spaces, spaces, spaces]));
      const body = encoding === 'br' ? part : Buffer.concat(Array<Buffer>(40).fill(part));
      await refused(body, 413, { 'content-encoding': encoding });
    }
    const empty = await promisify(gzip)('');
    await refused(Buffer.concat(Array<Buffer>(Math.ceil((66 * mib) / empty.length)).fill(empty)), 413, {
      'content-encoding': 'gzip',
    });
  });

  attack('a body that stops half-way: nothing of it is stored (D1)', async () => {
    const half = collectEvent({ data: '{"id":"half","amount":1}' });
    const connections = await Promise.all(
      Array.from({ length: 20 }, () => beginUpload(program.url, 100_000, `[${half},${half},`)),
    );
    for (const { socket } of connections.slice(10)) socket.destroy();
    for (const { socket } of connections.slice(0, 10)) socket.end();
    for (const { status } of connections.slice(0, 10))
      await status.then(
        (code) => assert.equal(code, 400),
        () => undefined,
      );
    await taken(program.url, good);
    const sql = `SELECT count(*) AS n FROM events WHERE data->>'id' = 'half'`;
    return async () => assert.deepEqual(await rowsOf(dataDir, sql), [{ n: 0 }]);
  });

  attack('too long a header: 431', async () => {
    assert.equal(
      (await httpRequest(`${program.url}/collect`, { body: '[]', headers: { 'x-long': 'x'.repeat(60_000) } })).status,
      431,
    );
    const { socket, status } = await openConnection(program.url);
    socket.write(`GET /ping HTTP/1.1\r\n${Array.from({ length: 3000 }, (_, i) => `x-${i}: y\r\n`).join('')}`);
    assert.equal(await status, 431);
    socket.destroy();
    const path = await openConnection(program.url);
    path.socket.write(`POST /${'x'.repeat(60_000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(await path.status, 431);
    path.socket.destroy();
    const junk = await openConnection(program.url);
    junk.socket.write('\x16\x03\x01 this is no HTTP\r\n\r\n');
    assert.equal(await junk.status, 400);
    junk.socket.destroy();
  });

  attack(
    'refused in the middle of a large upload: the answer arrives, also at a client that reads it last',
    async () => {
      await refused(`x${' '.repeat(30 * mib)}`, 400);
      await refused(`x${' '.repeat(100 * mib)}`, 413); // as announced
      await refused(`[${good}${' '.repeat(100 * mib)}]`, 413, { 'transfer-encoding': 'chunked' });
      const { socket, status } = await beginUpload(program.url, 30 * mib + 1, 'x');
      socket.pause();
      await new Promise((resolve) => socket.write(Buffer.alloc(30 * mib), resolve));
      socket.resume();
      assert.equal(await status, 400);
      socket.destroy();
    },
  );

  attack('slow senders that hold half a body each, more than the budget together', async () => {
    const halfBody = `[${collectEvent({ data: `{"id":"slow","amount":1,"x":"${'x'.repeat(mib)}` })}`.slice(0, mib);
    const slow = await Promise.all(Array.from({ length: 150 }, () => beginUpload(program.url, 2 * mib, halfBody)));
    const trickle = setInterval(() => slow.forEach(({ socket }) => socket.write('x'.repeat(500))), 300);
    try {
      // 64 MiB are held by then, and the good producer goes on
      for (let i = 0; i < 30; i++) assert.equal((await send(packageOf([good]))).status, 200);
      const evicted = await Promise.race(slow.map(({ status }) => status));
      assert.ok([408, 503].includes(evicted), `a slow sender that lost its place was answered ${evicted}`);
    } finally {
      clearInterval(trickle);
      for (const { socket } of slow) socket.destroy();
    }
  });

  test('everything that the good producer was acknowledged meanwhile has landed (D1, D3)', async () => {
    await caughtUp(dataDir);
    const rows = await rowsOf<{ id: string }>(dataDir, 'SELECT correlation_id AS id FROM events');
    const found = new Set(rows.map(({ id }) => id));
    assert.equal(found.size, rows.length);
    assert.deepEqual(
      acknowledged.filter((id) => !found.has(id)),
      [],
    );
  });
});
