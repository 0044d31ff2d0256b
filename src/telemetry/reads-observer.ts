/** Turns what routes of apps tell of their answers into metrics. */
import type { Metrics } from './metrics.ts';

export function readsObserver({ readSeconds }: Metrics): (route: string, seconds: number) => void {
  return (route, seconds) => readSeconds.observe({ route }, seconds);
}
