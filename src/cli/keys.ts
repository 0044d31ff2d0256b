/** `tributary keys`: who may send events and read views. A running server sees every change within a second. */
import { keyedPaths } from '../pipeline/source-paths.ts';
import type { Command } from 'commander';
import { dataPaths } from '../engine/data-paths.ts';
import {
  type KeyRecord,
  type KeyStatus,
  addKey,
  isKeyFor,
  keyStatus,
  readKeys,
  revokeKey,
} from '../access/key-store.ts';
import { readLastUsed } from '../access/last-used.ts';
import { Fault } from '../errors.ts';
import { expiry, keyName, rate } from './keys/key-options.ts';
import { type ConfigOptions, configOf, examples, wholeNumber, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';

interface AddOptions extends ConfigOptions {
  readonly source?: string;
  /** Requests a second. */
  readonly rate?: number;
  readonly maxBodyBytes?: number;
  /** Unix milliseconds. */
  readonly expires?: number;
  readonly json?: true;
}

interface ListOptions extends ConfigOptions {
  readonly json?: true;
}

export function addKeys(program: Command): void {
  const group = program
    .command('keys')
    .description('keys with which producers send events, and others read what apps answer');
  group.addHelpText(
    'after',
    examples('tributary keys add web-shop', 'tributary keys list', 'tributary keys revoke <id>'),
  );
  withConfig(group.command('add'))
    .description('make a key; it is printed once and kept only as a hash')
    .argument('<name>', 'whose key it is; the same name may have several, so that one can replace another', keyName)
    .option('--source <path>', 'only for this path of a source or of an app, and those below it (default: for all)')
    .option('--rate <n>', 'requests a second, such as 50/s; above it 429 (default: no limit)', rate)
    .option(
      '--max-body-bytes <n>',
      'after decompression; above it 413 (default: the limit of the source)',
      wholeNumber(1),
    )
    .option('--expires <when>', 'in 90d or 12h, or a time such as 2030-01-31T00:00:00Z (default: never)', expiry)
    .option('--json', 'the key and what is known of it as a JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary keys add web-shop',
        'tributary keys add web-shop --source /collect --rate 50/s --max-body-bytes 1000000 --expires 90d',
        'tributary keys add wall-screen --source /dashboard',
        'TRIBUTARY_KEY=$(tributary keys add laptop) tributary send events.json',
      ),
    )
    .action(add);
  withConfig(group.command('list'))
    .description('list the keys, without their secrets')
    .option('--json', 'as a JSON array')
    .addHelpText(
      'after',
      examples('tributary keys list', 'tributary keys list --json | jq -r \'.[] | select(.status == "active").id\''),
    )
    .action(list);
  withConfig(group.command('revoke'))
    .description('end a key for good')
    .argument('<id>', 'as tributary keys list shows it')
    .addHelpText('after', examples('tributary keys revoke 3f9c01d2ab47'))
    .action(revoke);
}

async function add(name: string, options: AddOptions): Promise<void> {
  const config = configOf(options);
  const { source, rate: requestsPerSecond, maxBodyBytes, expires } = options;
  if (source !== undefined) await checkSource(source, config);
  const limits = { ...(requestsPerSecond && { requestsPerSecond }), ...(maxBodyBytes && { maxBodyBytes }) };
  const expiresAt = expires === undefined ? {} : { expiresAt: new Date(expires).toISOString() };
  const wanted = { name, ...(source !== undefined && { source }), ...limits, ...expiresAt };
  const { key, record } = await addKey(keysDir(config), wanted, Date.now());
  if (options.json) return writeLine(JSON.stringify({ key, ...shown(record, undefined, Date.now()) }));
  await writeLine(key);
  tell(`This is the only time that it is shown. Its id is ${record.id}, and it is for ${source ?? 'all sources'}.`);
}

async function list(options: ListOptions): Promise<void> {
  const dir = keysDir(configOf(options));
  const [{ keys, damaged }, lastUsed] = [await readKeys(dir), await readLastUsed(dir)];
  const rows = keys.map((record) => shown(record, lastUsed.get(record.id), Date.now()));
  if (options.json) await writeLine(JSON.stringify(rows));
  else if (rows.length === 0) tell('There are no keys.');
  else await writeLine(asTable(rows));
  if (damaged[0]) throw damaged[0];
}

async function revoke(id: string, options: ConfigOptions): Promise<void> {
  const dir = keysDir(configOf(options));
  const { name, revokedAt } = await revokeKey(dir, id, Date.now());
  await writeLine(
    `The key ${id} of ${name} is revoked since ${revokedAt}; a running server refuses it within a second.`,
  );
}

function keysDir({ dataDir }: { readonly dataDir: string }): string {
  return dataPaths(dataDir).keys;
}

async function checkSource(source: string, config: ReturnType<typeof configOf>): Promise<void> {
  const { loadApps } = await import('../engine/load-apps.ts');
  const paths = (await loadApps(config)).flatMap(keyedPaths);
  if (paths.some((path) => isKeyFor({ source }, path))) return;
  throw new Fault('USAGE', `--source: nothing takes a key at ${JSON.stringify(source)}; there is ${paths.join(', ')}`);
}

type Shown = Omit<KeyRecord, 'sha256'> & { readonly status: KeyStatus; readonly lastUsedAt?: string };

function shown(key: KeyRecord, lastUsedAt: string | undefined, nowMs: number): Shown {
  const { sha256: _hash, ...record } = key;
  const status = keyStatus(key, nowMs);
  return { ...record, status, ...(lastUsedAt !== undefined && { lastUsedAt }) };
}

function asTable(rows: readonly Shown[]): string {
  const titles = ['id', 'name', 'status', 'source', 'requests/s', 'body bytes', 'created', 'expires', 'last used'];
  return renderTable(
    titles.map((title) => ({ title })),
    rows.map((row) => [
      row.id,
      row.name,
      row.status,
      row.source ?? 'all',
      String(row.requestsPerSecond ?? 'any'),
      String(row.maxBodyBytes ?? 'any'),
      minute(row.createdAt),
      row.expiresAt === undefined ? 'never' : minute(row.expiresAt),
      row.lastUsedAt === undefined ? 'never' : minute(row.lastUsedAt),
    ]),
    outputWidth(),
  );
}

function minute(time: string): string {
  return `${time.slice(0, 16)}Z`;
}
