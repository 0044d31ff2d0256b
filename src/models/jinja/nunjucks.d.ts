/** What parse.ts uses of nunjucks 3.2.4's parser, which has no types of its own. */
declare module 'nunjucks/src/lexer.js' {
  interface Token {
    readonly type: string;
    /** Text, but for what the parser takes as it is. */
    value: unknown;
    readonly lineno: number;
    readonly colno: number;
  }
  interface Tokenizer {
    readonly str: string;
    index: number;
    lineno: number;
    colno: number;
    in_code: boolean;
    nextToken(): Token | null;
    forward(): void;
  }
  const lexer: { lex(source: string): Tokenizer };
  export default lexer;
}

declare module 'nunjucks/src/parser.js' {
  import type lexer from 'nunjucks/src/lexer.js';
  interface Parser {
    extensions: readonly {
      readonly tags: readonly string[];
      readonly parse: (parser: Parser, nodes: unknown) => unknown;
    }[];
    dropLeadingWhitespace: boolean;
    nextToken(): { readonly lineno: number; readonly colno: number };
    parseExpression(): unknown;
    advanceAfterBlockEnd(tag: string): void;
    parseAsRoot(): unknown;
  }
  const parser: { readonly Parser: new (tokens: ReturnType<typeof lexer.lex>) => Parser };
  export default parser;
}
