/** `tributary prove <system>`: a crash proof that anyone can run. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { Option } from 'commander';
import { type Config, defaultConfigFile, loadConfig, variables } from '../config/config.ts';
import { loadApps } from '../engine/load-apps.ts';
import { eventApp } from '../pipeline/apps.ts';
import { Fault } from '../errors.ts';
import { isProven, type Proof, prove } from '../prove/prove.ts';
import type { ClusterProof, ClusterProofOptions } from '../prove/cluster/prove-cluster.ts';
import { interrupted, onInterrupt } from './interrupt.ts';
import { examples, wholeNumber } from './options.ts';
import { tell, writeLine } from './output.ts';
import { proofTable } from './prove/proof-table.ts';

interface ProveOptions {
  readonly kills: number;
  readonly seed?: number;
  readonly engine: 'embedded' | 'cluster';
  readonly config?: string;
  readonly processor: 'plain' | 'beam';
  readonly keep?: true;
  readonly json?: true;
}

export function addProve(program: Command): void {
  program
    .command('prove')
    .argument('<system>', 'such as collect')
    .description(
      'kill the program, or what it stands on, again and again, and compare every acknowledged event with every sink',
    )
    .option('--kills <number>', 'how often; on the cluster engine every fault counts', wholeNumber(0), 100)
    .option('--seed <number>', 'repeats the choices of an earlier proof', wholeNumber(0))
    .addOption(
      new Option('--engine <engine>', 'what stands behind it').choices(['embedded', 'cluster']).default('embedded'),
    )
    .addOption(
      new Option('--processor <name>', 'what takes records to the sinks').choices(['plain', 'beam']).default('plain'),
    )
    .option('--config <file>', 'configuration file, for systems of your own')
    .option('--keep', 'keep the scratch directory')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary prove collect --kills 100',
        'tributary prove collect --kills 20 --seed 7 --json',
        'tributary prove cards --kills 20',
        'tributary prove collect --engine cluster --kills 200',
        'tributary prove collect --engine cluster --processor beam',
      ),
    )
    .action(run);
}

async function run(system: string, options: ProveOptions): Promise<void> {
  const configured = loadConfig({ file: options.config, env: {}, flags: { only: system } });
  refuseParts(configured);
  refuseDirectories(configured, system);
  const [app] = await loadApps(configured);
  if (!app) return;
  const dir = await mkdtemp(join(tmpdir(), 'tributary-prove-'));
  onInterrupt(['SIGINT', 'SIGTERM', 'SIGHUP'], () => {
    tellKept(dir);
    process.exit(interrupted);
  });
  const seed = options.seed ?? randomInt(2 ** 31);
  const bar = progressBar(options.kills, seed);
  const onKill = (done: number): void => bar?.update(done);
  const env = { ...programEnvironment(), TRIBUTARY_PROCESSOR: options.processor };
  const common = { app: eventApp(app), env, kills: options.kills, seed, onKill };
  let proof: Proof | ClusterProof;
  try {
    proof =
      options.engine === 'cluster'
        ? await onCluster({ ...common, dir, configFile: configFileOf(options) })
        : await prove({ ...common, config: { ...configured, dataDir: dir }, configFile: configFileOf(options) });
  } catch (error) {
    if ((await readdir(dir)).length === 0) await rmdir(dir);
    else tellKept(dir);
    throw error;
  } finally {
    bar?.stop();
  }
  const proven = isProven(proof);
  await writeLine(options.json ? JSON.stringify({ ...proof, proven }) : proofTable(proof));
  if (!proven) process.exitCode = 1;
  if (proven && !options.keep) await rm(dir, { recursive: true, force: true });
  else tellKept(dir);
}

function tellKept(dir: string): void {
  tell(`The data directory is kept: ${dir}`);
}

/** The proof brings its own. */
function refuseParts(configured: Config): void {
  const named = [
    ['env', configured.env],
    ['databaseUrl', configured.databaseUrl],
    ['objects', configured.objects],
    ['kafkaBrokers', configured.kafkaBrokers],
    ['schemaRegistryUrl', configured.schemaRegistryUrl],
    ['redisUrl', configured.redisUrl],
    ['tls', configured.tls],
  ] as const;
  for (const [setting, value] of named)
    if (value !== undefined)
      throw new Fault('USAGE', `the proof brings servers of its own, and the configuration file names ${setting}`);
}

/** Writers would write into them. */
function refuseDirectories({ files = {} }: Config, system: string): void {
  if (files[system]?.directories === undefined) return;
  const message = `the proof writes into directories of its own, and the configuration file names files.${system}.directories`;
  throw new Fault('USAGE', message);
}

/** Whatever the shell is set to, nothing but the proof says what the program runs on. */
function programEnvironment(): NodeJS.ProcessEnv {
  const names: readonly string[] = Object.keys(variables);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.includes(name)));
}

/** Nodes have working directories of their own. */
function configFileOf({ config }: ProveOptions): string | undefined {
  const file = resolve(config ?? defaultConfigFile);
  return config !== undefined || existsSync(file) ? file : undefined;
}

async function onCluster(options: ClusterProofOptions): Promise<ClusterProof> {
  const [{ proveCluster }, { sdkEnvironment }] = await Promise.all([
    import('../prove/cluster/prove-cluster.ts'),
    import('../prove/cluster/parts.ts'),
  ]);
  Object.assign(process.env, sdkEnvironment); // the AWS SDK's own, for the look at what has landed
  return proveCluster(options);
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
