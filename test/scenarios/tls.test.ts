/** A server with a certificate, and the commands beside it. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { type SecureVersion, connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { makeCertificate, noOpenssl } from '../support/certificates.ts';
import { runProgram, scratch, startFor } from '../support/program.ts';

function post(url: string, ca: string, body: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca, agent: false }, (response) => {
      text(response).then((content) => resolve({ status: response.statusCode ?? 0, text: content }), reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function versionWith(port: number, version: SecureVersion): Promise<string | null> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
  });
  await once(socket, 'secureConnect');
  const protocol = socket.getProtocol();
  socket.destroy();
  return protocol;
}

suite('a server with a certificate', { skip: noOpenssl, timeout: 240_000 }, () => {
  test('takes packages over TLS 1.2 and 1.3, and nothing else; commands find it and trust it', async (t) => {
    const dir = await scratch(t);
    const dataDir = join(dir, 'data');
    const { certFile, keyFile } = await makeCertificate(dir, 'events.example');
    const env = { TRIBUTARY_TLS_CERT_FILE: certFile, TRIBUTARY_TLS_KEY_FILE: keyFile };
    const program = await startFor(t, { dataDir, env });
    assert.match(program.url, /^https:\/\/localhost:\d+$/);
    const ca = await readFile(certFile, 'utf8');
    const port = Number(new URL(program.url).port);
    const answer = await post(`${program.url}/collect`, ca, packageOf([collectEvent()]));
    assert.equal(answer.status, 200, answer.text);
    await assert.rejects(post(`https://127.0.0.1:${port}/collect`, ca, '[]'), /altnames|certificate/i);

    assert.equal(await versionWith(port, 'TLSv1.2'), 'TLSv1.2');
    assert.equal(await versionWith(port, 'TLSv1.3'), 'TLSv1.3');
    await assert.rejects(versionWith(port, 'TLSv1.1'));
    const plain = connect(port, '127.0.0.1');
    plain.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.doesNotMatch(await text(plain).catch(() => ''), /200 OK/);

    const events = join(dir, 'events.json');
    await writeFile(events, `${collectEvent()}\n`);
    const sent = await runProgram(['send', events, '--json'], { ...env, PORT: String(port) });
    assert.equal(sent.code, 0, sent.stderr);
    assert.equal((JSON.parse(sent.stdout) as { accepted: number }).accepted, 1);
    const stranger = await runProgram(['send', events, '--to', `${program.url}/collect`], {
      NODE_EXTRA_CA_CERTS: certFile,
    });
    assert.equal(stranger.code, 0, stranger.stderr);

    const list = join(dir, 'topics');
    await writeFile(list, 'orders:2:1\n');
    const applied = await runProgram(['topics', 'apply', list, '--data-dir', dataDir], env);
    assert.deepEqual([applied.code, applied.stdout], [0, 'orders: created, with 2 partitions\n'], applied.stderr);
    const untrusting = await runProgram(['topics', 'apply', list, '--data-dir', dataDir]);
    assert.equal(untrusting.code, 1);
    assert.match(untrusting.stderr, /^error: no Tributary answers at https:[^\n]*certificate[^\n]*\n$/);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('does not start with files that do not fit: one line, exit code 2', async (t) => {
    const dir = await scratch(t);
    const one = await makeCertificate(dir, 'one.example');
    const two = await makeCertificate(dir, 'two.example');
    const start = (env: Readonly<Record<string, string>>) =>
      runProgram(['start', '--port', '0', '--data-dir', join(dir, 'data')], env);
    for (const [env, message] of [
      [{ TRIBUTARY_TLS_CERT_FILE: one.certFile }, /tls\.keyFile: expected the file of its private key/],
      [
        { TRIBUTARY_TLS_CERT_FILE: one.certFile, TRIBUTARY_TLS_KEY_FILE: two.keyFile },
        /is not the key of the certificate/,
      ],
      [
        { TRIBUTARY_TLS_CERT_FILE: join(dir, 'none'), TRIBUTARY_TLS_KEY_FILE: one.keyFile },
        /none cannot be read \(ENOENT\)/,
      ],
    ] as const) {
      const ran = await start(env);
      assert.deepEqual([ran.code, ran.stdout], [2, '']);
      assert.match(ran.stderr, /^error: [^\n]+\n$/);
      assert.match(ran.stderr, message);
    }
  });
});
