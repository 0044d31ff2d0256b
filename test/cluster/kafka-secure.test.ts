/** Brokers that speak TLS only, and to those who log in. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { openEngineLog, openEngineLogReader } from '../../src/engine/engine.ts';
import { isFault } from '../../src/errors.ts';
import { type CertificateFiles, makeCertificate, noOpenssl } from '../support/certificates.ts';
import { ownSecureBroker, type SecureBroker } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';

const login = { username: 'me', password: 'seCret word' };

suite('brokers that ask who one is', { skip: noOpenssl }, () => {
  let dir: string;
  let certificate: CertificateFiles;
  let broker: SecureBroker;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-secure-'));
    certificate = await makeCertificate(dir, 'broker');
    const pemFile = join(dir, 'broker-both.pem');
    const parts = [await readFile(certificate.keyFile), await readFile(certificate.certFile)];
    await writeFile(pemFile, Buffer.concat(parts));
    broker = await ownSecureBroker({ pemFile, ...login });
  });
  after(async () => {
    await broker.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  const configOf = (env: Readonly<Record<string, string>>) => {
    const { host, port } = broker.secureAddress;
    const more = {
      KAFKA_BROKERS: `${host}:${port}`,
      KAFKA_USERNAME: login.username,
      TRIBUTARY_DATA_DIR: join(dir, 'data'),
    };
    return loadConfig({ env: { ...more, ...env }, flags: {}, workingDir: dir });
  };

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-512'])
    test(`${mechanism}: writes, waits and reads as the configuration says`, async () => {
      const password = { KAFKA_PASSWORD: login.password, KAFKA_SASL_MECHANISM: mechanism };
      const config = configOf({ ...password, KAFKA_CA_FILE: certificate.certFile });
      const log = await openEngineLog(config);
      const reader = await openEngineLogReader(config);
      try {
        const topic = await topicOf(log);
        const waiting = reader.waitPast({ topic, partition: 0 }, 0, AbortSignal.timeout(30_000));
        await appendTexts(log, topic, ['one', 'two']);
        await waiting;
        assert.deepEqual(await textsIn(reader, topic), ['one', 'two']);
      } finally {
        await reader.close();
        await log.close();
      }
    });

  test('a wrong password, an unknown authority, and plain text are told, without the password', async () => {
    const refused = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const error = await openEngineLogReader(configOf(env)).then(
        () => assert.fail('it was let in'),
        (reason: unknown) => reason,
      );
      assert.ok(isFault(error, 'LOG_UNAVAILABLE'), String(error));
      assert.ok(!JSON.stringify(error.message).includes(login.password));
      return error.message;
    };
    const known = { KAFKA_CA_FILE: certificate.certFile };
    assert.match(await refused({ ...known, KAFKA_PASSWORD: 'wrong' }), /SASL authentication failed/);
    assert.match(await refused({ KAFKA_TLS: 'true', KAFKA_PASSWORD: login.password }), /self-signed certificate/);
    assert.match(await refused({ KAFKA_PASSWORD: login.password }), /Broker requires TLS|closed/);
    await assert.rejects(
      openEngineLogReader(configOf({ KAFKA_CA_FILE: join(dir, 'none.pem'), KAFKA_PASSWORD: 'x' })),
      (error) => isFault(error, 'CONFIG_INVALID') && /none\.pem cannot be read \(ENOENT\)/.test(error.message),
    );
  });
});
