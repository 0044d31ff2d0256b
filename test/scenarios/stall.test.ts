/** What stands behind the program stalls: events are taken as long as the log has room, and memory stays bounded (D6). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createServer } from '../../src/api/server.ts';
import { mountHttpSource } from '../../src/sources/http/http-source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { collect, httpRequest, taken } from '../support/http-request.ts';
import { loggedIn, openIngest } from '../support/ingest-parts.ts';
import { caughtUp, eventLinesOf, rowsOf } from '../support/landed.ts';
import { canMeasureMemory, peakMegabytes, resetPeak } from '../support/process-memory.ts';
import { scratch, startFor } from '../support/program.ts';
import { heldWrites } from '../support/segment-logs.ts';
import { stopPostgres } from '../support/stopped-postgres.ts';

const good = collectEvent();
const packages = 200;
const eventsAPackage = 1_000;
/** The bench holds the program to 250 MB; here other tests take their part of the machine. */
const mostMegabytes = 450;

suite('stall', { timeout: 180_000 }, () => {
  test('while PostgreSQL stands still 200,000 events are taken in bounded memory, and land once it goes on (D2, D3, D6)', async (t) => {
    if (!canMeasureMemory) return t.skip('needs /proc');
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    await taken(program.url, packageOf([good]));
    await caughtUp(dataDir); // so that PostgreSQL is up
    const pid = program.child.pid!;
    const postgres = await stopPostgres(pid);
    t.after(() => postgres.goOn());
    await resetPeak(pid);
    const prefixes = new Set<string>();
    const body = packageOf(Array.from({ length: eventsAPackage }, () => good));
    const sendSome = async (): Promise<void> => {
      for (let i = 0; i < packages / 4; i++) {
        const { packageId, accepted } = await taken(program.url, body);
        assert.equal(accepted, eventsAPackage);
        prefixes.add(packageId.slice(0, 30));
      }
    };
    await Promise.all([sendSome(), sendSome(), sendSome(), sendSome()]);
    const peak = await peakMegabytes(pid);
    t.diagnostic(`peak while PostgreSQL stood still: ${peak.toFixed(0)} MB`);
    assert.ok(peak < mostMegabytes, `${peak} MB`);
    assert.equal((await httpRequest(`${program.url}/health/ready`)).status, 200);
    postgres.goOn();
    await caughtUp(dataDir);
    const total = packages * eventsAPackage + 1;
    const [counts] = await rowsOf(dataDir, 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events');
    assert.deepEqual(counts, { n: total, ids: total });
    const lines = [...(await eventLinesOf(dataDir)).keys()];
    assert.equal(lines.length, total);
    assert.equal(lines.filter((id) => prefixes.has(id.slice(0, 30))).length, total - 1);
  });

  test('while the log stalls a package waits, then gets 503 and Retry-After, and is not stored; then it works again (D6)', async (t) => {
    const { files, hold, release } = heldWrites();
    const parts = await openIngest({ dir: await scratch(t), files, waitForRoomMs: 1_000 });
    const server = createServer({
      logger: createLogger({ level: 'silent' }),
      metrics: createMetrics().registry,
      health: async () => ({ ready: true, parts: {} }),
    });
    const logger = createLogger({ level: 'silent' });
    mountHttpSource(server, { ingest: parts.ingest, bodyIdleTimeoutMs: 30_000, logger, metrics: createMetrics() });
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    t.after(async () => {
      await server.close();
      await parts.close();
    });
    hold();
    const underWay = collect(url, packageOf([good])); // handed to the disk before it stalled, for all that anyone knows
    while (parts.budget.heldBytes === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const startedMs = performance.now();
    const late = await Promise.all(Array.from({ length: 50 }, () => collect(url, packageOf([good, good]))));
    const waitedMs = performance.now() - startedMs;
    assert.ok(waitedMs > 800 && waitedMs < 3_000, `${waitedMs} ms`);
    for (const { status, headers, text } of late) {
      assert.deepEqual([status, headers['retry-after']], [503, '1']);
      assert.equal((JSON.parse(text) as { error: string }).error, 'BUSY');
    }
    release();
    assert.equal((await underWay).status, 200);
    assert.equal((await taken(url, packageOf([good]))).accepted, 1);
    assert.equal((await loggedIn(parts.log)).events.length, 2);
    assert.equal(parts.budget.heldBytes, 0);
  });
});
