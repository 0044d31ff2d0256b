/** Pulls by their times, whatever stands in their way. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { PullSchedules } from '../../src/engine/pull-schedules.ts';
import { type Pull, rest } from '../../src/pipeline/pulls.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type Listed, listApi, sendJson } from '../support/list-api.ts';
import { MapState } from '../support/map-state.ts';
import { scratch } from '../support/program.ts';
import { until } from '../support/until.ts';

function scheduled(base: string, schedule: string): Pull {
  return rest.pull<Listed>({ name: 'list', base, path: 'list', key: ({ id }) => id, schedule });
}

async function schedulesOf(dataDir: string, pull: Pull) {
  const lines: string[] = [];
  const schedules = PullSchedules.start({
    config: { dataDir, kafkaBrokers: undefined, databaseUrl: undefined, objects: undefined },
    pulls: [pull],
    objects: await openDirectoryStore({ dir: join(dataDir, 'objects') }),
    state: new MapState(),
    logger: createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } }),
    metrics: createMetrics(),
  });
  return { schedules, lines };
}

suite('schedules of pulls', { timeout: 30_000 }, () => {
  test('what was pulled before and cannot be read is told, and ends nothing', async (t) => {
    const dataDir = await scratch(t);
    const { pulls } = dataPaths(dataDir);
    await mkdir(pulls, { recursive: true });
    await writeFile(join(pulls, 'list.db'), 'no database, '.repeat(100));
    const { schedules, lines } = await schedulesOf(dataDir, scheduled('http://127.0.0.1:1/', '0 0 1 1 *'));
    await schedules.drain();
    assert.match(lines.join(''), /not a database.*a run is not done/);
  });

  test('where the clock is set back, the times of by then count', async (t) => {
    const dataDir = await scratch(t);
    const api = await listApi(t, (asked) => sendJson(asked, []));
    t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 22, 12, 0, 0, 800) });
    const { schedules } = await schedulesOf(dataDir, scheduled(api.url, '* * * * * *'));
    t.mock.timers.setTime(Date.UTC(2026, 10, 22, 11));
    const clock = setInterval(() => t.mock.timers.setTime(Date.now() + 10), 10);
    t.after(() => clearInterval(clock));
    await until(() => api.requests.length > 1);
    await schedules.drain();
  });
});
