/** `tributary schemas`: what is registered, registering, and whether a change can be. */
import { type Command, Option } from 'commander';
import type { SchemaVersion, VersionProblem } from '../schemas/administration.ts';
import type { ReachableRegistry } from '../schemas/remote-registry.ts';
import { examples, wholeNumber, withConfig } from './options.ts';
import { tell, writeJson, writeLine } from './output.ts';
import { type FileOptions, givenSchemas, reference } from './schemas/given-schema.ts';
import { reachRegistry, type RegistryOptions } from './schemas/reach-registry.ts';
import { outputWidth, renderTable } from './table.ts';

interface Options extends RegistryOptions {
  readonly json?: true;
}

export function addSchemas(program: Command): void {
  const group = program.command('schemas').description('what the schema registry holds');
  group.addHelpText('after', examples('tributary schemas list', 'tributary schemas check orders-value orders.avsc'));
  withFile(withRegistry(group.command('register')))
    .description("register a file, or without arguments the project's schemas")
    .addHelpText(
      'after',
      examples(
        'tributary schemas register orders-value orders.avsc',
        'tributary schemas register person person.proto --reference address.proto=address@1',
        'tributary schemas register',
      ),
    )
    .action(register);
  withFile(withRegistry(group.command('check')))
    .description(
      "whether a file, or without arguments each of the project's schemas, could be registered; exit code 1 where not",
    )
    .addHelpText(
      'after',
      examples('tributary schemas check orders-value orders.avsc', 'tributary schemas check --json'),
    )
    .action(check);
  withRegistry(group.command('list'))
    .description('subjects, with their newest versions')
    .addHelpText(
      'after',
      examples('tributary schemas list', 'tributary schemas list --url http://localhost:8000/registry'),
    )
    .action(list);
  withRegistry(group.command('diff'))
    .description('what changed between two versions, by path; default: the newest two')
    .argument('<subject>')
    .argument('[from]', 'a version', wholeNumber(1))
    .argument('[to]', 'a version', wholeNumber(1))
    .addHelpText(
      'after',
      examples('tributary schemas diff orders-value', 'tributary schemas diff orders-value 1 3 --json'),
    )
    .action(diff);
}

function withRegistry(command: Command): Command {
  return withConfig(command)
    .option('--url <url>', 'another registry, by its address (default: SCHEMA_REGISTRY_URL, else the data directory)')
    .option('--json', 'as JSON');
}

function withFile(command: Command): Command {
  return command
    .argument('[subject]')
    .argument('[file]', 'ends in .avsc, .json or .proto')
    .addOption(new Option('--type <type>', 'whatever the file is called').choices(['AVRO', 'JSON', 'PROTOBUF']))
    .option(
      '--reference <name=subject@version>',
      'a registered schema that the file names; may be repeated',
      reference,
    );
}

async function register(subject: string | undefined, file: string | undefined, options: Options & FileOptions) {
  const given = await givenSchemas(subject, file, options);
  const registry = await reachRegistry(options, true);
  const registered: SchemaVersion[] = [];
  for (const one of given) registered.push(await registry.register(one.subject, one.content));
  const rows = registered.map(({ subject: of, version, id, type }) => ({ subject: of, version, id, type }));
  await print(rows, options);
}

async function check(subject: string | undefined, file: string | undefined, options: Options & FileOptions) {
  const given = await givenSchemas(subject, file, options);
  const registry = await reachRegistry(options, false);
  const found: (VersionProblem & { readonly subject: string })[] = [];
  for (const { subject: of, content } of given)
    for (const problem of await registry.problems(of, content, 'all')) found.push({ subject: of, ...problem });
  if (found.length > 0) process.exitCode = 1;
  if (options.json) return writeJson({ isCompatible: found.length === 0, problems: found });
  if (found.length === 0) return tell(given.length === 1 ? 'It is compatible.' : `All ${given.length} are compatible.`);
  const rows = found.map(({ subject: of, version, path, message }) => ({
    subject: of,
    version: version === 0 ? '' : version,
    path,
    reason: message,
  }));
  await print(rows, options);
}

async function list(options: Options) {
  const registry = await reachRegistry(options, false);
  const rows = await Promise.all((await registry.subjects('live')).map((subject) => row(registry, subject)));
  if (rows.length === 0 && !options.json) tell('There are no schemas.');
  else await print(rows, options);
}

async function row(registry: ReachableRegistry, subject: string) {
  const versions = await registry.versions(subject, 'live');
  const newest = versions.at(-1);
  const compatibility = (await registry.compatibility(subject)) ?? (await registry.compatibility()) ?? 'BACKWARD';
  const count = versions.length;
  return { subject, version: newest?.version, id: newest?.id, type: newest?.type, versions: count, compatibility };
}

async function diff(subject: string, from: number | undefined, to: number | undefined, options: Options) {
  const [registry, { schemaChanges }] = await Promise.all([
    reachRegistry(options, false),
    import('../schemas/schema-changes.ts'),
  ]);
  const newer = await registry.version(subject, to ?? 'latest', 'live');
  const older =
    from === undefined ? await versionBefore(registry, newer) : await registry.version(subject, from, 'live');
  const compared = await Promise.all(
    [older, newer].map(async (one) => ({ ...one, references: await registry.referenced(one) })),
  );
  const changes = schemaChanges(compared[0]!, compared[1]!);
  if (options.json) return writeJson({ subject, from: older.version, to: newer.version, changes });
  tell(`${subject}, from version ${older.version} to ${newer.version}:`);
  if (changes.length === 0) return tell('Nothing changed.');
  await print(
    changes.map(({ path, change, from: was, to: is }) => ({ path, change, from: shown(was), to: shown(is) })),
    options,
  );
}

/** The same one, where there is none before it. */
async function versionBefore(registry: ReachableRegistry, { subject, version }: SchemaVersion): Promise<SchemaVersion> {
  const versions = await registry.versions(subject, 'live');
  return versions.findLast((one) => one.version < version) ?? registry.version(subject, version, 'live');
}

function shown(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value);
}

/** The rows as a table, or as one JSON array. */
async function print(
  rows: readonly Readonly<Record<string, string | number | undefined>>[],
  { json }: Options,
): Promise<void> {
  if (json) return writeJson(rows);
  const titles = Object.keys(rows[0] ?? {});
  const columns = titles.map((title) => ({ title }));
  const cells = rows.map((one) => titles.map((title) => String(one[title] ?? '')));
  return writeLine(renderTable(columns, cells, outputWidth()));
}
