/** Ten thousand connections that send nothing, or stop in their header, cost a producer beside them nothing (D6). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { startGoodProducer } from '../support/good-producer.ts';
import { httpRequest } from '../support/http-request.ts';
import { canMeasureMemory, peakMegabytes } from '../support/process-memory.ts';
import { scratch, startProgram } from '../support/program.ts';
import { openConnection, type RawConnection } from '../support/raw-connection.ts';

/** Files that program and test have open besides. */
const otherFiles = 1_000;
/** Node raises its own limit to the hard one. */
const limit = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
const connectionCount = Math.min(10_000, limit === 'unlimited' ? Infinity : Number(limit) - otherFiles);
const atOnce = 200;
/** A connection costs some 10 KB. */
const mostMegabytes = 350;
const slowestMs = 2_000;
/** Headers have 15 s, looked at every 5 s; the rest is for a machine that runs other tests beside this one. */
const closedAfterMs = 40_000;

const starts = ['', '', '', 'POST /collect HT', 'GET /ping HTTP/1.1\r\nHost: a\r\n'];

test(
  `${connectionCount} idle connections`,
  { skip: connectionCount < 1000 && `only ${limit} open files` },
  async (t) => {
    const program = await startProgram({ dataDir: await scratch(t) });
    t.after(() => program.kill('SIGKILL'));
    const producer = startGoodProducer(program.url);
    t.after(async () => void (await producer.stop()));
    const idle: RawConnection[] = [];
    t.after(() => idle.forEach(({ socket }) => socket.destroy()));
    while (idle.length < connectionCount) {
      const more = Array.from({ length: Math.min(atOnce, connectionCount - idle.length) }, () =>
        openConnection(program.url),
      );
      idle.push(...(await Promise.all(more)));
    }
    for (const [i, { socket }] of idle.entries()) socket.write(starts[i % starts.length]!);
    for (let i = 0; i < 20; i++) await producer.answer();
    const { answers, slowestMs: slowest } = await producer.stop();
    const open = idle.filter(({ socket }) => !socket.destroyed).length;
    assert.ok(open > connectionCount * 0.9, `only ${open} were open at once`);
    assert.deepEqual(Object.keys(answers), ['200']);
    assert.ok(slowest < slowestMs, `the good producer waited ${slowest} ms`);
    assert.equal((await httpRequest(`${program.url}/health/ready`)).status, 200);
    if (canMeasureMemory) {
      const peak = await peakMegabytes(program.child.pid!);
      assert.ok(peak < mostMegabytes, `the process took ${peak} MB`);
    }
    const signal = AbortSignal.timeout(closedAfterMs);
    for (const { socket } of idle) if (!socket.closed) await once(socket, 'close', { signal });
    assert.equal(
      (await httpRequest(`${program.url}/ping`)).status,
      200,
      'the process lives, and it was it that closed them',
    );
  },
);
