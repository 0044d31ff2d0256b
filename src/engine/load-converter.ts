/** Which way records take through their steps: in turn, or by the package of `beam/`, which is installed by those who want it. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Config } from '../config/config.ts';
import { inPackage } from '../config/package-root.ts';
import { Fault } from '../errors.ts';
import type { Converter } from '../processing/convert.ts';

/** Undefined for the platform's own. @throws Fault CONFIG_INVALID where the package is not installed */
export async function loadConverter({ processor }: Pick<Config, 'processor'>): Promise<Converter | undefined> {
  if (processor !== 'beam') return undefined;
  if (!existsSync(inPackage('beam/node_modules/apache-beam')))
    throw new Fault(
      'CONFIG_INVALID',
      'processor: beam is a package of its own: in a checkout, `npm ci --prefix beam` installs it',
    );
  const path = pathToFileURL(inPackage('beam/convert-by-beam.ts')).href;
  const { convertByBeam } = (await import(path)) as { readonly convertByBeam: Converter };
  return convertByBeam;
}
