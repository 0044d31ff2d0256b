/** A life on a place that lands what there is, and then lands it again (D9). */
import type { ReplayFrom } from '../../src/processing/replays.ts';
import { consumer, type Life, type LifeOptions, type Place, startLife } from './processor-lives.ts';

export async function replayIn(place: Place, from: ReplayFrom, options: LifeOptions): Promise<Life> {
  const life = await startLife(place, options);
  await life.caughtUp();
  await life.replays.ask({ pipeline: consumer, from, dryRun: false });
  await life.caughtUp();
  await life.drain();
  return life;
}
