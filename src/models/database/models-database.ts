/**
 * The DuckDB file of the models: `<name>.duckdb` in a directory of its own.
 *
 * A run works on a copy and renames it over the file when it ends: whoever reads meanwhile, or starts after a kill, sees every table
 * as it was before the run or as it is after, and never waits. One run at a time has the lock; readers need none.
 */
import { constants } from 'node:fs';
import { access, copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { Fault } from '../../errors.ts';
import { lockFile } from '../../log/segments/lock.ts';
import { syncDirectory } from '../../stores/durable-files.ts';
import { quoteIdentifier, quoteText } from '../project/relation.ts';

export interface ModelsDatabase {
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

export interface DatabaseBuild extends ModelsDatabase {
  /** Makes what was built the file, durably. Only close may come after it. */
  publish(): Promise<void>;
}

export interface DatabasePlace {
  readonly dir: string;
  /** The catalog's name, as queries have it. */
  readonly name: string;
}

/** @throws Fault MODELS_BUSY where another run has it */
export async function openBuild(place: DatabasePlace): Promise<DatabaseBuild> {
  const { dir } = place;
  await mkdir(dir, { recursive: true });
  const release = await lockFile(join(dir, 'run.lock'));
  if (release === undefined) throw new Fault('MODELS_BUSY', `another run builds the models in ${dir}`);
  const working = join(dir, 'building.duckdb');
  try {
    await discard(working);
    const path = fileOf(place);
    if (await exists(path)) await copyFile(path, working, constants.COPYFILE_FICLONE);
    const database = await attach(place, working, '');
    return {
      connection: database.connection,
      publish: async () => {
        await database.close();
        await sync(working);
        await rename(working, path);
        await syncDirectory(dir);
      },
      close: async () => {
        await database.close();
        await discard(working);
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
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
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await connection.run(`USE memory; DETACH ${quoteIdentifier(name)}`); // which checkpoints it into the file
    connection.closeSync();
    instance.closeSync();
  };
  try {
    await connection.run(`ATTACH ${quoteText(path)} AS ${quoteIdentifier(name)} ${options}`);
    await connection.run(`USE ${quoteIdentifier(name)}`);
    return { connection, close };
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
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
