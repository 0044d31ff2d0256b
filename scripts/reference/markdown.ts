/** Tables and code of the generated pages. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [lineOf(header), lineOf(header.map(() => '---')), ...rows.map(lineOf)].join('\n');
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** Texts of help and of the catalogue are plain: `<name>` in them is no tag. */
export function plain(text: string): string {
  return text.replaceAll(/[<*[\]]/g, String.raw`\$&`);
}

/** As `npm run format` leaves it. */
export function formatted(root: string, path: string, text: string): string {
  const formatter = join(root, 'node_modules/oxfmt/bin/oxfmt');
  const args = [formatter, `--stdin-filepath=${path}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(`oxfmt failed for ${path}: ${stderr}`);
  return stdout;
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map(escapeCell).join(' | ')} |`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}
