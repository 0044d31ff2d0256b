/**
 * Two nodes that watch the same directories, with the log on Kafka. The one that takes the files is killed, the one after it stands still and goes on
 * when the other has long taken over: each file is taken once, and the tables are a fold over all of them.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { app } from '../../apps/cards/cards.ts';
import { loadConfig } from '../../src/config/config.ts';
import { allLanded } from '../../src/prove/all-landed.ts';
import { FilesSubject } from '../../src/prove/files/files-subject.ts';
import { seededRandom } from '../../src/prove/random.ts';
import { Victim } from '../../src/prove/victim.ts';
import { ownBroker } from '../support/kafka-broker.ts';
import { ownPostgres } from '../support/own-postgres.ts';
import { cleanEnvironment, scratch } from '../support/program.ts';
import { sharedRegistry } from '../support/registry-service.ts';
import { ownBucket, s3Environment, sharedS3, useS3Credentials } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

useS3Credentials();

class Node {
  url: string | undefined;
  readonly victim: Victim;

  constructor(dataDir: string, workingDir: string, env: Readonly<Record<string, string | undefined>>) {
    const onUrl = (url: string | undefined): void => void (this.url = url);
    this.victim = new Victim({ dataDir, workingDir, env, configFile: undefined, system: 'cards', onUrl });
  }

  /** Files that it has taken. */
  async taken(): Promise<number> {
    if (this.url === undefined) return 0;
    const metrics = await (await fetch(new URL('/metrics', this.url))).text();
    return Number(/^tributary_files_total\{[^}]*outcome="loaded"[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
  }
}

suite('files of one directory on two nodes', { timeout: 300_000 }, () => {
  test('D3, D5: one is killed, one stands still and goes on, each file is taken once', async (t) => {
    const dir = await scratch(t);
    const [broker, postgres] = await Promise.all([ownBroker(), ownPostgres()]);
    t.after(() => Promise.all([broker.dispose(), postgres.dispose()]));
    const servers = {
      KAFKA_BROKERS: `${broker.address.host}:${broker.address.port}`,
      SCHEMA_REGISTRY_URL: sharedRegistry,
      DATABASE_URL: postgres.url,
      S3_BUCKET: await ownBucket(),
      S3_ENDPOINT: sharedS3,
    };
    const config = loadConfig({ env: servers, flags: { dataDir: join(dir, 'one'), only: 'cards' }, workingDir: dir });
    const lines = app.generate({ count: 1_000_000, invalidShare: 0.05, seed: 7 })[Symbol.iterator]();
    const subject = new FilesSubject({ app, config, lines, workingDir: join(dir, 'files') });
    const env = cleanEnvironment({ ...s3Environment, ...servers });
    const start = (name: string): Node => new Node(join(dir, name), subject.workingDir, env);
    const nodes = [start('one'), start('two')];
    t.after(() => Promise.all(nodes.map(({ victim }) => victim.kill())));

    const load = subject.startLoad({ random: seededRandom(7), runId: '' });
    /** Resolves when so many more files are taken. */
    const goesOn = (files = 30): Promise<void> => {
      const before = load.acknowledgedBy('');
      return until(() => load.acknowledgedBy('') >= before + files);
    };
    /** The one that takes files now. */
    const taking = async (): Promise<Node> => {
      const before = await Promise.all(nodes.map((node) => node.taken()));
      for (;;) for (const [i, node] of nodes.entries()) if ((await node.taken()) > before[i]!) return node;
    };
    await goesOn();

    const killed = await taking();
    await killed.victim.kill();
    await goesOn();
    nodes[nodes.indexOf(killed)] = start('three');

    const frozen = await taking();
    frozen.victim.freeze();
    await goesOn();
    frozen.victim.thaw();
    await goesOn();

    await load.stop();
    assert.ok(await allLanded({ app, config }, subject.accepted, 120_000));
    for (const { victim } of nodes) assert.equal(await victim.drain(60_000), 0, victim.lastWords);
    const { lost, twice, wrong, torn, ...counts } = await subject.compare(config);
    t.diagnostic(JSON.stringify({ files: subject.acknowledged, ...counts, ...subject.counts }));
    assert.deepEqual({ lost, twice, wrong, torn }, { lost: [], twice: [], wrong: [], torn: [] });
  });
});
