/**
 * The tokens that open everything but the sources: those of the configuration, and those of a file, which may be
 * changed while the server runs. Several are good at a time, so that a token can be replaced without a gap. Only hashes are kept.
 */
import { readFile } from 'node:fs/promises';
import { Fault } from '../errors.ts';
import { isSameHash, sha256 } from './access-key.ts';
import { adminTokenForm, isAdminToken } from './admin-token-text.ts';
import { FileWatch } from './file-watch.ts';

export interface AdminTokenSources {
  readonly tokens: readonly string[];
  /** One token a line. */
  readonly file: string | undefined;
  /** The file was changed to something that cannot be used: the tokens before stay good. */
  readonly onError: (error: unknown) => void;
}

export class AdminTokens {
  readonly #fixed: readonly Buffer[];
  #fromFile: readonly Buffer[] = [];
  #watch: FileWatch | undefined;

  private constructor(tokens: readonly string[]) {
    this.#fixed = tokens.map(sha256);
  }

  /** @throws Fault CONFIG_INVALID where the file cannot be used */
  static async open({ tokens, file, onError }: AdminTokenSources): Promise<AdminTokens> {
    const opened = new AdminTokens(tokens);
    if (file === undefined) return opened;
    const load = async (): Promise<void> => {
      opened.#fromFile = (await readTokenFile(file)).map(sha256);
    };
    opened.#watch = await FileWatch.start({ paths: [file], load, onError });
    return opened;
  }

  get isSet(): boolean {
    return this.#fixed.length + this.#fromFile.length > 0;
  }

  matches(secret: string): boolean {
    const presented = sha256(secret);
    return [...this.#fixed, ...this.#fromFile].reduce((found, token) => isSameHash(token, presented) || found, false);
  }

  async close(): Promise<void> {
    await this.#watch?.stop();
  }
}

/** @throws Fault CONFIG_INVALID, without the file's content */
export async function readTokenFile(file: string): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Fault('CONFIG_INVALID', `the file of admin tokens ${file} cannot be read (${code})`, { cause: error });
  }
  const lines = text.split('\n').map((line) => line.trim());
  const wrong = lines.findIndex((line) => line !== '' && !isAdminToken(line));
  if (wrong >= 0)
    throw new Fault('CONFIG_INVALID', `${file}:${wrong + 1}: expected one token a line, ${adminTokenForm}`);
  const tokens = lines.filter((line) => line !== '');
  if (tokens.length === 0) throw new Fault('CONFIG_INVALID', `the file of admin tokens ${file} is empty`);
  return tokens;
}
