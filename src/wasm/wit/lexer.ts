import { isLabel } from "../component-parts.ts";
import { keywords, versionAt } from "./names.ts";
import { type WitPlace, type WitSource, witInvalid } from "./source.ts";

/** What a token is; `name` is an identifier without its `%`. */
export type TokenKind = "name" | "keyword" | "integer" | "string" | "operator" | "end";

/** One token of WIT (WIT, Lexical structure). */
export interface Token {
  readonly kind: TokenKind;
  /** An identifier's name, a string's content, or else the token as it stands. */
  readonly text: string;
  readonly offset: number;
  /** Offset just past the token. */
  readonly end: number;
  /** Whether `%` stands before the identifier. */
  readonly isEscaped: boolean;
  /** The documentation in the comments right before the token. */
  readonly docs: string | undefined;
}

// Bidirectional overrides, control codes and what Unicode deprecates or discourages.
const forbidden = /[\u202a-\u202e\u2066-\u2069]|\u17b4|\u17b5|\p{Deprecated}|(?![\n\r\t])\p{Cc}/u;
const word = /[A-Za-z][0-9A-Za-z]*(?:-[0-9A-Za-z]+)*/y;
const number = /[0-9]+/y;
const operators = ["->", "=", ",", ":", ";", "(", ")", "{", "}", "<", ">", "*", "/", ".", "@", "_"];

/** Takes a file of WIT apart, one token after the other. */
export class Lexer {
  readonly source: WitSource;
  #offset = 0;
  #peeked: Token | undefined;

  /** @throws WIT_INVALID for a character that no WIT may have */
  constructor(source: WitSource) {
    this.source = source;
    const bad = forbidden.exec(source.text);
    if (bad !== null) {
      const code = (bad[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      throw witInvalid(`the character U+${code} may not stand in WIT`, this.at(bad.index));
    }
  }

  /** A place of this file, as errors take it. */
  at(offset: number): { at: WitPlace } {
    return { at: { source: this.source, offset } };
  }

  /** The token that {@link next} answers. @throws WIT_INVALID */
  peek(): Token {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  /** The next token; behind the last one, `end` again and again. @throws WIT_INVALID */
  next(): Token {
    const token = this.peek();
    this.#peeked = undefined;
    this.#offset = token.end;
    return token;
  }

  /** The semantic version that stands next. @throws WIT_INVALID */
  version(): string {
    const { offset } = this.peek();
    const version = versionAt(this.source.text, offset);
    if (version === undefined) throw witInvalid("wanted a version such as 1.2.0", this.at(offset));
    this.#peeked = undefined;
    this.#offset = offset + version.length;
    return version;
  }

  #read(): Token {
    const docs = this.#skipSpace();
    const offset = this.#offset;
    const { text } = this.source;
    const token = (kind: TokenKind, content: string, end: number, isEscaped: boolean): Token => ({
      kind,
      text: content,
      offset,
      end,
      isEscaped,
      docs,
    });
    if (offset >= text.length) return token("end", "the end of the file", offset, false);
    if (text[offset] === '"') {
      const { content, end } = this.#string(offset);
      return token("string", content, end, false);
    }
    const isEscaped = text[offset] === "%";
    word.lastIndex = isEscaped ? offset + 1 : offset;
    const name = word.exec(text)?.[0];
    if (name !== undefined) {
      const isKeyword = !isEscaped && keywords.has(name);
      if (!isKeyword && !isLabel(name))
        throw witInvalid(`"${name}" is no name: each of its words is in lower or upper case`, this.at(offset));
      return token(isKeyword ? "keyword" : "name", name, word.lastIndex, isEscaped);
    }
    number.lastIndex = offset;
    const digits = number.exec(text)?.[0];
    if (digits !== undefined) return token("integer", digits, number.lastIndex, false);
    const operator = operators.find((each) => text.startsWith(each, offset));
    if (operator !== undefined) return token("operator", operator, offset + operator.length, false);
    const letter = String.fromCodePoint(text.codePointAt(offset) ?? 0);
    throw witInvalid(`"${letter}" begins nothing that WIT has`, this.at(offset));
  }

  /** Goes over white space and comments, and answers the documentation among them. */
  #skipSpace(): string | undefined {
    const { text } = this.source;
    const docs: string[] = [];
    for (;;) {
      const letter = text[this.#offset];
      if (letter === " " || letter === "\n" || letter === "\r" || letter === "\t") this.#offset += 1;
      else if (text.startsWith("//", this.#offset)) this.#lineComment(docs);
      else if (text.startsWith("/*", this.#offset)) this.#blockComment(docs);
      else return docs.length === 0 ? undefined : docs.join("\n");
    }
  }

  #lineComment(docs: string[]): void {
    const { text } = this.source;
    const newline = text.indexOf("\n", this.#offset);
    const end = newline < 0 ? text.length : newline;
    const comment = text.slice(this.#offset, end);
    if (comment.startsWith("///")) docs.push(comment.slice(3).replace(/^ /, "").trimEnd());
    this.#offset = end;
  }

  #blockComment(docs: string[]): void {
    const { text } = this.source;
    const start = this.#offset;
    const edge = /\/\*|\*\//g;
    edge.lastIndex = start;
    for (let depth = 0; ;) {
      const found = edge.exec(text);
      if (found === null) throw witInvalid("the comment has no end", { ...this.at(start), hint: "close it with */" });
      depth += found[0] === "/*" ? 1 : -1;
      if (depth === 0) break;
    }
    this.#offset = edge.lastIndex;
    const comment = text.slice(start, this.#offset);
    if (!comment.startsWith("/**") || comment.length < 5) return;
    const lines = comment.slice(3, -2).split("\n");
    const cleaned = lines.map((line, at) =>
      (at === 0 ? line : line.replace(/^\s*\*(?!\/)/, "")).replace(/^ /, "").trimEnd(),
    );
    while (cleaned.length > 0 && cleaned[0] === "") cleaned.shift();
    while (cleaned.length > 0 && cleaned.at(-1) === "") cleaned.pop();
    docs.push(...cleaned);
  }

  /** A string in the form of the core text format's names. */
  #string(start: number): { content: string; end: number } {
    const { text } = this.source;
    const bytes: number[] = [];
    const utf8 = new TextEncoder();
    const part = /"|\\(?:([tnr"'\\])|u\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))|[^"\\\n\r\t]{1,1000}/y;
    const letters: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r" };
    for (part.lastIndex = start + 1; ;) {
      const before = part.lastIndex;
      const found = part.exec(text);
      if (found === null)
        throw witInvalid("the string has no end, or an escape that WIT does not have", this.at(before));
      if (found[0] === '"') break;
      const [whole, letter, code, hex] = found;
      if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
      else if (code !== undefined) {
        const value = Number.parseInt(code, 16);
        if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
          throw witInvalid(`"${whole}" is no character of Unicode`, this.at(before));
        bytes.push(...utf8.encode(String.fromCodePoint(value)));
      } else bytes.push(...utf8.encode(letter === undefined ? whole : (letters[letter] ?? letter)));
    }
    try {
      const content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
      return { content, end: part.lastIndex };
    } catch {
      throw witInvalid("the string is not UTF-8", this.at(start));
    }
  }
}
