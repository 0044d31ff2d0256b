/** `tributary prove <system>`: a crash proof that anyone can run. */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { Option } from 'commander';
import { loadConfig } from '../config/config.ts';
import { loadApps } from '../engine/load-apps.ts';
import { Fault } from '../errors.ts';
import { isProven, type Proof, prove } from '../prove/prove.ts';
import { examples, wholeNumber } from './options.ts';
import { tell, writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';

interface ProveOptions {
  readonly kills: number;
  readonly seed?: number;
  readonly config?: string;
  readonly keep?: true;
  readonly json?: true;
}

const shownFailures = 20;

export function addProve(program: Command): void {
  program
    .command('prove')
    .argument('<system>', 'such as collect')
    .description('kill the program again and again, and compare every acknowledged event with every sink')
    .option('--kills <number>', 'how often to kill it', wholeNumber(0), 100)
    .option('--seed <number>', 'repeats the choices of an earlier proof', wholeNumber(0))
    .addOption(new Option('--engine <engine>', 'what stands behind it').choices(['embedded']).default('embedded'))
    .option('--config <file>', 'configuration file, for systems of your own')
    .option('--keep', 'keep the scratch data directory')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      examples('tributary prove collect --kills 100', 'tributary prove collect --kills 20 --seed 7 --json'),
    )
    .action(run);
}

async function run(system: string, options: ProveOptions): Promise<void> {
  const configured = loadConfig({ file: options.config, env: {}, flags: { only: system } });
  if (configured.databaseUrl !== undefined)
    throw new Fault('USAGE', 'the proof runs on the embedded engine, and the configuration file names a databaseUrl');
  if (configured.objects !== undefined)
    throw new Fault(
      'USAGE',
      'the proof runs on the embedded engine, and the configuration file names a bucket (objects)',
    );
  if (configured.schemaRegistryUrl !== undefined)
    throw new Fault(
      'USAGE',
      'the proof runs on the embedded engine, and the configuration file names a schemaRegistryUrl',
    );
  if (configured.tls !== undefined)
    throw new Fault('USAGE', 'the proof speaks plain HTTP, and the configuration file names a certificate (tls)');
  const [app] = await loadApps(configured);
  if (!app) return;
  const dataDir = await mkdtemp(join(tmpdir(), 'tributary-prove-'));
  const config = { ...configured, dataDir };
  const seed = options.seed ?? randomInt(2 ** 31);
  const bar = progressBar(options.kills, seed);
  let proof: Proof;
  try {
    // the proof runs on the embedded engine, whatever the shell is set to
    const { DATABASE_URL: _database, PORT: _port, HOST: _host, S3_BUCKET: _bucket, ...local } = process.env;
    const { TRIBUTARY_TLS_CERT_FILE: _cert, TRIBUTARY_TLS_KEY_FILE: _key, S3_ENDPOINT: _endpoint, ...others } = local;
    const { SCHEMA_REGISTRY_URL: _registry, ...env } = others;
    const onKill = (done: number): void => bar?.update(done);
    proof = await prove({ app, config, configFile: options.config, env, kills: options.kills, seed, onKill });
  } finally {
    bar?.stop();
  }
  const proven = isProven(proof);
  await writeLine(options.json ? JSON.stringify({ ...proof, proven }) : asTable(proof));
  if (!proven) process.exitCode = 1;
  if (proven && !options.keep) await rm(dataDir, { recursive: true, force: true });
  else tell(`The data directory is kept: ${dataDir}`);
}

function progressBar(kills: number, seed: number): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined;
  const bar = new SingleBar({
    format: `killing, seed ${seed} {bar} {value}/{total} | {eta_formatted} left`,
    stream: process.stderr,
  });
  bar.start(kills, 0);
  return bar;
}

function asTable(proof: Proof): string {
  const { kills } = proof;
  const rows: readonly (readonly [string, number | string])[] = [
    ['seed', proof.seed],
    ['killed while it worked', kills.work],
    ['killed in the first second of a start', kills.start],
    ['killed with its PostgreSQL', kills.postgres],
    ['packages', proof.packages],
    ['sent again', proof.resent],
    ['events acknowledged', proof.acknowledged],
    ['  landed in table and objects', proof.landed],
    ['  kept as dead letters', proof.deadLetters],
    ['lost', proof.lost.length],
    ['twice', proof.twice.length],
    ['wrong bytes', proof.wrong.length],
    ['torn objects', proof.torn.length],
    ['other failures', proof.failures.length],
    ['seconds', proof.seconds.toFixed(1)],
  ];
  const table = renderTable(
    [{ title: isProven(proof) ? 'PROVEN' : 'FAILED' }, { title: '', align: 'right' }],
    rows.map(([what, value]) => [what, String(value)]),
    outputWidth(),
  );
  const failures = [...proof.lost, ...proof.twice, ...proof.wrong, ...proof.torn, ...proof.failures];
  return [table, ...failures.slice(0, shownFailures)].join('\n');
}
