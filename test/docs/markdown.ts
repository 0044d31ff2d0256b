/** The documentation as tests read it: files, fenced blocks, tables and links. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Block {
  /** Path from the root. */
  readonly file: string;
  readonly line: number;
  readonly language: string;
  /** The file that the block shows, where its fence names one: ```ts orders.ts */
  readonly name: string | undefined;
  /** From `<!-- docs test: ... -->` on the line before. */
  readonly note: string | undefined;
  readonly text: string;
}

/** README, CONTRIBUTING, CHANGELOG and everything under docs/, as paths from the root. */
export function documents(): readonly string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs.toSorted()];
}

export function readDocument(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export function blocksOf(file: string): readonly Block[] {
  const pattern = /(?:^<!-- docs test: (?<note>.*) -->\n+)?^```(?<info>\S.*)\n(?<text>[\s\S]*?)^```$/gm;
  const document = readDocument(file);
  return [...document.matchAll(pattern)].map(({ index, groups }) => {
    const { note, info = '', text = '' } = groups ?? {};
    const [language = '', name] = info.split(' ');
    return { file, line: document.slice(0, index).split('\n').length, language, name, note, text };
  });
}

export function allBlocks(language: string): readonly Block[] {
  return documents().flatMap((file) => blocksOf(file).filter((block) => block.language === language));
}

/** The block that shows the file of this name. */
export function namedBlock(file: string, name: string): string {
  const found = blocksOf(file).find((block) => block.name === name);
  if (found === undefined) throw new Error(`${file} shows no ${name}`);
  return found.text;
}

/** The rows of the first table whose header begins with this title, without the header; cells trimmed. */
export function tableOf(file: string, firstTitle: string): readonly (readonly string[])[] {
  const lines = readDocument(file).split('\n');
  const header = lines.findIndex((line) => line.startsWith('|') && cellsOf(line)[0] === firstTitle);
  if (header < 0) throw new Error(`${file} has no table that begins with ${firstTitle}`);
  const end = lines.findIndex((line, at) => at > header && !line.startsWith('|'));
  return lines.slice(header + 2, end).map(cellsOf);
}

/** What stands in backticks. */
export function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
}

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
