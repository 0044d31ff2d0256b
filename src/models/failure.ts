/** Why a model was not built, with its file and, where it can be told, the line there: DuckDB counts the lines of what the model compiles to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFault, reasonOf } from '../errors.ts';
import type { Project, ProjectNode } from './project/project.ts';

/** What was run has the model's SQL from its second line on. */
const linesBefore = 1;

/** SQL that failed, as an error. */
export class SqlFailure extends Error {
  /** Of the model. */
  readonly sql: string;

  constructor(sql: string, cause: unknown) {
    super(reasonOf(cause), { cause });
    this.sql = sql;
  }
}

export function failureOf({ options }: Project, { path }: ProjectNode, error: unknown): string {
  if (isFault(error)) return error.message; // which names the place
  const reason = reasonOf(error);
  const ofCsv = inCsv(reason);
  if (ofCsv !== undefined)
    return ofCsv.file === join(options.dir, path) ? ofCsv.at(path) : `${path}: ${ofCsv.at(ofCsv.file)}`;
  const [, said = '', number = '', shown = '', caret = ''] = /^([^]*?)\n+LINE (\d+): (.*)\n( *\^)/.exec(reason) ?? [];
  const compiled = error instanceof SqlFailure && number !== '' ? error.sql.split('\n') : [];
  const index = Number(number) - linesBefore - 1;
  const line = compiled[index];
  if (line === undefined)
    return `${path}: ${index === compiled.length && number !== '' ? `${said}, at the end of the SQL` : reason}`;
  const same = readFileSync(join(options.dir, path), 'utf8')
    .split(/\r?\n/)
    .flatMap((one, i) => (one.trimEnd() === line.trimEnd() ? [i + 1] : []));
  const at = same.length === 1 ? `${path}:${same[0]}` : `${path}, line ${index + 1} of what it compiles to`;
  return `${at}: ${said}\n${shown}\n${caret.slice(`LINE ${number}: `.length)}`;
}

/** A row of a file that DuckDB could not read, without the settings that it found for the file. */
function inCsv(reason: string): { readonly file: string; readonly at: (file: string) => string } | undefined {
  const line = /CSV Error on Line: (\d+)\n/.exec(reason);
  const file = /^\s*file = (.+)$/m.exec(reason)?.[1];
  if (line === null || file === undefined) return undefined;
  const [said = ''] = reason.slice(line.index + line[0].length).split(/\n\s*\n/);
  return { file, at: (name) => `${name}:${line[1]}: ${said}` };
}
