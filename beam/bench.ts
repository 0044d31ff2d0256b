/**
 * `npm run bench --prefix beam [-- rows]`: records a second from a full log to rows and objects, by Beam and without. They take turns on
 * the same log, each with empty sinks in a process of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inLandingProcess } from '../bench/landing/landing.ts';
import { median } from '../bench/median.ts';
import { readMemory } from '../bench/process-memory.ts';

const system = 'collect';
const rounds = 3;
const events = Number(process.argv[2] ?? 200_000);
const ways = ['plain', 'beam'] as const;

const dir = await mkdtemp(join(tmpdir(), 'tributary-beam-'));
try {
  const dataDir = join(dir, 'data');
  const rows = await inLandingProcess((child) => child.call('fill', { system, dataDir, events }));
  const perSecond = { plain: [] as number[], beam: [] as number[] };
  const peakBytes = { plain: 0, beam: 0 };
  for (let round = 0; round < rounds; round++)
    for (const way of ways)
      await inLandingProcess(async (child) => {
        const seconds = await child.call('land', { system, dataDir, rows, env: { TRIBUTARY_PROCESSOR: way } });
        const memory = await readMemory(child.pid);
        perSecond[way].push(rows / seconds);
        peakBytes[way] = Math.max(peakBytes[way], memory?.peakRssBytes ?? 0);
        await child.call('stop', undefined);
      });
  for (const way of ways) {
    const shown = [way.padEnd(5), median(perSecond[way]).toFixed(0).padStart(8), 'records/s, peak RSS'];
    console.log(...shown, (peakBytes[way] / 2 ** 20).toFixed(0), 'MB');
  }
  const ratios = perSecond.beam.map((rate, round) => rate / (perSecond.plain[round] as number));
  console.log(`by Beam ${median(ratios).toFixed(2)} of plain, ${rows} records, median of ${rounds} rounds`);
} finally {
  await rm(dir, { recursive: true, force: true });
}
