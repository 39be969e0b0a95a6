import { nearest, SampanError } from "../../base/index.ts";

/** One token of WAVE. */
export interface WaveToken {
  readonly kind: "label" | "keyword" | "number" | "char" | "string" | "sign" | "end";
  /** A label without its `%`, what a char or string stands for, or else the token as it is. */
  readonly text: string;
  readonly offset: number;
}

/** Words that are labels only behind a `%`. */
export const waveKeywords: ReadonlySet<string> = new Set(["true", "false", "inf", "nan", "some", "none", "ok", "err"]);

const space = /(?:[ \t\r\n]+|\/\/[^\n]*)*/y;
const label = /%?(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*/y;
const number = /-?(?:inf\b|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/y;
const character = /\\(?:(['"\\tnr])|u\{([0-9A-Fa-f]{1,6})\})|[^\\]/uy;
const escapes: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r" };

/** Reads WAVE token by token. */
export class WaveReader {
  readonly #text: string;
  #offset: number;
  #peeked: { readonly token: WaveToken; readonly end: number } | undefined;

  /** Begins at `offset`, in UTF-16 units. */
  constructor(text: string, offset = 0) {
    this.#text = text;
    this.#offset = offset;
  }

  /** The token that is read next. @throws WAVE_INVALID */
  peek(): WaveToken {
    this.#peeked ??= this.#read();
    return this.#peeked.token;
  }

  /** Reads a token. @throws WAVE_INVALID */
  next(): WaveToken {
    const token = this.peek();
    this.#offset = this.#peeked?.end ?? this.#offset;
    this.#peeked = undefined;
    return token;
  }

  /** Goes over the sign or keyword if it stands next. */
  skip(text: string): boolean {
    const token = this.peek();
    if ((token.kind !== "sign" && token.kind !== "keyword") || token.text !== text) return false;
    this.next();
    return true;
  }

  /** Reads a sign. @throws WAVE_INVALID */
  expect(sign: string, what: string): void {
    if (!this.skip(sign)) throw this.invalid(`"${sign}" for ${what}`);
  }

  /** Reads what is parted by commas, up to the sign that ends it; a comma may stand behind the last. */
  list(end: string, what: string, read: (at: number) => void): void {
    for (let at = 0; !this.skip(end); at += 1) {
      read(at);
      if (this.skip(",")) continue;
      const { kind, text } = this.peek();
      if (kind !== "sign" || text !== end) throw this.invalid(`"," or "${end}" for ${what}`);
    }
  }

  /** The error for the token that stands next where something else is wanted. */
  invalid(wanted: string, candidates: Iterable<string> = []): SampanError {
    const { kind, text, offset } = this.peek();
    const found =
      kind === "end" ? "the end" : `"${this.#text.slice(offset, offset + Math.max(1, Math.min(text.length, 40)))}"`;
    const near = kind === "label" ? nearest(text, candidates) : undefined;
    return waveInvalid(
      `${found} cannot stand at column ${this.#column(offset)}, wanted ${wanted}`,
      near === undefined ? {} : { hint: `did you mean ${near}` },
    );
  }

  /** The error for a value that was read but is none of its type. */
  problem(what: string, { offset }: WaveToken): SampanError {
    return waveInvalid(`${what} at column ${this.#column(offset)}`, {});
  }

  #column(offset: number): number {
    return Array.from(this.#text.slice(0, offset)).length + 1;
  }

  #match(pattern: RegExp, offset: number): RegExpExecArray | undefined {
    pattern.lastIndex = offset;
    return pattern.exec(this.#text) ?? undefined;
  }

  #read(): { token: WaveToken; end: number } {
    const offset = this.#offset + (this.#match(space, this.#offset)?.[0].length ?? 0);
    const made = (kind: WaveToken["kind"], text: string, end: number): { token: WaveToken; end: number } => ({
      token: { kind, text, offset },
      end,
    });
    if (offset >= this.#text.length) return made("end", "", offset);
    const word = this.#match(label, offset)?.[0];
    if (word !== undefined) {
      const kind = waveKeywords.has(word) ? "keyword" : "label";
      return made(kind, word.replace(/^%/, ""), offset + word.length);
    }
    const digits = this.#match(number, offset)?.[0];
    if (digits !== undefined) return made("number", digits, offset + digits.length);
    if (this.#text[offset] === "'") {
      const { text, end } = this.#character(offset + 1, "'");
      if (this.#text[end] !== "'") throw this.#broken("the char has no end", offset);
      return made("char", text, end + 1);
    }
    if (this.#text[offset] === '"') return this.#string(offset, (text, end) => made("string", text, end));
    return made("sign", this.#text[offset] ?? "", offset + 1);
  }

  #character(offset: number, quote: string): { text: string; end: number } {
    const found = this.#match(character, offset);
    if (found === undefined || found[0] === quote || found[0] === "\n")
      throw this.#broken(`"${this.#text[offset] ?? ""}" is no character of a value in ${quote}`, offset);
    const [whole, letter, code] = found;
    const end = offset + whole.length;
    if (letter !== undefined) return { text: escapes[letter] ?? letter, end };
    if (code === undefined) return { text: whole, end };
    const value = Number.parseInt(code, 16);
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
      throw this.#broken(`"${whole}" is no character of Unicode`, offset);
    return { text: String.fromCodePoint(value), end };
  }

  #string<T>(offset: number, made: (text: string, end: number) => T): T {
    const opening = this.#match(/"""\r?\n/y, offset)?.[0];
    if (opening !== undefined) return this.#longString(offset, offset + opening.length, made);
    const parts: string[] = [];
    let at = offset + 1;
    while (this.#text[at] !== '"') {
      const { text, end } = this.#character(at, '"');
      parts.push(text);
      at = end;
    }
    return made(parts.join(""), at + 1);
  }

  /** A string over several lines: the spaces before its last quotes are taken off each line. */
  #longString<T>(offset: number, start: number, made: (text: string, end: number) => T): T {
    const closing = /\r?\n( *)"""/g;
    // The first line may be the last one, with nothing in it.
    closing.lastIndex = start - 1;
    const found = closing.exec(this.#text);
    if (found === null) throw this.#broken('the string has no end, a line with """', offset);
    const indent = found[1] ?? "";
    const lines = this.#text.slice(start, Math.max(start, found.index)).split(/\r?\n/);
    const dedented = lines.map((line) => {
      if (!line.startsWith(indent))
        throw this.#broken(`a line of the string has less than ${indent.length} spaces`, offset);
      return line.slice(indent.length);
    });
    const text = dedented.join("\n");
    if (text.includes('"""')) throw this.#broken('""" in a string has to be broken up with a backslash', offset);
    const inner = new WaveReader(text);
    return made(found.index < start ? "" : inner.#unescaped(), closing.lastIndex);
  }

  #unescaped(): string {
    const parts: string[] = [];
    for (let at = 0; at < this.#text.length;) {
      const isPlain = this.#text[at] === "\n" || this.#text[at] === '"';
      const { text, end } = isPlain ? { text: this.#text[at] ?? "", end: at + 1 } : this.#character(at, "");
      parts.push(text);
      at = end;
    }
    return parts.join("");
  }

  #broken(problem: string, offset: number): SampanError {
    return waveInvalid(`${problem} at column ${this.#column(offset)}`, {});
  }
}

/** The error for text that is no value. */
export function waveInvalid(problem: string, options: { readonly hint?: string }): SampanError {
  return new SampanError("WAVE_INVALID", `Cannot read the value: ${problem}`, options);
}
