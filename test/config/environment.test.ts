import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { loadConfig } from '../../src/config/config.ts';
import { isEnvironmentName, schemaIn, schemaOf } from '../../src/config/environment.ts';
import { isFault } from '../../src/errors.ts';
import { scratch } from '../support/program.ts';

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, string>>;
}

async function workingDirOf(t: TestContext, file?: object): Promise<string> {
  const dir = await scratch(t);
  if (file) await writeFile(join(dir, 'tributary.config.json'), JSON.stringify(file));
  return dir;
}

function load(workingDir: string, { env = {}, flags = {} }: Given = {}) {
  return loadConfig({ workingDir, env, flags });
}

function problemsOf(workingDir: string, given: Given): string {
  try {
    load(workingDir, given);
  } catch (error) {
    if (isFault(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  return '';
}

suite('environments', () => {
  test('a name is a directory within the data directory, and nothing else that could be a path or a name of others', () => {
    const root = resolve('/data/environments');
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9./\\{}-]{0,32}$/), fc.constant('..')),
        (name) => {
          fc.pre(name !== '');
          const loaded = (): string => loadConfig({ env: {}, flags: { env: name, dataDir: '/data' } }).dataDir;
          if (!isEnvironmentName(name))
            return assert.throws(loaded, /--env: expected a name of up to 30 small letters/);
          assert.match(name, /^[a-z0-9-]{1,30}$/);
          assert.deepEqual([dirname(loaded()), basename(loaded())], [root, name]);
        },
      ),
    );
    for (const name of ['a', 'staging-a', 'x1', 'a'.repeat(30)]) assert.ok(isEnvironmentName(name), name);
    for (const name of ['', 'A', '1a', '-a', 'a-', 'a b', 'a\n', 'a'.repeat(31), 7])
      assert.ok(!isEnvironmentName(name));
  });

  test('it is named by the flag, the environment or the file; its data lies in the data directory that is given', async (t) => {
    const dir = await workingDirOf(t, { env: 'from-file', dataDir: 'data' });
    const placeOf = (given: Given): string => load(dir, given).dataDir;
    assert.equal(placeOf({}), join(dir, 'data/environments/from-file'));
    const env = { TRIBUTARY_ENV: 'from-variable' };
    assert.equal(placeOf({ env }), join(dir, 'data/environments/from-variable'));
    const flags = { env: 'from-flag', dataDir: 'mine' };
    assert.equal(placeOf({ env, flags }), join(dir, 'mine/environments/from-flag'));
  });

  test('its port is that of the flag, else the one that it has got, else any; never that of the file or PORT', async (t) => {
    const dir = await workingDirOf(t, { port: 9000 });
    const flags = { env: 'a' };
    assert.equal(load(dir).port, 9000);
    assert.equal(load(dir, { flags }).port, 0);
    const dataDir = join(dir, '.tributary/environments/a');
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'port'), '8003\n');
    assert.equal(load(dir, { flags }).port, 8003);
    assert.equal(load(dir, { flags, env: { PORT: '9001' } }).port, 8003);
    assert.equal(load(dir, { flags: { ...flags, port: '0' } }).port, 8003);
    assert.equal(load(dir, { flags: { ...flags, port: '9002' } }).port, 9002);
    assert.equal(load(dir).port, 9000);
    for (const damaged of ['', 'x', '99999', '-1']) {
      await writeFile(join(dataDir, 'port'), damaged);
      assert.equal(load(dir, { flags }).port, 0, damaged);
    }
  });

  test('what would be shared on servers is refused, and what is named by {env} is its own; without a password told', async (t) => {
    const dir = await workingDirOf(t, { objects: { bucket: 'lake' } });
    const flags = { env: 'staging-a' };
    const shared = {
      DATABASE_URL: 'postgres://me:SECRET@db/lake?options=-c%20work_mem%3D1MB',
      KAFKA_BROKERS: '{env}.kafka:9092,kafka:9092',
      REDIS_URL: 'redis://:SECRET@redis',
      SCHEMA_REGISTRY_URL: 'http://registry',
    };
    const told = problemsOf(dir, { flags, env: shared });
    for (const variable of Object.keys(shared))
      assert.ok(
        told.includes(`${variable} in the environment would be shared with others by the environment staging-a`),
      );
    assert.ok(told.includes(`${join(dir, 'tributary.config.json')}: objects.bucket would be shared`), told);
    assert.doesNotMatch(told, /SECRET/);
    const env = {
      DATABASE_URL: 'postgres://me@db/lake_{env}',
      KAFKA_BROKERS: '{env}.kafka:9092',
      REDIS_URL: 'redis://redis-{env}',
      SCHEMA_REGISTRY_URL: 'http://registry/{env}',
      S3_BUCKET: 'lake-{env}',
    };
    const config = load(dir, { flags, env });
    assert.equal(config.databaseUrl, 'postgres://me@db/lake_staging-a');
    assert.deepEqual(config.kafkaBrokers, ['staging-a.kafka:9092']);
    assert.equal(config.redisUrl, 'redis://redis-staging-a');
    assert.equal(config.schemaRegistryUrl, 'http://registry/staging-a');
    assert.equal(config.objects?.bucket, 'lake-staging-a');
  });

  test('directories of files that others would take from are refused; those named by {env} are its own', async (t) => {
    const files = { cards: { directories: ['in/{env}/cards', 'in/users'] }, notes: { afterwards: 'move' } };
    const dir = await workingDirOf(t, { files });
    const flags = { env: 'staging-a' };
    assert.match(
      problemsOf(dir, { flags }),
      /tributary\.config\.json: files\.cards\.directories would be shared with others by the environment staging-a/,
    );
    const own = await workingDirOf(t, { files: { ...files, cards: { directories: ['in/{env}/cards'] } } });
    assert.deepEqual(load(own, { flags }).files, {
      cards: { directories: [join(own, 'in/staging-a/cards')] },
      notes: { afterwards: 'move' },
    });
  });

  test('on a database that others have, too, it has a schema of its own, which no other name has', async (t) => {
    const dir = await workingDirOf(t);
    const urlOf = (name: string, url: string): string =>
      load(dir, { flags: { env: name }, env: { DATABASE_URL: url } }).databaseUrl ?? '';
    const plain = urlOf('staging-a', 'postgres://me@db/lake');
    assert.equal(plain, 'postgres://me@db/lake?options=-c%20search_path%3Denv_staging_a');
    assert.equal(schemaIn(plain), 'env_staging_a');
    const secure = urlOf('a', 'postgres://me@db/lake?sslmode=verify-full');
    assert.equal(schemaIn(secure), 'env_a');
    assert.equal(schemaIn(urlOf('a', 'postgres://me@db/lake_{env}')), undefined);
    const env = { DATABASE_URL: 'postgres://me@db/lake', KAFKA_BROKERS: '{env}.kafka:9092' };
    assert.match(problemsOf(dir, { flags: { env: 'a' }, env }), /^DATABASE_URL .* would be shared/); // nodes share state there
    const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z0-9]$/);
    fc.assert(fc.property(names, names, (a, b) => assert.equal(schemaOf(a) === schemaOf(b), a === b)));
  });
});
