import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { connect } from 'node:tls';
import { Certificate, type CertificateOptions } from '../../src/api/certificate.ts';
import { isFault } from '../../src/errors.ts';
import { makeCertificate, noOpenssl } from '../support/certificates.ts';
import { scratch } from '../support/program.ts';

/** The name that the certificate shown is for. */
async function shownName(port: number): Promise<string | string[] | undefined> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

async function open(t: TestContext, options: Partial<CertificateOptions> & { certFile: string; keyFile: string }) {
  const opened = await Certificate.open({
    onReload: () => undefined,
    onError: (error) => assert.fail(String(error)),
    ...options,
  });
  t.after(() => opened.close());
  return opened;
}

suite('the certificate', { skip: noOpenssl, timeout: 30_000 }, () => {
  test('is replaced while the server runs; half a pair leaves the one before, and is told', async (t) => {
    const dir = await scratch(t);
    const one = await makeCertificate(dir, 'one.example');
    const two = await makeCertificate(dir, 'two.example');
    const files = { certFile: join(dir, 'cert'), keyFile: join(dir, 'key') };
    await copyFile(one.certFile, files.certFile);
    await copyFile(one.keyFile, files.keyFile);
    const reloaded = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<unknown>();
    const certificate = await open(t, { ...files, onReload: reloaded.resolve, onError: failed.resolve });
    const server = createServer(certificate.context).listen(0, '127.0.0.1');
    t.after(() => void server.close());
    await once(server, 'listening');
    certificate.follow(server);
    const { port } = server.address() as AddressInfo;
    assert.equal(await shownName(port), 'one.example');
    await copyFile(two.certFile, files.certFile);
    const error = await failed.promise;
    assert.ok(
      isFault(error, 'TLS_INVALID') && /key is not the key of the certificate/.test(error.message),
      String(error),
    );
    assert.equal(await shownName(port), 'one.example');
    await copyFile(two.keyFile, files.keyFile);
    await reloaded.promise;
    assert.equal(await shownName(port), 'two.example');
  });

  test('files that are missing, empty, no PEM, or of two pairs are told in one line that names them', async (t) => {
    const dir = await scratch(t);
    const one = await makeCertificate(dir, 'one.example');
    const two = await makeCertificate(dir, 'two.example');
    const file = async (name: string, content: string): Promise<string> => {
      await writeFile(join(dir, name), content);
      return join(dir, name);
    };
    const empty = await file('empty', '');
    const nonsense = await file('nonsense', 'nonsense');
    const half = await file('half', (await readFile(one.certFile, 'utf8')).slice(0, 300));
    for (const [certFile, keyFile, message] of [
      [join(dir, 'none'), one.keyFile, /tls\.certFile: .*none cannot be read \(ENOENT\)/],
      [one.certFile, dir, /tls\.keyFile: .* cannot be read \(EISDIR\)/],
      [empty, one.keyFile, /empty is empty/],
      [one.certFile, empty, /empty is empty/],
      [nonsense, one.keyFile, /nonsense and .* are not a certificate and its key/],
      [half, one.keyFile, /half and .* are not a certificate and its key/],
      [one.certFile, nonsense, /are not a certificate and its key/],
      [one.keyFile, one.certFile, /are not a certificate and its key/],
      [one.certFile, two.keyFile, /two\.example\.key is not the key of the certificate .*one\.example\.pem/],
    ] as const)
      await assert.rejects(open(t, { certFile, keyFile }), (error) => {
        assert.ok(isFault(error, 'TLS_INVALID'), String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /PRIVATE/);
        return true;
      });
  });
});
