/** PostgreSQL refuses to run as root: as whom it runs then, so that containers need no user of their own. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { childEnvironment } from '../../../config/child-environment.ts';

const run = promisify(execFile);

/** nobody, by convention. */
const nobody = 65534;

/** A command prefix, or a uid, under which PostgreSQL agrees to run. */
export interface UnprivilegedUser {
  readonly prefix: readonly string[];
  readonly ids?: { readonly uid: number; readonly gid: number };
}

export async function unprivilegedUser(dataDir: string): Promise<UnprivilegedUser> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  // In a user namespace root is nobody to PostgreSQL, and files stay root's outside.
  const asNobody = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`, '--'];
  const works = await run('unshare', [...asNobody.slice(1), 'true'], { env: childEnvironment() }).then(
    () => true,
    () => false,
  );
  if (works) return { prefix: asNobody };
  const owner = await stat(dataDir).catch(() => undefined);
  return {
    prefix: [],
    ids: owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: nobody, gid: nobody },
  };
}
