/** Self-signed certificates, made with the machine's openssl. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A reason to skip, where there is no openssl. */
export const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'there is no openssl here';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** `<name>.pem` and `<name>.key` in the directory, for localhost and this name. */
export async function makeCertificate(dir: string, name: string): Promise<CertificateFiles> {
  const certFile = join(dir, `${name}.pem`);
  const keyFile = join(dir, `${name}.key`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:localhost,DNS:${name}`];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...names, '-out', certFile, '-days', '2']);
  return { certFile, keyFile };
}
