/** Which pulls a command means, of those that the configuration has. */
import type { Config } from '../../config/config.ts';
import { Fault } from '../../errors.ts';
import { pullsOf } from '../../pipeline/apps.ts';
import type { Pull } from '../../pipeline/pulls.ts';

/** Those of the configuration. @throws Fault CONFIG_INVALID */
export async function configuredPulls(config: Config): Promise<readonly Pull[]> {
  const { loadApps } = await import('../../engine/load-apps.ts');
  return pullsOf(await loadApps(config));
}

/** In the order of the names, each once. @throws Fault USAGE where there is none of a name */
export function namedPulls(pulls: readonly Pull[], names: readonly string[]): readonly Pull[] {
  return [...new Set(names)].map((name) => {
    const found = pulls.find((pull) => pull.name === name);
    if (found) return found;
    const known = pulls.map((pull) => pull.name).join(', ');
    throw new Fault(
      'USAGE',
      `there is no pull ${JSON.stringify(name)}; those of the configuration: ${known || 'none'}`,
    );
  });
}
