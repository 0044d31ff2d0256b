/**
 * What pg_dump writes in its plain form, read as it comes: the rows of each `COPY ... FROM stdin`. No statement of the file is ever
 * run: those that pg_dump writes for such tables are passed over, since the tables are made as the app declares them, and the first
 * that is none of them is refused with its line.
 */
import { Fault } from '../errors.ts';
import type { DumpLines } from './dump-lines.ts';

export interface CopyBlock {
  readonly table: string;
  readonly columns: readonly string[];
  /** Of its statement. */
  readonly line: number;
  /** As COPY takes them, in pieces of some KiB. To be read to its end before the next block. */
  readonly rows: AsyncIterable<Buffer>;
}

/** Longer than any statement that makes a table. */
const maxStatementCharacters = 64 * 1024;
const pieceBytes = 64 * 1024;

/** @throws Fault DUMP_INVALID, naming the line */
export async function* readDump(lines: DumpLines): AsyncGenerator<CopyBlock, void, undefined> {
  for (;;) {
    const statement = await nextStatement(lines);
    if (statement === undefined) return;
    const copied = copyOf(statement);
    if (copied) yield { ...copied, line: statement.line, rows: rowsOf(lines, copied.table, statement.line) };
    else checkPassable(statement);
  }
}

interface Statement {
  readonly text: string;
  /** Of its beginning. */
  readonly line: number;
}

/** Comments and what pg_dump says to psql are no statements. */
async function nextStatement(lines: DumpLines): Promise<Statement | undefined> {
  let text = '';
  let first = 0;
  for (;;) {
    const bytes = await lines.next();
    if (bytes === undefined) break;
    const line = bytes.toString().replace(/\r?\n$/, '');
    if (text === '') {
      if (/^\s*(--|$)|^\\(un)?restrict /.test(line)) continue;
      first = lines.number;
    }
    text += `${line}\n`;
    if (text.length > maxStatementCharacters) throw wrong(first, 'a statement has no end here');
    if (line.trimEnd().endsWith(';') && isWhole(text)) return { text: text.trim(), line: first };
  }
  if (text === '') return undefined;
  throw wrong(first, 'the file ends in the middle of a statement');
}

/** What ends with a semicolon, unless that stands within a quoted text or name. */
function isWhole(text: string): boolean {
  return !/['"]/.test(text.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, ''));
}

const copyForm = /^COPY (?<table>[\w."]+) \((?<columns>[\w", ]+)\) FROM stdin;$/;

function copyOf({ text }: Statement): { readonly table: string; readonly columns: readonly string[] } | undefined {
  const { table, columns } = copyForm.exec(text)?.groups ?? {};
  if (table === undefined || columns === undefined) return undefined;
  return { table: plainName(table.split('.').at(-1) ?? ''), columns: columns.split(', ').map(plainName) };
}

function plainName(name: string): string {
  return name.replaceAll('"', '');
}

/** What pg_dump writes of tables beside their rows: settings, the tables, their keys, indexes, owners and privileges. */
const passable = [
  /^SET \w+ = /,
  /^SELECT pg_catalog\.set_config\('search_path', '', false\);$/,
  /^CREATE (UNLOGGED )?TABLE /,
  /^CREATE (UNIQUE )?INDEX /,
  /^CREATE SCHEMA /,
  /^ALTER (TABLE|SCHEMA) /,
  /^(COMMENT ON|GRANT|REVOKE) /,
];

function checkPassable({ text, line }: Statement): void {
  const encoding = /^SET client_encoding = '(.*)';$/.exec(text)?.[1];
  if (encoding !== undefined && encoding !== 'UTF8')
    throw wrong(line, `the encoding is ${JSON.stringify(encoding)}; expected UTF8 (pg_dump --encoding=UTF8)`);
  if (passable.some((form) => form.test(text))) return;
  const [start = ''] = text.split('\n', 1);
  throw wrong(line, `expected what pg_dump writes of a table, got ${JSON.stringify(start.slice(0, 80))}`);
}

async function* rowsOf(lines: DumpLines, table: string, from: number): AsyncGenerator<Buffer, void, undefined> {
  let piece: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const line = await lines.next();
    if (line === undefined) throw wrong(from, `the file ends in the middle of the rows of ${table}`);
    if (isEnd(line)) break;
    piece.push(line);
    bytes += line.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(piece);
    [piece, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(piece);
}

/** `\.` alone on its line. */
function isEnd(line: Buffer): boolean {
  return line.length <= 4 && line[0] === 0x5c && line[1] === 0x2e && /^\\\.\r?\n?$/.test(line.toString('latin1'));
}

function wrong(line: number, what: string): Fault {
  return new Fault('DUMP_INVALID', `line ${line}: ${what}`);
}
