import type { NameNode, PackageNode, PathNode, RenameNode } from "./ast.ts";
import { Lexer, type Token } from "./lexer.ts";
import { type WitPlace, type WitSource, listed, witInvalid } from "./source.ts";

/** Reads tokens by what the grammar expects, and the names and paths that all of the grammar shares. */
export class TokenReader {
  readonly #lexer: Lexer;
  #depth = 0;

  constructor(source: WitSource) {
    this.#lexer = new Lexer(source);
  }

  /** The token that is read next. */
  peek(): Token {
    return this.#lexer.peek();
  }

  /** The place of the token that is read next. */
  here(): WitPlace {
    return this.place(this.peek());
  }

  /** The place of a token. */
  place({ offset }: Token): WitPlace {
    return { source: this.#lexer.source, offset };
  }

  /** Goes over the next token if it is the keyword or operator. */
  skip(text: string): boolean {
    if (!this.isNext(text)) return false;
    this.#lexer.next();
    return true;
  }

  /** Whether the keyword or operator stands next. */
  isNext(text: string): boolean {
    const token = this.peek();
    return (token.kind === "operator" || token.kind === "keyword") && token.text === text;
  }

  /** Reads one keyword or operator. */
  expect(text: string): Token {
    if (!this.isNext(text)) throw this.unexpected([text]);
    return this.#lexer.next();
  }

  /** Reads the next token whatever it is. */
  next(): Token {
    return this.#lexer.next();
  }

  /** The error for a token that the grammar does not have here; `wanted` are the words that it has. */
  unexpected(wanted: readonly string[]): Error {
    const token = this.peek();
    const found = token.kind === "end" ? token.text : `"${token.text}"`;
    const isWord = token.kind === "name" || token.kind === "keyword";
    const needsEscape = token.kind === "keyword" && wanted.includes("a name");
    return witInvalid(`${found} cannot stand here, wanted ${listed(wanted).replaceAll(/"(a \w+)"/g, "$1")}`, {
      at: this.place(token),
      ...(needsEscape
        ? { hint: `write %${token.text} where the keyword is meant as a name` }
        : isWord
          ? { name: token.text, candidates: wanted.filter((word) => /^\w{3,}$/.test(word)) }
          : {}),
    });
  }

  /** Reads an identifier. */
  name(): NameNode {
    const token = this.peek();
    if (token.kind !== "name") throw this.unexpected(["a name"]);
    this.#lexer.next();
    return { text: token.text, at: this.place(token) };
  }

  /** Reads a semantic version. */
  version(): string {
    return this.#lexer.version();
  }

  /** Reads items parted by commas up to `end`; a comma may stand behind the last. */
  commaList<T>(end: string, read: () => T): T[] {
    const list: T[] = [];
    while (!this.skip(end)) {
      list.push(read());
      if (this.skip(",")) continue;
      if (!this.isNext(end)) throw this.unexpected([",", end]);
    }
    return list;
  }

  /** Reads what nests; refused where it does deeper than any reader of WIT should go. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > 100) throw witInvalid("types nest deeper than 100 levels", { at: this.here() });
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** Reads `namespace:name`, nested ones too, and the version (WIT, Package declaration). */
  packageName(): PackageNode {
    const at = this.here();
    const namespaces = [this.#packageWord()];
    this.expect(":");
    let name = this.#packageWord();
    while (this.skip(":")) {
      namespaces.push(name);
      name = this.#packageWord();
    }
    const names = [name];
    while (this.skip("/")) names.push(this.#packageWord());
    return { namespace: namespaces.join(":"), name: names.join("/"), version: this.#optionalVersion(), at };
  }

  /** Reads a `use-path`. */
  path(): PathNode {
    const first = this.name();
    return this.skip(":") ? this.pathAfterColon(first) : { package: undefined, name: first };
  }

  /** Reads what follows the first colon of a `use-path`. */
  pathAfterColon(first: NameNode): PathNode {
    const words = [first, this.name()];
    while (this.skip(":")) words.push(this.name());
    if (!this.isNext("/")) {
      const whole = words.map(({ text }) => text).join(":");
      throw witInvalid(`"${whole}" is a package, wanted an interface or world in it`, {
        at: first.at,
        hint: `write ${whole}/NAME`,
      });
    }
    const names = [words.pop() ?? first];
    while (this.skip("/")) names.push(this.name());
    const name = names.pop() ?? first;
    for (const each of [...words, ...names]) checkWords(each);
    const namespace = words.map(({ text }) => text).join(":");
    const packageName = names.map(({ text }) => text).join("/");
    return { package: { namespace, name: packageName, version: this.#optionalVersion(), at: first.at }, name };
  }

  /** Reads `name` or `name as other`; `isAlways` where the second is not left out. */
  rename({ isAlways }: { readonly isAlways: boolean }): RenameNode {
    const name = this.name();
    if (this.skip("as")) return { name, as: this.name() };
    if (isAlways) throw this.unexpected(["as"]);
    return { name, as: name };
  }

  #optionalVersion(): string | undefined {
    return this.skip("@") ? this.version() : undefined;
  }

  #packageWord(): string {
    const name = this.name();
    checkWords(name);
    return name.text;
  }
}

function checkWords({ text, at }: NameNode): void {
  if (text !== text.toLowerCase())
    throw witInvalid(`"${text}" has upper case, which names of namespaces and packages do not have`, {
      at,
      hint: `write ${text.toLowerCase()}`,
    });
}
