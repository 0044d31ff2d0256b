/**
 * Jinja's grammar: nunjucks' lexer and parser, held to jinja2. Where nunjucks reads a text differently its tokens are put right
 * (escapes in strings, trailing commas, `}}` in nested dictionaries), and what it knows and jinja2 does not is refused.
 */
import lexer from 'nunjucks/src/lexer.js';
import parser from 'nunjucks/src/parser.js';
import { Fault, reasonOf } from '../../errors.ts';
import { readEscapes } from './escapes.ts';
import { AttributeName, type JinjaNode, type Template, templateFault } from './template.ts';
import { Float } from './values.ts';

type Tokenizer = ReturnType<typeof lexer.lex>;
type Token = NonNullable<ReturnType<Tokenizer['nextToken']>>;

const statements = new Set('if elif else endif for endfor set endset macro endmacro call endcall'.split(' '));
for (const more of ['filter', 'endfilter', 'raw', 'endraw', 'do']) statements.add(more);
const words = new Set(['in', 'not', 'and', 'or', 'if', 'else', 'is']);

/**
 * @param options `isTrimmed`: without the space around the text, as dbt takes files
 * @throws Fault MODELS_INVALID with file and line
 */
export function parseTemplate(file: string, text: string, { isTrimmed = false } = {}): Template {
  // As jinja2 does: lines end in \n, and the last line's end is not the template's.
  const lines = text.replaceAll(/\r\n?/g, '\n');
  const source = isTrimmed ? lines.trimEnd() : lines.replace(/\n$/, '');
  const trimmedRaw = /\{%-?\s*raw\s*-%\}|\{%-\s*endraw|\{%\s*endraw\s*-%\}/.exec(source);
  if (trimmedRaw) throw templateFault(file, lineAt(source, trimmedRaw.index), 'raw does not go with a - that trims');
  try {
    const tokens = tokensOf(file, source, () => {
      reader.dropLeadingWhitespace = true;
    });
    const reader = new parser.Parser(tokens);
    reader.extensions = [{ tags: ['do'], parse: parseDo }];
    const { children } = reader.parseAsRoot() as JinjaNode;
    return { file, body: isTrimmed ? withoutSpaceBefore(children) : children };
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { lineno } = error as { lineno?: number };
    const line = lineno === undefined ? lineAt(source, source.length) : lineno - 1;
    throw templateFault(file, line, reasonOf(error).replace(/^[^]*?\n\s+/, ''));
  }
}

/** Not before it is parsed: lines are those of the file. */
function withoutSpaceBefore([first, ...rest]: readonly JinjaNode[]): readonly JinjaNode[] {
  const [data] = first?.children ?? [];
  if (first?.typename !== 'Output' || data?.typename !== 'TemplateData') return first ? [first, ...rest] : rest;
  return [
    {
      ...first,
      typename: 'Output',
      children: [{ ...data, typename: 'TemplateData', value: String(data.value).trimStart() }],
    },
    ...rest,
  ];
}

function parseDo(reader: InstanceType<typeof parser.Parser>): unknown {
  const { lineno } = reader.nextToken();
  const expr = reader.parseExpression();
  reader.advanceAfterBlockEnd('do');
  return { typename: 'Do', lineno, expr };
}

/** @param onTrim the text after what was just read begins without its space; the parser forgets that after `set x -` */
function tokensOf(file: string, source: string, onTrim: () => void): Tokenizer {
  const tokens = lexer.lex(source);
  const next = tokens.nextToken.bind(tokens);
  const brackets: string[] = [];
  let before: Token | null = null;
  const read = (): Token | null => {
    const { index, lineno, colno } = tokens;
    if (tokens.in_code && brackets.at(-1) === '{' && source[index] === '}') {
      tokens.forward(); // else it reads the two of a nested dictionary as the end of the expression
      return { type: 'right-curly', value: '}', lineno, colno };
    }
    const token = next();
    if (token?.type === 'string') token.value = readEscapes(source.slice(index + 1, tokens.index - 1));
    // The parser makes 1.0 a 1; the value of a token for text it leaves alone.
    if (token?.type === 'float') return { ...token, type: 'string', value: new Float(Number(token.value)) };
    return token;
  };
  tokens.nextToken = () => {
    const token = read();
    if (token === null) return null;
    if (token.type === 'whitespace') return token;
    if (token.type === 'block-end' && token.value === '-%}') onTrim();
    checkToken(file, token, before);
    const isAttribute = token.type === 'symbol' && before?.type === 'operator' && before.value === '.';
    if (isAttribute) token.value = new AttributeName(String(token.value));
    if (token.type.startsWith('left-'))
      brackets.push(token.value === '(' && isCallee(before) ? 'call' : String(token.value));
    else if (token.type.startsWith('right-')) brackets.pop();
    before = token;
    if (token.type !== 'comma' || !/^\s*[)\]}]/.test(source.slice(tokens.index, tokens.index + 400))) return token;
    if (brackets.at(-1) === '(') throw templateFault(file, token.lineno, 'a tuple that ends in a comma is not read');
    return tokens.nextToken();
  };
  return tokens;
}

function isCallee(token: Token | null): boolean {
  if (token?.type === 'symbol') return !words.has(String(token.value));
  return ['right-paren', 'right-bracket', 'string'].includes(token?.type ?? '');
}

function checkToken(file: string, token: Token, before: Token | null): void {
  const refuse = (what: string): never => {
    throw templateFault(file, token.lineno, what);
  };
  const text = String(token.value);
  if (token.type === 'symbol' && before?.type === 'block-start' && !statements.has(text))
    refuse(`the statement ${text} is not supported`);
  if (token.type === 'symbol' && !/^[a-z_]\w*$/i.test(text)) refuse(`${text} is no name`);
  if (token.type === 'regex') refuse('regular expressions are not Jinja');
  if (token.type === 'none' && text === 'null') refuse('null is none in Jinja');
  if (token.type === 'operator' && ['===', '!=='].includes(text)) refuse(`${text} is not Jinja`);
  if (token.type === 'string' && before?.type === 'string') refuse('strings side by side: join them with ~');
  if (token.type === 'comment' && /^\{#\+|\+#\}$/.test(text)) refuse('+ in a tag does nothing here: leave it out');
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split('\n').length - 1;
}
