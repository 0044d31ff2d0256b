/** All commands. Each is a file of its own and loads what it needs only when it runs. */
import { Command } from 'commander';
import { packageVersion } from '../config/package-root.ts';
import { addBench } from './bench.ts';
import { addDeadLetters } from './dead-letters.ts';
import { addForget } from './forget.ts';
import { addEvents } from './events.ts';
import { addGenerate } from './generate.ts';
import { addLag } from './lag.ts';
import { examples } from './options.ts';
import { addPackages } from './packages.ts';
import { commanderErrorLine } from './report-error.ts';
import { addKeys } from './keys.ts';
import { addProve } from './prove.ts';
import { addReplay } from './replay.ts';
import { addSchemas } from './schemas.ts';
import { addSend } from './send.ts';
import { addSql } from './sql.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addTail } from './tail.ts';
import { addTopics } from './topics.ts';

export function createProgram(): Command {
  const program = new Command('tributary')
    .description('Takes events in, and lands each exactly once in objects and in PostgreSQL.')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(commanderErrorLine(text)) })
    .addHelpText(
      'after',
      examples(
        'tributary start',
        'tributary generate collect --count 10000 > events.json',
        'tributary send events.json',
      ),
    );
  for (const add of [
    addStart,
    addGenerate,
    addSend,
    addLag,
    addStatus,
    addSql,
    addDeadLetters,
    addEvents,
    addPackages,
    addReplay,
    addSchemas,
    addForget,
    addTopics,
    addTail,
    addKeys,
    addProve,
    addBench,
  ])
    add(program);
  return program;
}
