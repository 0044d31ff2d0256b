/** Two nodes on the same servers, restarted one after the other under load, as a new version is rolled out. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Agent } from 'node:http';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { readObjects } from '../../src/prove/packages/landed.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { httpRequest, type PackageAnswer } from '../support/http-request.ts';
import { ownBroker } from '../support/kafka-broker.ts';
import { caughtUp } from '../support/landed.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { type Program, scratch, startProgram } from '../support/program.ts';
import { ownBucket, s3Environment, sharedS3, useS3Credentials } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

useS3Credentials();

const producers = 6;
const seconds = 100;
/** Longer than it takes the balancer to see that a node is about to stop: what connects in the moment in which it stops listening is reset (docs/delivery.md). */
const graceMs = 500;
const body = packageOf([collectEvent(), collectEvent(), collectEvent()]);

/** What a balancer does: a node that takes no connection, or says that it is about to stop, is passed over. */
class Balancer {
  readonly nodes: Program[] = [];
  readonly acknowledged: string[] = [];
  /** Requests that no node took, or that one took and did not answer. */
  readonly broken: string[] = [];
  passedOver = 0;
  readonly #leaving = new Set<Program>();
  readonly #agent = new Agent({ keepAlive: true });
  #turn = 0;

  async send(): Promise<void> {
    const all = this.nodes.map((_, i) => this.nodes[(this.#turn + i) % this.nodes.length]!);
    this.#turn += 1;
    for (const node of all) {
      if (this.#leaving.has(node)) {
        this.passedOver += 1;
        continue;
      }
      const answer = await httpRequest(`${node.url}/collect`, { body, agent: this.#agent }).catch(
        (error: NodeJS.ErrnoException) => error,
      );
      if (answer instanceof Error && answer.code !== 'ECONNREFUSED') this.broken.push(`${answer.code} by ${node.url}`);
      else if (answer instanceof Error || answer.status === 503) this.passedOver += 1;
      else {
        assert.equal(answer.status, 200, answer.text);
        if (answer.headers.connection === 'close') this.#leaving.add(node);
        const { packageId, accepted } = JSON.parse(answer.text) as PackageAnswer;
        for (let i = 0; i < accepted; i++)
          this.acknowledged.push(packageId.slice(0, 30) + i.toString(16).padStart(6, '0'));
        return;
      }
    }
    this.broken.push('no node took it');
  }

  close(): void {
    this.#agent.destroy();
  }
}

suite('two nodes', () => {
  test('D3, D8: a rolling restart under load refuses nothing that the other could take, cuts nothing short, and each event lands once', async (t) => {
    const broker = await ownBroker();
    t.after(() => broker.dispose());
    const server = await startPostgresServer();
    t.after(() => server.stop());
    const bucket = await ownBucket();
    const env = {
      ...s3Environment,
      KAFKA_BROKERS: `${broker.address.host}:${broker.address.port}`,
      DATABASE_URL: server.url,
      S3_BUCKET: bucket,
      S3_ENDPOINT: sharedS3,
      TRIBUTARY_DRAIN_GRACE_MS: String(graceMs),
    };
    const dirs = [await scratch(t), await scratch(t)];
    const balancer = new Balancer();
    t.after(() => balancer.close());
    const start = async (dataDir: string): Promise<Program> => {
      const node = await startProgram({ dataDir, env });
      t.after(() => node.kill('SIGKILL'));
      balancer.nodes.push(node);
      return node;
    };
    for (const dir of dirs) await start(dir);
    const sending = new AbortController();
    const producing = Array.from({ length: producers }, async () => {
      while (!sending.signal.aborted) await balancer.send();
    });
    for (const dir of dirs) {
      const sent = balancer.acknowledged.length;
      await until(() => balancer.acknowledged.length > sent + 300);
      const [old] = balancer.nodes as [Program];
      assert.equal(await old.kill('SIGTERM'), 0, old.log());
      balancer.nodes.shift();
      const alone = balancer.acknowledged.length;
      await until(() => balancer.acknowledged.length > alone + 300);
      await start(dir);
    }
    sending.abort();
    await Promise.all(producing);
    assert.deepEqual(balancer.broken, []);
    await caughtUp(dirs[0]!, env, seconds);
    const warehouse = await openServerWarehouse({ url: server.url });
    t.after(() => warehouse.close());
    const { rows } = await warehouse.pool.query<{ id: string }>('SELECT correlation_id AS id FROM events ORDER BY 1');
    const expected = balancer.acknowledged.toSorted();
    assert.deepEqual(
      rows.map(({ id }) => id),
      expected,
    );
    const { lines, torn } = await readObjects(await openS3Store({ bucket, endpoint: sharedS3 }));
    assert.deepEqual([[...lines.keys()].toSorted(), torn], [expected, []]);
    assert.deepEqual(
      [...lines].filter(([, { length }]) => length > 1),
      [],
    );
    t.diagnostic(`${expected.length} events acknowledged; ${balancer.passedOver} requests went to the other node`);
  });
});
