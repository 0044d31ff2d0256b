import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { standsOn } from '../../src/engine/stands-on.ts';

suite('what the engine stands on', () => {
  test('is embedded where nothing else is said', () => {
    const parts = standsOn(loadConfig({ env: {}, flags: {} }));
    assert.deepEqual(new Set(Object.values(parts)), new Set(['embedded']));
  });

  test('is told with addresses and without passwords', () => {
    const env = {
      KAFKA_BROKERS: 'one:9092,two:9092',
      SCHEMA_REGISTRY_URL: 'https://me:SECRET@registry',
      S3_BUCKET: 'lake',
      S3_ENDPOINT: 'http://localhost:9000',
      DATABASE_URL: 'postgres://me:SECRET@db/lake',
      REDIS_URL: 'redis://me:SECRET@redis',
    };
    assert.deepEqual(standsOn(loadConfig({ env, flags: {} })), {
      log: 'one:9092,two:9092',
      registry: 'https://me:***@registry',
      objects: 'http://localhost:9000, bucket lake',
      warehouse: 'postgres://me:***@db/lake',
      state: 'with the warehouse',
      views: 'redis://me:***@redis',
    });
    const { REDIS_URL: _, KAFKA_BROKERS: __, ...rest } = env;
    const { state, views } = standsOn(loadConfig({ env: rest, flags: {} }));
    assert.deepEqual([state, views], ['embedded', 'embedded']);
  });
});
