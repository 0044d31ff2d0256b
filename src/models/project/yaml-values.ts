/**
 * Values of YAML as dbt reads them. That is YAML 1.1, where `yes` is true and 010 is 8; we read 1.2. What means something else there is refused,
 * not guessed, and so is what a value of JavaScript cannot hold. A number with a point keeps it: 1.0 is not 1.
 */
import { type Document, isPair, isScalar, LineCounter, parseDocument, type Scalar, visit } from 'yaml';
import { reasonOf } from '../../errors.ts';
import { Float } from '../jinja/values.ts';

export interface ReadYaml {
  readonly document: Document;
  readonly lines: LineCounter;
  /** Undefined where there is a problem. */
  readonly value: unknown;
  readonly problem: { readonly line: number; readonly message: string; readonly cause?: Error } | undefined;
}

/** @param isTemplate whether there may be Jinja under these keys, each in the one before */
export function readYaml(text: string, isTemplate: (keys: readonly string[]) => boolean): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error) {
    const message = error.message.split('\n', 1)[0] ?? '';
    return { document, lines, value: undefined, problem: { line: lineAt(error.pos[0]), message, cause: error } };
  }
  let problem: ReadYaml['problem'];
  visit(document, {
    Scalar(key, node, path) {
      const keys = path.flatMap((one) => (isPair(one) && isScalar(one.key) ? [String(one.key.value)] : []));
      const message =
        (key === 'key' ? problemOfKey(node) : undefined) ??
        problemOf(node) ??
        (isTemplate(keys) ? undefined : problemOfJinja(node));
      if (message === undefined) return undefined;
      problem = { line: lineAt(node.range?.[0] ?? 0), message };
      return visit.BREAK;
    },
  });
  if (problem) return { document, lines, value: undefined, problem };
  try {
    return { document, lines, value: document.toJS(), problem };
  } catch (excess) {
    // aliases of aliases, which would make gigabytes of a line
    return { document, lines, value: undefined, problem: { line: 1, message: reasonOf(excess) } };
  }
}

function problemOfKey({ value }: Scalar): string | undefined {
  if (typeof value === 'string' && value !== '<<' && !/^\d+$/.test(value)) return undefined;
  return `${String(value)} is no key that is supported`;
}

function problemOfJinja({ value }: Scalar): string | undefined {
  return typeof value === 'string' && /\{[{%#]/.test(value) ? 'Jinja is not supported here' : undefined;
}

/** What PyYAML takes for something else than text. */
const ofPyYaml = [
  /^(yes|no|on|off|true|false|null)$/i,
  /^[-+]?(0b[01_]+|0x[\da-f_]+|\d[\d_]*(:[0-5]?\d)*)$/i,
  /^[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)(e[-+]\d+)?$/i,
  /^[-+]?\d[\d_]*(:[0-5]?\d)+\.[\d_]*$/,
  /^[-+]?\.(inf|nan)$/i,
  /^\d{4}-\d\d?-\d\d?([Tt]|[ \t]+)\d\d?:\d\d:\d\d/,
];
/** Both read them alike, and print them alike: a day and a time of day are text to us, and print as that in Python. */
const alike = [
  /^(true|True|TRUE|false|False|FALSE|null|Null|NULL)$/,
  /^[-+]?(0|[1-9]\d*)$/,
  /^[-+]?\d+\.\d*$/,
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/,
];

/** Gives a number with a point the value that keeps it. */
function problemOf(node: Scalar): string | undefined {
  const { source = '', type, value, tag } = node;
  if (tag !== undefined) return `the tag ${tag} is not supported`;
  if (type !== 'PLAIN') return undefined;
  const isText = typeof value === 'string';
  const isClear = isText ? !ofPyYaml.some((form) => form.test(source)) : value === null || typeof value === 'boolean';
  if (!isClear && !alike.some((form) => form.test(source)))
    return `dbt reads ${source} as something else than YAML 1.2 does: put it in quotes, or write it otherwise`;
  if (typeof value === 'number' && source.includes('.')) node.value = new Float(value);
  else if (typeof value === 'number' && !Number.isSafeInteger(value))
    return 'whole numbers over 2^53 are not supported: put it in quotes';
  return undefined;
}
