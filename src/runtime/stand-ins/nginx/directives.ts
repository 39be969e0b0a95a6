import { configError } from "../workload.ts";

/** One directive of a configuration of nginx's: its words, the directives of its block, and where it stands. */
export interface Directive {
  readonly name: string;
  readonly words: readonly string[];
  readonly block?: readonly Directive[];
  readonly file: string;
  readonly line: number;
}

interface Token {
  readonly text: string;
  readonly line: number;
  /** Whether it is one of `{`, `}` and `;`. */
  readonly isMark: boolean;
}

const pieces =
  /(?<space>\s+|#[^\n]*)|(?<mark>[{};])|(?<quoted>"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|(?<word>(?:\$\{\w+\}|\\[\s\S]|[^\s{};"'])(?:\$\{\w+\}|\\[\s\S]|[^\s{};])*)/y;

/** Reads a configuration of nginx's. @throws STAND_IN_CONFIG with file and line */
export function parseDirectives(text: string, file: string): readonly Directive[] {
  const tokens = tokensOf(text, file);
  let at = 0;
  const wrong = (what: string, line: number): never => {
    throw nginxError(what, { file, line });
  };
  const readBlock = (isInner: boolean, begin: number): Directive[] => {
    const directives: Directive[] = [];
    for (;;) {
      const token = tokens[at++];
      if (token === undefined) return isInner ? wrong('a block has no "}" at its end', begin) : directives;
      if (token.isMark && token.text === "}" && isInner) return directives;
      if (token.isMark) return wrong(`there is a "${token.text}" where a directive begins`, token.line);
      const words: string[] = [];
      let next = tokens[at++];
      for (; next !== undefined && !next.isMark; next = tokens[at++]) words.push(next.text);
      const { text: name, line } = token;
      if (next?.text === ";") directives.push({ name, words, file, line });
      else if (next?.text === "{") directives.push({ name, words, block: readBlock(true, line), file, line });
      else return wrong(`the directive "${name}" has no ";" at its end`, line);
    }
  };
  return readBlock(false, 1);
}

function tokensOf(text: string, file: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < text.length;) {
    pieces.lastIndex = at;
    const match = pieces.exec(text);
    if (match === null) throw nginxError("a quote has no end", { file, line });
    const [piece] = match;
    const { mark, quoted, word } = match.groups ?? {};
    if (mark !== undefined) tokens.push({ text: mark, line, isMark: true });
    if (quoted !== undefined) tokens.push({ text: unescaped(quoted.slice(1, -1)), line, isMark: false });
    if (word !== undefined) tokens.push({ text: unescaped(word), line, isMark: false });
    line += piece.split("\n").length - 1;
    at += piece.length;
  }
  return tokens;
}

function unescaped(text: string): string {
  return text.replace(/\\(["'\\ ;{}])/g, "$1");
}

/** What is wrong with a configuration of nginx's, and where. */
export function nginxError(
  what: string,
  { file, line }: { readonly file: string; readonly line: number },
  hint?: string,
): Error {
  return configError(`${what} in ${file}:${line}`, hint);
}
