import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type ConfigSources, loadConfig, redacted } from '../../src/config/config.ts';
import { withoutPassword } from '../../src/config/redacted.ts';
import { isFault } from '../../src/errors.ts';

async function scratch(t: TestContext, content?: unknown): Promise<{ dir: string; file: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-config-'));
  t.after(() => rm(dir, { recursive: true }));
  const file = join(dir, 'tributary.config.json');
  if (content !== undefined) await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return { dir, file };
}

function load(sources: Partial<ConfigSources>) {
  return loadConfig({ env: {}, flags: {}, ...sources });
}

function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    assert.ok(isFault(error, 'CONFIG_INVALID'), String(error));
    return error.message.split('; ');
  }
  return assert.fail('nothing was found wrong');
}

suite('configuration', () => {
  test('defaults are those of the documentation', async (t) => {
    const { dir } = await scratch(t);
    const config = load({ workingDir: dir });
    const root = join(import.meta.dirname, '../..');
    assert.deepEqual(config, {
      port: 8000,
      host: '127.0.0.1',
      dataDir: join(dir, '.tributary'),
      logLevel: 'info',
      processor: 'plain',
      objectFormat: 'ndjson',
      schemasDir: join(root, 'schemas'),
      topicsFile: join(root, 'topics/main-topics'),
      pipelines: ['collect', 'signals', 'rates', 'cards', 'lake'].map((name) => join(root, `apps/${name}/${name}.ts`)),
      log: { segmentBytes: 64 * 1024 ** 2, retentionHours: 168, minFreeBytes: 64 * 1024 ** 2 },
      ingest: { maxInFlightBytes: 64 * 1024 ** 2, waitForRoomMs: 4000, bodyIdleTimeoutMs: 30_000 },
      traces: { sampler: 'parentbased_traceidratio', sampleRatio: 1 },
      drainGraceMs: 0,
      drainTimeoutMs: 25_000,
    });
  });

  test('windows of deduplication are hours by the names of pipelines, in the file or in the environment', async (t) => {
    const { dir, file } = await scratch(t, { deduplicationHours: { lake: 48 } });
    assert.deepEqual(load({ workingDir: dir }).deduplicationHours, { lake: 48 });
    const given = (text: string) => ({ workingDir: dir, env: { TRIBUTARY_DEDUPLICATION_HOURS: text } });
    assert.deepEqual(load(given('lake=24, orders=1')).deduplicationHours, { lake: 24, orders: 1 });
    const variable = 'TRIBUTARY_DEDUPLICATION_HOURS in the environment: expected';
    const hours = 'a whole number of hours from 1 to 8784';
    assert.deepEqual(problemsOf(given('lake=0')), [`${variable} ${hours}, got 0`]);
    assert.deepEqual(problemsOf(given('lake=1.5')), [`${variable} ${hours}, got "1.5"`]);
    for (const text of ['48', 'lake', 'lake=1,lake=2', '=1', 'lake=1,'])
      assert.match(
        problemsOf(given(text))[0] ?? '',
        /: expected hours by the names of pipelines, such as .*, got "/,
        text,
      );
    await writeFile(file, JSON.stringify({ deduplicationHours: { lake: 9000 } }));
    assert.deepEqual(problemsOf({ workingDir: dir }), [
      `${file}: deduplicationHours.lake: expected ${hours}, got 9000`,
    ]);
  });

  test('each setting has a variable, which says the same as the file', async (t) => {
    const { dir } = await scratch(t, {});
    const given = {
      TRIBUTARY_ONLY: 'signals, rates',
      TRIBUTARY_PIPELINES: 'a.ts,/b.ts',
      TRIBUTARY_SCHEMAS_DIR: 's',
      TRIBUTARY_TOPICS_FILE: 't',
      TRIBUTARY_FILES: '{"cards": {"directories": ["d"], "afterwards": "move"}}',
      TRIBUTARY_LOG_SEGMENT_BYTES: '65536',
      TRIBUTARY_LOG_RETENTION_HOURS: '2',
      TRIBUTARY_LOG_RETENTION_BYTES: '1048576',
      TRIBUTARY_LOG_MIN_FREE_BYTES: '0',
      TRIBUTARY_INGEST_MAX_IN_FLIGHT_BYTES: '1048577',
      TRIBUTARY_INGEST_WAIT_FOR_ROOM_MS: '3',
      TRIBUTARY_INGEST_BODY_IDLE_TIMEOUT_MS: '4',
    };
    const config = load({ workingDir: dir, env: given });
    const { only, pipelines, schemasDir, topicsFile, files, log, ingest } = config;
    assert.deepEqual(
      [only, pipelines],
      [
        ['signals', 'rates'],
        [join(dir, 'a.ts'), '/b.ts'],
      ],
    );
    assert.deepEqual([schemasDir, topicsFile], [join(dir, 's'), join(dir, 't')]);
    assert.deepEqual(files, { cards: { directories: [join(dir, 'd')], afterwards: 'move' } });
    assert.deepEqual(log, { segmentBytes: 65536, retentionHours: 2, retentionBytes: 1048576, minFreeBytes: 0 });
    assert.deepEqual(ingest, { maxInFlightBytes: 1048577, waitForRoomMs: 3, bodyIdleTimeoutMs: 4 });
    const wrong = Object.fromEntries(
      Object.keys(given).map((name) => [name, name.includes('_FILE') ? '[5' : '1e3x,,']),
    );
    for (const name of Object.keys(given).filter((one) => !/_DIR$|_FILE$|_PIPELINES$/.test(one)))
      assert.match(problemsOf({ workingDir: dir, env: wrong }).join('; '), new RegExp(`${name} in the environment: `));
  });

  test('flags win over the environment, that over the file, that over the defaults', async (t) => {
    const { dir, file } = await scratch(t, { port: 1, host: 'file', logLevel: 'warn', log: { retentionHours: 2 } });
    const env = { PORT: '2', HOST: 'environment' };
    const config = load({ workingDir: dir, env, flags: { port: '3' } });
    assert.equal(config.port, 3);
    assert.equal(config.host, 'environment');
    assert.equal(config.logLevel, 'warn');
    assert.deepEqual([config.log.retentionHours, config.log.segmentBytes], [2, 64 * 1024 ** 2]);
    assert.equal(load({ file, env: { PORT: '' } }).port, 1, 'an empty variable is not set');
  });

  test('relative paths are taken from where they were written', async (t) => {
    const { dir, file } = await scratch(t, {
      dataDir: 'data',
      schemasDir: './s',
      topicsFile: '../t',
      pipelines: ['a.ts'],
    });
    const elsewhere = join(dir, 'elsewhere');
    await mkdir(elsewhere);
    const config = load({ file, workingDir: elsewhere });
    assert.equal(config.dataDir, join(dir, 'data'));
    assert.equal(config.schemasDir, join(dir, 's'));
    assert.equal(config.topicsFile, join(tmpdir(), 't'));
    assert.deepEqual(config.pipelines, [join(dir, 'a.ts')]);
    const env = { TRIBUTARY_DATA_DIR: 'mine' };
    assert.equal(load({ file, env, workingDir: elsewhere }).dataDir, join(elsewhere, 'mine'));
  });

  test('every problem is told at once, with its place, what was expected and what was found', async (t) => {
    const { file } = await scratch(t, { log: { segmentBytes: 1.5, retentionBytes: 'x' }, ingest: [], host: '' });
    const env = { PORT: '80a', LOG_LEVEL: 'loud' };
    assert.deepEqual(problemsOf({ file, env, flags: { only: 'a,,b' } }), [
      'PORT in the environment: expected a port from 0 to 65535, got "80a"',
      `${file}: host: expected a host name or an address, got ""`,
      'LOG_LEVEL in the environment: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
      '--only: expected a name, got ""',
      `${file}: log.segmentBytes: expected a whole number of bytes, at least 65536, got 1.5`,
      `${file}: log.retentionBytes: expected a whole number of bytes, at least 1048576, got "x"`,
      `${file}: ingest: expected an object of settings, got a list`,
    ]);
  });

  test('an unknown key is refused, and the nearest known one named', async (t) => {
    const { file } = await scratch(t, '{"prot": 1, "log": {"retentionHour": 1}, "__proto__": {"port": 1}, "quux": 1}');
    const problems = problemsOf({ file });
    assert.ok(problems.includes(`${file}: prot is not a setting`) && problems.includes('did you mean port?'));
    assert.ok(problems.includes('did you mean log.retentionHours?'));
    assert.ok(problems.includes(`${file}: quux is not a setting`));
    const ofFiles = await scratch(t, { files: { cards: { directory: ['in'] } } });
    assert.ok(problemsOf({ file: ofFiles.file }).includes('did you mean files.cards.directories?'));
  });

  test('Redis is a URL, which may hold a password and is not shown', () => {
    const urls = ['redis://host', 'rediss://me:SECRET@host:6380/2'];
    for (const REDIS_URL of urls) {
      const config = loadConfig({ env: { REDIS_URL }, flags: {} });
      assert.equal(config.redisUrl, REDIS_URL);
      assert.doesNotMatch(JSON.stringify(redacted(config)), /SECRET/);
    }
    for (const REDIS_URL of ['host:6379', 'http://SECRET@host', 'redis://', 'redis:///SECRET']) {
      const text = problemsOf({ env: { REDIS_URL } }).join();
      assert.match(text, /REDIS_URL in the environment: expected a URL such as redis:/);
      assert.doesNotMatch(text, /SECRET/);
    }
  });

  test('brokers are a list, in the environment between commas', async (t) => {
    const { file } = await scratch(t, { kafkaBrokers: ['one:9092'] });
    assert.deepEqual(loadConfig({ file, env: {}, flags: {} }).kafkaBrokers, ['one:9092']);
    const env = { KAFKA_BROKERS: 'two:9092, [::1]:9093' };
    assert.deepEqual(loadConfig({ file, env, flags: {} }).kafkaBrokers, ['two:9092', '[::1]:9093']);
    const text = problemsOf({ file, env: { KAFKA_BROKERS: 'two:9092,three' } }).join();
    assert.match(text, /KAFKA_BROKERS in the environment: expected .*host:port, got "three"/);
  });

  test('how brokers are spoken to is a section; its password is never shown', async (t) => {
    const { dir, file } = await scratch(t, {
      kafka: { tls: true, caFile: 'ca.pem', username: 'me', password: 'seCret' },
    });
    const config = load({ file });
    const { kafka } = config;
    assert.deepEqual([kafka?.tls, kafka?.caFile, kafka?.saslMechanism], [true, join(dir, 'ca.pem'), 'PLAIN']);
    assert.ok(!JSON.stringify(redacted(config)).includes('seCret'));
    const env = { KAFKA_TLS: 'false', KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_PASSWORD: 'other' };
    assert.deepEqual(
      { ...load({ file, env }).kafka, caFile: undefined },
      { tls: false, caFile: undefined, saslMechanism: 'SCRAM-SHA-512', username: 'me', password: 'other' },
    );
    const without = problemsOf({ env: { KAFKA_USERNAME: 'me', KAFKA_TLS: 'yes' } }).join();
    assert.match(without, /KAFKA_TLS in the environment: expected true or false, got "yes"/);
    assert.match(problemsOf({ env: { KAFKA_USERNAME: 'me' } }).join(), /kafka\.password: expected .*KAFKA_PASSWORD/);
  });

  test('objects are in a bucket where one is named; what may hold a password is refused unseen', async (t) => {
    const { file } = await scratch(t, { objects: { bucket: 'lake' } });
    assert.deepEqual(load({ file }).objects, { bucket: 'lake' });
    const env = { S3_BUCKET: 'other', S3_ENDPOINT: 'http://[::1]:9000' };
    assert.deepEqual(load({ file, env }).objects, { bucket: 'other', endpoint: 'http://[::1]:9000' });
    assert.match(problemsOf({ env: { S3_ENDPOINT: 'https://host' } }).join(), /^objects\.bucket: expected .*S3_BUCKET/);
    for (const endpoint of ['https://me:seCret@host', 'https://host/?seCret', 'seCret', 's3://seCret']) {
      const text = problemsOf({ file, env: { S3_ENDPOINT: endpoint } }).join();
      assert.match(text, /^S3_ENDPOINT in the environment: expected a URL without user/);
      assert.doesNotMatch(text, /seCret/);
    }
    assert.match(
      problemsOf({ env: { S3_BUCKET: '../lake' } }).join(),
      /S3_BUCKET in the environment: expected the name/,
    );
    await writeFile(file, '{"objects": {"bucket": "lake", "endpiont": "http://x"}}');
    assert.match(problemsOf({ file }).join('; '), /did you mean objects\.endpoint\?/);
  });

  test('a schema registry is named by its URL; its password is never shown', async (t) => {
    const { file } = await scratch(t, { schemaRegistryUrl: 'http://one:8081' });
    assert.equal(load({ file }).schemaRegistryUrl, 'http://one:8081');
    const config = load({ file, env: { SCHEMA_REGISTRY_URL: 'https://me:seCret@two/base' } });
    assert.equal(config.schemaRegistryUrl, 'https://me:seCret@two/base');
    assert.equal(redacted(config).schemaRegistryUrl, 'https://me:***@two/base');
    for (const url of ['ftp://me:seCret@host', 'seCret', 'http://host/?seCret', 'http://me:seCret%zz@host']) {
      const text = problemsOf({ file, env: { SCHEMA_REGISTRY_URL: url } }).join();
      assert.match(text, /^SCHEMA_REGISTRY_URL in the environment: expected a URL such as/);
      assert.doesNotMatch(text, /seCret/);
    }
  });

  test('a secret that is no text, or stands where the file is no JSON, is not shown', async (t) => {
    const secret = 4_815_162_342;
    for (const settings of [
      { adminToken: secret },
      { accessKey: secret },
      { redisUrl: secret },
      { databaseUrl: secret },
      { schemaRegistryUrl: secret },
      { kafka: { username: 'me', password: secret } },
      { traces: { headers: secret, endpoint: secret } },
      { objects: { bucket: 'events', endpoint: secret } },
      `{"adminToken": ${secret}x}`,
      `{"adminToken": '${secret}'}`,
      `{"adminToken": x${secret}}`,
    ]) {
      const { file } = await scratch(t, settings);
      const text = problemsOf({ file }).join();
      assert.match(text, /expected|is not JSON: .*line 1 column \d+/);
      assert.doesNotMatch(text, /4815|2342/, text);
    }
  });

  test('a file that is named must be there, and be a JSON object', async (t) => {
    const { dir, file } = await scratch(t, '{"port": 1,}');
    assert.match(problemsOf({ file }).join(), /is not JSON: .*line 1 column 12/);
    assert.match(problemsOf({ file: join(dir, 'none.json') }).join(), /none\.json cannot be read \(ENOENT\)/);
    await writeFile(file, '[]');
    assert.match(problemsOf({ file }).join(), /expected an object of settings/);
    await writeFile(file, '\uFEFF{"port": 5}');
    assert.equal(load({ file }).port, 5, 'a byte order mark does not matter');
  });

  test('the certificate and its key come together, each from where it is given', async (t) => {
    const { dir, file } = await scratch(t, { tls: { certFile: 'cert.pem' }, adminTokenFile: 'tokens' });
    assert.deepEqual(problemsOf({ file }), [
      `${file}: tls.keyFile: expected the file of its private key, as PEM (TRIBUTARY_TLS_KEY_FILE), got nothing`,
    ]);
    const config = load({ file, env: { TRIBUTARY_TLS_KEY_FILE: 'key.pem' }, workingDir: '/elsewhere' });
    assert.deepEqual(config.tls, { certFile: join(dir, 'cert.pem'), keyFile: '/elsewhere/key.pem' });
    assert.equal(config.adminTokenFile, join(dir, 'tokens'));
    assert.match(problemsOf({ env: { TRIBUTARY_TLS_KEY_FILE: 'k' } }).join(), /tls\.certFile: expected the file/);
    await writeFile(file, '{"tls": {"certfile": "x", "keyFile": 5}}');
    const problems = problemsOf({ file }).join('; ');
    assert.match(problems, /tls\.certfile is not a setting; did you mean tls\.certFile\?/);
    assert.match(problems, /tls\.keyFile: expected the file .*, got 5/);
  });

  test('the object is frozen, to its depth', () => {
    const { log, pipelines, ...config } = load({});
    for (const part of [load({}), log, config.ingest, pipelines]) assert.ok(Object.isFrozen(part));
  });

  test('any port is taken as a number or refused by name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: -5, max: 70_000 }).map(String), fc.string({ minLength: 1 })), (text) => {
        const valid = /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
        if (valid) assert.equal(load({ flags: { port: text } }).port, Number(text));
        else assert.match(problemsOf({ flags: { port: text } })[0] ?? '', /^--port: expected a port/);
      }),
    );
  });
});

suite('passwords', () => {
  test('and tokens and keys are in no message about them, and not in what is redacted', async (t) => {
    const { file } = await scratch(t, { accessKey: 'secret key', adminToken: 'secret' });
    const env = { TRIBUTARY_ADMIN_TOKEN: 'secret-of-enough-length,secret' };
    const wrong = [problemsOf({ file }), problemsOf({ file, env })].flat().join('; ');
    assert.match(wrong, /TRIBUTARY_ADMIN_TOKEN in the environment: expected one or more tokens, .* of 16 to 512/);
    assert.match(wrong, /accessKey: expected a key/);
    assert.doesNotMatch(wrong, /secret(?!\))/);
    const good = load({ env: { TRIBUTARY_ADMIN_TOKEN: 'secret-of-enough-length', TRIBUTARY_KEY: 'secret' } });
    assert.deepEqual([good.adminToken, good.accessKey], ['secret-of-enough-length', 'secret']);
    assert.doesNotMatch(JSON.stringify(redacted(good)), /secret/);
  });

  test('are in no message about a wrong DATABASE_URL', () => {
    const text = problemsOf({ env: { DATABASE_URL: 'mysql://me:secret@host/db' } }).join('; ');
    assert.match(text, /^DATABASE_URL in the environment: expected a connection string/);
    assert.doesNotMatch(text, /secret/);
  });

  test('do not show in what is redacted, whatever they are made of', () => {
    const config = load({ env: { DATABASE_URL: 'postgres://me:secret@host:5/db?sslmode=require&password=secret' } });
    assert.equal(redacted(config).databaseUrl, 'postgres://me:***@host:5/db?sslmode=require&password=***');
    assert.equal(config.databaseUrl?.includes('secret'), true, 'the configuration itself keeps it');
    const word = fc.stringMatching(/^[!-~]{1,20}$/);
    fc.assert(
      fc.property(word, (noise) => {
        const url = `postgresql://me:${noise}SECRET${noise}@host/db`;
        assert.doesNotMatch(withoutPassword(url), /SECRET/);
      }),
    );
  });
});
