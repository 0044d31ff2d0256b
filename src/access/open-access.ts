/** Puts the parts of access together, as the configuration says. */
import type { Logger } from 'pino';
import { Access } from './access.ts';
import { splitAdminTokens } from './admin-token-text.ts';
import { AdminTokens } from './admin-tokens.ts';
import { KeyRing } from './key-ring.ts';
import { LastUsed } from './last-used.ts';

export interface AccessSettings {
  readonly host: string;
  /** Where keys are kept. */
  readonly keysDir: string;
  /** One or more, with commas between. */
  readonly adminToken: string | undefined;
  readonly adminTokenFile: string | undefined;
  readonly logger: Logger;
}

/** @throws Fault CONFIG_INVALID where the file of tokens cannot be used */
export async function openAccess({ host, keysDir, logger, ...settings }: AccessSettings): Promise<Access> {
  const onError = (error: unknown): void => logger.error({ err: error }, 'access is as it was before');
  const tokens = await AdminTokens.open({
    tokens: settings.adminToken === undefined ? [] : splitAdminTokens(settings.adminToken),
    file: settings.adminTokenFile,
    onError,
  });
  const keys = await KeyRing.open({
    dir: keysDir,
    onError: (error) => logger.error({ err: error }, 'keys cannot be read'),
  });
  const lastUsed = await LastUsed.open(keysDir, (error) =>
    logger.error({ err: error }, 'when keys were last used is not kept'),
  );
  return new Access({ host, keys, tokens, lastUsed });
}
