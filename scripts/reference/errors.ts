/** Every code of the catalogue, with its status, what happened and what to do. */
import { catalogue } from '../../src/errors.ts';
import { code, plain, table } from './markdown.ts';

export function errorsPage(): string {
  const rows = Object.entries(catalogue).map(([name, { status, what, todo }]) => [
    code(name),
    String(status),
    plain(what),
    plain(todo),
  ]);
  return `# Errors

Whatever goes wrong for reasons outside the code has one of these codes. The table says what happened in general, and what to do; the
message of an error says what happened in particular, and where. Over HTTP the answer has the status and a body \`{ error, message, todo }\`;
a command writes the message and what to do to standard error, and exits with 1, or with 2 where its usage or the configuration is wrong.
An answer \`INTERNAL\` (500) is a defect of Tributary: its cause is in the log lines.

${table(['code', 'status', 'what happened', 'what to do'], rows)}
`;
}
