/**
 * The certificate that the server shows (TLS 1.2 and newer), from two PEM files that may be replaced while it runs: connections
 * from then on get the new one. A pair that does not fit leaves the one before in use, as when one of the files has
 * been replaced and the other has not yet.
 */
import { readFile } from 'node:fs/promises';
import type { SecureContextOptions, Server } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { FileWatch } from '../access/file-watch.ts';
import { Fault } from '../errors.ts';

export interface CertificateOptions {
  /** The certificate, then those between it and the root. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly onReload: () => void;
  readonly onError: (error: unknown) => void;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class Certificate {
  #pair: Pair;
  #server: Server | undefined;
  #watch: FileWatch | undefined;

  private constructor(pair: Pair) {
    this.#pair = pair;
  }

  /** @throws Fault TLS_INVALID */
  static async open(options: CertificateOptions): Promise<Certificate> {
    const opened = new Certificate({ cert: '', key: '' });
    const { certFile, keyFile, onReload, onError } = options;
    const load = async (): Promise<void> => {
      const pair = await readPair(options);
      if (pair.cert === opened.#pair.cert && pair.key === opened.#pair.key) return;
      opened.#pair = pair;
      opened.#server?.setSecureContext(opened.context);
      if (opened.#server) onReload();
    };
    opened.#watch = await FileWatch.start({ paths: [certFile, keyFile], load, onError });
    return opened;
  }

  get context(): SecureContextOptions {
    return { ...this.#pair, minVersion: 'TLSv1.2' };
  }

  /** From now on this server gets what the files hold. */
  follow(server: Server): void {
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.#watch?.stop();
  }
}

async function readPair({ certFile, keyFile }: CertificateOptions): Promise<Pair> {
  const pair = { cert: await read(certFile, 'tls.certFile'), key: await read(keyFile, 'tls.keyFile') };
  for (const [file, content] of [
    [certFile, pair.cert],
    [keyFile, pair.key],
  ] as const)
    if (content.trim() === '') throw new Fault('TLS_INVALID', `${file} is empty`); // which OpenSSL takes for none
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new Fault('TLS_INVALID', whyNot(error as NodeJS.ErrnoException, certFile, keyFile), { cause: error });
  }
  return pair;
}

async function read(file: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Fault('TLS_INVALID', `${setting}: ${file} cannot be read (${code})`, { cause: error });
  }
}

/** OpenSSL's words for the usual mistakes are not everybody's. */
function whyNot({ code, message }: NodeJS.ErrnoException, certFile: string, keyFile: string): string {
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return `${keyFile} is not the key of the certificate ${certFile}`;
  return `${certFile} and ${keyFile} are not a certificate and its key, as PEM and without a passphrase: ${message}`;
}
