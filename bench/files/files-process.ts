/** A directory that is read, or taken by the source, in a process of its own. */
import '../../src/cli/runtime.ts'; // first: as the program has it
import { closeSync, opendirSync, openSync, readSync } from 'node:fs';
import { opendir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPackageIds } from '../../src/event/correlation-id.ts';
import { Budget } from '../../src/ingest/budget.ts';
import { Patience } from '../../src/ingest/patience.ts';
import { fileSource } from '../../src/pipeline/source-paths.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { FileMemory, filesAt, filesTopic } from '../../src/sources/files/file-memory.ts';
import { FileReader } from '../../src/sources/files/file-reader.ts';
import { FileSource } from '../../src/sources/files/file-source.ts';
import { inParallel } from '../../src/sources/files/in-parallel.ts';
import { answerParent } from '../child.ts';
import { openBenchEngine } from '../parts.ts';
import { type ProcessMemory, readMemory } from '../process-memory.ts';

interface Where {
  readonly directory: string;
  readonly count: number;
}

interface TakeWhere extends Where {
  readonly system: string;
  readonly dataDir: string;
}

export interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const atOnce = 32;
const pageFiles = 256;

/** As Node's own functions do it, with as much at once as its threads take. */
async function read({ directory, count }: Where): Promise<Spent> {
  return measured(async () => {
    let names: string[] = [];
    let files = 0;
    const readPage = (): Promise<void> =>
      inParallel(names.splice(0), atOnce, async (name) => {
        await readFile(join(directory, name));
        files += 1;
      });
    for await (const { name } of await opendir(directory, { bufferSize: pageFiles })) {
      names.push(name);
      if (names.length === pageFiles) await readPage();
    }
    await readPage();
    expectAll(files, count);
  });
}

/** One system call after the other: all that a thread can do that does nothing else. */
async function readInTurn({ directory, count }: Where): Promise<Spent> {
  return measured(async () => {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    const names = opendirSync(directory, { bufferSize: pageFiles });
    let files = 0;
    for (let entry = names.readSync(); entry !== null; entry = names.readSync()) {
      const file = openSync(join(directory, entry.name), 'r');
      readSync(file, buffer);
      closeSync(file);
      files += 1;
    }
    names.closeSync();
    expectAll(files, count);
  });
}

/** Into the log, without sinks; where all are known, until all have been looked at. */
async function take({ system, dataDir, directory, count }: TakeWhere): Promise<Spent> {
  const { app, config, engine } = await openBenchEngine(system, dataDir);
  const { pipeline } = app;
  await engine.log.ensureTopics([filesTopic]);
  const isKnown = (await engine.log.range(filesAt)).end > 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const reader = new FileReader();
  let taken = 0;
  const spent = await measured(async () => {
    const source = await FileSource.start({
      pipeline,
      source: { ...fileSource(pipeline), directories: [directory] },
      log: engine.log,
      state: engine.state,
      memory: new FileMemory(engine.log, engine.state),
      reader,
      codecs: createCodecs(engine.registry),
      budget: new Budget(config.ingest.maxInFlightBytes),
      patience: new Patience(config.ingest.waitForRoomMs),
      nextPackage: createPackageIds({ now: Date.now }),
      workingDir: dataDir,
      onDefect: reject,
      observer: {
        taken: (files) => {
          taken += files.length;
          if (taken === count) resolve();
        },
        passedOver: (file, why) => reject(new Error(`${file} ${why}`)),
        notTakenAway: (_file, error) => reject(error),
        failed: reject,
        waiting: () => {
          if (isKnown) resolve(); // all have been listed
        },
      },
    });
    await promise;
    await source.drain();
  });
  expectAll(taken, isKnown ? 0 : count);
  await reader.close();
  await engine.log.close();
  await engine.state.close();
  return spent;
}

function memory(): Promise<ProcessMemory | undefined> {
  return readMemory(process.pid);
}

async function measured(work: () => Promise<void>): Promise<Spent> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function expectAll(files: number, count: number): void {
  if (files !== count) throw new Error(`${files} files, but there are ${count}`);
}

const methods = { read, readInTurn, take, memory };
export type FilesMethods = typeof methods;
answerParent(methods);
