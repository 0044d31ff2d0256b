/** Every command, as commander knows it. */
import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../../src/cli/commands.ts';
import { code, plain, table } from './markdown.ts';

export async function commandsPage(): Promise<string> {
  return `# Commands

\`npx tributary <command>\`. Exit codes: 0 done, 1 it ran and the answer is bad, 2 wrong usage or configuration, 130 interrupted.
\`--json\` prints JSON and nothing else on standard output; progress and logs go to standard error. \`--help\` adds examples.

${leavesOf(await createProgram(), [])
  .map(section)
  .join('\n\n')}
`;
}

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

/** Commands that do something: groups only hold others. */
function leavesOf(command: Command, path: readonly string[]): readonly Leaf[] {
  return command.commands.flatMap((each) => {
    const to = [...path, each.name()];
    return each.commands.length > 0 ? leavesOf(each, to) : [{ path: to, command: each }];
  });
}

function section({ path, command }: Leaf): string {
  const usage = ['tributary', ...path, ...command.registeredArguments.map(argument)].join(' ');
  const args = command.registeredArguments
    .filter(({ description }) => description !== '')
    .map((each) => [code(each.name()), plain(each.description)]);
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => [
      code(option.flags),
      plain(option.description) + choices(option.argChoices) + shownDefault(option),
    ]);
  const rows = [...args, ...options];
  const head = `## ${path.join(' ')}\n\n${code(usage)}\n\n${sentence(command.description())}`;
  return rows.length === 0 ? head : `${head}\n\n${table(['argument or option', 'means'], rows)}`;
}

function argument(given: Argument): string {
  const shown = `${given.name()}${given.variadic ? '...' : ''}`;
  return given.required ? `<${shown}>` : `[${shown}]`;
}

function choices(given: readonly string[] | undefined): string {
  return given === undefined ? '' : ` (one of ${given.join(', ')})`;
}

function shownDefault({ defaultValue, defaultValueDescription }: Option): string {
  if (defaultValue === undefined || defaultValue === false) return '';
  return ` (default: ${defaultValueDescription ?? JSON.stringify(defaultValue)})`;
}

function sentence(text: string): string {
  return `${plain(text.charAt(0).toUpperCase() + text.slice(1))}.`;
}
