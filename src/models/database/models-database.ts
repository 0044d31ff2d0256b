/**
 * The DuckDB file of the models: `<name>.duckdb` in a directory of its own.
 *
 * A run works on a copy and renames it over the file when it ends: whoever reads meanwhile, or starts after a kill, sees every table
 * as it was before the run or as it is after, and never waits. One run at a time has the lock; readers need none. A run that makes anew all
 * that is in the file begins with an empty one in place of a copy.
 */
import { constants } from 'node:fs';
import { access, copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { Fault, reasonOf } from '../../errors.ts';
import { lockFile } from '../../log/segments/lock.ts';
import { syncDirectory } from '../../stores/durable-files.ts';
import { quoteIdentifier, quoteText } from '../project/relation.ts';

export interface ModelsDatabase {
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

export interface DatabaseBuild {
  readonly connection: DuckDBConnection;
  /** It began with nothing, though there is a file. */
  readonly beganEmpty: boolean;
  /** Throws away what was built, and goes on with a copy. */
  startOver(): Promise<void>;
  /** Makes what was built the file, durably. Only close may come after it. */
  publish(): Promise<void>;
  /** Throws away what was not published. */
  close(): Promise<void>;
}

/** What is in the file; `other`: an index, a sequence, a type or a macro. */
export interface Stored {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'table' | 'view' | 'other';
}

export interface DatabasePlace {
  readonly dir: string;
  /** The catalog's name, as queries have it. */
  readonly name: string;
}

/**
 * @param needsNone whether a run needs nothing of what is stored. Default: it may need all
 * @throws Fault MODELS_BUSY where another run has it, MODELS_NO_SPACE
 */
export async function openBuild(
  place: DatabasePlace,
  needsNone: (stored: readonly Stored[]) => boolean = () => false,
): Promise<DatabaseBuild> {
  const { dir } = place;
  const path = fileOf(place);
  const working = join(dir, 'building.duckdb');
  const release = await inSpace(dir, () => lock(dir));
  const begin = async (isEmpty: boolean): Promise<ModelsDatabase> => {
    await discard(working);
    if (!isEmpty && (await exists(path))) await copyFile(path, working, constants.COPYFILE_FICLONE);
    return attach(place, working, '');
  };
  try {
    const beganEmpty = await isWithout(place, needsNone);
    let database = await inSpace(dir, () => begin(beganEmpty));
    return {
      get connection() {
        return database.connection;
      },
      beganEmpty,
      startOver: async () => {
        await database.close();
        database = await inSpace(dir, () => begin(false));
      },
      publish: () =>
        inSpace(dir, async () => {
          await database.connection.run(`USE memory; DETACH ${quoteIdentifier(place.name)}`); // which checkpoints it into the file
          await database.close();
          await sync(working);
          await rename(working, path);
          await syncDirectory(dir);
        }),
      close: async () => {
        await database.close();
        await discard(working);
        release();
      },
    };
  } catch (error) {
    await discard(working);
    release();
    throw error;
  }
}

async function lock(dir: string): Promise<() => void> {
  await mkdir(dir, { recursive: true });
  const release = await lockFile(join(dir, 'run.lock'));
  if (release === undefined) throw new Fault('MODELS_BUSY', `another run builds the models in ${dir}`);
  return release;
}

async function isWithout(place: DatabasePlace, needsNone: (stored: readonly Stored[]) => boolean): Promise<boolean> {
  const database = await openReader(place);
  if (database === undefined) return false;
  try {
    return needsNone(await storedIn(database.connection, place));
  } finally {
    await database.close();
  }
}

async function storedIn(connection: DuckDBConnection, { name }: DatabasePlace): Promise<readonly Stored[]> {
  const found = await connection.runAndReadAll(
    `SELECT schema_name, table_name, 'table' FROM duckdb_tables() WHERE database_name = $1
     UNION ALL SELECT schema_name, view_name, 'view' FROM duckdb_views() WHERE database_name = $1 AND NOT internal
     UNION ALL SELECT schema_name, index_name, 'other' FROM duckdb_indexes() WHERE database_name = $1
     UNION ALL SELECT schema_name, sequence_name, 'other' FROM duckdb_sequences() WHERE database_name = $1
     UNION ALL SELECT schema_name, type_name, 'other' FROM duckdb_types() WHERE database_name = $1 AND NOT internal
     UNION ALL SELECT schema_name, function_name, 'other' FROM duckdb_functions() WHERE database_name = $1 AND NOT internal`,
    [name],
  );
  const rows = found.getRowsJS() as [string, string, Stored['kind']][];
  return rows.map(([schema, one, kind]) => ({ schema, name: one, kind }));
}

/** @throws Fault MODELS_NO_SPACE where that is why it fails */
export async function inSpace<T>(dir: string, what: () => Promise<T>): Promise<T> {
  try {
    return await what();
  } catch (error) {
    if (!/no space left on device|ENOSPC|EDQUOT|disk quota exceeded/i.test(reasonOf(error))) throw error;
    throw new Fault('MODELS_NO_SPACE', `the models in ${dir} are as they were: ${reasonOf(error)}`, { cause: error });
  }
}

/** For queries. @returns undefined where no run has ended yet */
export async function openReader(place: DatabasePlace): Promise<ModelsDatabase | undefined> {
  const path = fileOf(place);
  return (await exists(path)) ? attach(place, path, '(READ_ONLY)') : undefined;
}

/** Its catalog has the name of the project, whatever file it lies in. */
async function attach({ dir, name }: DatabasePlace, path: string, options: string): Promise<ModelsDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    temp_directory: join(dir, 'temporary'),
    // Nothing is fetched from anywhere: what a model needs is built in.
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  const interrupt = (): void => connection.interrupt();
  process.once('exit', interrupt); // which else would wait for what is being run
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    process.off('exit', interrupt);
    connection.closeSync();
    instance.closeSync();
  };
  try {
    await connection.run(`ATTACH ${quoteText(path)} AS ${quoteIdentifier(name)} ${options}`);
    await connection.run(`USE ${quoteIdentifier(name)}`);
    return { connection, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function fileOf({ dir, name }: DatabasePlace): string {
  return join(dir, `${name}.duckdb`);
}

async function discard(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.wal`, { force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
