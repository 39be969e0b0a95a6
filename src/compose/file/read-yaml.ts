import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from "yaml";
import type { Problems } from "./problems.ts";
import { type Branch, type Entry, keyPath, type MergeTag, type Source, type Spot, type Tree } from "./tree.ts";

/** Most values of a file with its aliases put in: a few anchors that hold one another make billions of them. */
const mostValues = 200_000;
const deepest = 200;
/** What follows is mostly of the first ones' making. */
const mostErrors = 10;

/** Reads a file's text; undefined where it is not YAML that can be read, which `problems` tells. */
export function readYaml(text: string, source: Source, problems: Problems): Tree | undefined {
  const document = parseDocument(text, { prettyErrors: false, merge: false, keepSourceTokens: false });
  for (const error of document.errors.slice(0, mostErrors)) {
    const end = text.trimEnd().length;
    const isOpen = error.pos[0] >= end && !unrelated.has(error.code);
    const { message, hint } = isOpen ? openSentence : sentenceOf(error, text);
    problems.invalid({ spot: { source, offset: isOpen ? end : error.pos[0] }, path: "", message, hint });
  }
  if (document.errors.length > 0) return undefined;
  return new TreeReader(document, source, problems).read();
}

interface Sentence {
  readonly message: string;
  readonly hint: string;
}

const syntax: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  BAD_ALIAS: ["an alias has no name, or no anchor of its name stands before it", "write &NAME before *NAME"],
  BAD_DQ_ESCAPE: ['the backslash in a text in "…" escapes nothing', "write it in '…', or the backslash twice"],
  BAD_INDENT: [
    "its indentation fits no line above it, or a bracket above it is open",
    "begin it in the column of the keys beside it, and close each bracket",
  ],
  BAD_SCALAR_START: ["a text cannot begin with this letter", "put the text in quotes"],
  BLOCK_AS_IMPLICIT_KEY: ["there is a second : in a line without quotes", "put the value in quotes"],
  BLOCK_IN_FLOW: ["lines in […] or {…} have the form of those outside", "write all of it in brackets, or none"],
  DUPLICATE_KEY: ["the key stands there twice", "remove one of the two"],
  MISSING_CHAR: [
    "a bracket, quote, comma, colon or blank is missing",
    "close each bracket and quote; put a blank after each :",
  ],
  MULTILINE_IMPLICIT_KEY: ["a key reaches over two lines, or lacks its :", "write KEY: VALUE in one line"],
  MULTIPLE_DOCS: ["there is more than one document in the file", "remove the --- between them"],
  TAB_AS_INDENT: ["a tab stands where blanks indent", "put blanks in place of the tab"],
  UNEXPECTED_TOKEN: ["this stands where nothing can stand", "remove it, or put the text in quotes"],
};

/** What is missing at the end of a file was opened somewhere before it. */
const openSentence: Sentence = {
  message: "Cannot read YAML: a bracket or a quote is not closed before the end of the file",
  hint: "close each [, {, \" and ' in the lines above",
};
const unrelated: ReadonlySet<string> = new Set(["BAD_ALIAS", "DUPLICATE_KEY", "MULTIPLE_DOCS", "TAB_AS_INDENT"]);

function sentenceOf({ code, pos }: YAMLError, text: string): Sentence {
  const [problem, hint] = syntax[code] ?? ["it does not have the form of YAML", "look at this line and the one above"];
  const line = text.slice(text.lastIndexOf("\n", Math.max(0, pos[0] - 1)) + 1).split("\n", 1)[0] ?? "";
  const shown = line.trim().slice(0, 40);
  return { message: `Cannot read YAML${shown === "" ? "" : ` at "${shown}"`}: ${problem}`, hint };
}

interface Built {
  readonly tree: Tree;
  /** Values in it. */
  readonly size: number;
}

/** Makes a tree of a parsed document. */
class TreeReader {
  readonly #document: Document;
  readonly #source: Source;
  readonly #problems: Problems;
  readonly #built = new Map<Node, Built>();
  readonly #open = new Set<Node>();

  constructor(document: Document, source: Source, problems: Problems) {
    this.#document = document;
    this.#source = source;
    this.#problems = problems;
  }

  read(): Tree | undefined {
    const built = this.#node(this.#document.contents, { offset: 0, path: "", depth: 0 });
    return built?.tree;
  }

  #node(node: Node | null, at: { offset: number; path: string; depth: number }): Built | undefined {
    const spot = this.#spot(node?.range?.[0] ?? at.offset);
    if (node === null) return { tree: { kind: "leaf", value: null, spot }, size: 1 };
    const known = this.#built.get(node);
    if (known !== undefined) return known;
    if (at.depth > deepest) return this.#refuse(spot, at.path, `it is nested deeper than ${deepest} levels`);
    if (this.#open.has(node)) return this.#refuse(spot, at.path, "the alias stands inside what it names");
    this.#open.add(node);
    const built = this.#inner(node, spot, at);
    this.#open.delete(node);
    if (built === undefined) return undefined;
    if (built.size > mostValues)
      return this.#refuse(spot, at.path, `with its aliases put in it has more than ${mostValues} values`);
    this.#built.set(node, built);
    return built;
  }

  #inner(node: Node, spot: Spot, at: { offset: number; path: string; depth: number }): Built | undefined {
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined)
        return this.#refuse(
          spot,
          at.path,
          `nothing above is anchored as "${node.source}"`,
          `write &${node.source} in front of what it names`,
        );
      if (this.#open.has(target)) return this.#refuse(spot, at.path, "the alias stands inside what it names");
      return this.#node(target, { ...at, offset: spot.offset, depth: at.depth + 1 });
    }
    const tag = this.#tagOf(node, spot, at.path);
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.#node(isPair(item) ? null : (item as Node | null), {
          offset: spot.offset,
          path: `${at.path}[${index}]`,
          depth: at.depth + 1,
        }),
      );
      const good = items.filter((item) => item !== undefined);
      const size = good.reduce((sum, item) => sum + item.size, 1);
      return { tree: { kind: "list", items: good.map(({ tree }) => tree), spot, ...tag }, size };
    }
    if (isMap(node)) return this.#map(node.items as Pair<Node | null, Node | null>[], { ...at, spot, tag });
    if (!isScalar(node)) return this.#refuse(spot, at.path, "it is neither text, map nor list");
    return { tree: { kind: "leaf", value: plainValue(node.value, node.source), spot, ...tag }, size: 1 };
  }

  #map(
    pairs: readonly Pair<Node | null, Node | null>[],
    { path, depth, spot, tag }: { path: string; depth: number; spot: Spot; tag: { tag?: MergeTag } },
  ): Built {
    const entries = new Map<string, Entry>();
    const merged: Branch[] = [];
    let size = 1;
    for (const { key, value } of pairs) {
      const keySpot = this.#spot(key?.range?.[0] ?? spot.offset);
      const name = isScalar(key) && key.value !== null ? (key.source ?? String(key.value as string)) : undefined;
      if (name === undefined) {
        this.#refuse(keySpot, path, "a key is one text");
        continue;
      }
      if (!name.isWellFormed()) {
        this.#refuse(keySpot, path, "a key has half a letter in it", "write the letter itself in place of its number");
        continue;
      }
      const built = this.#node(value, {
        offset: key?.range?.[1] ?? spot.offset,
        path: keyPath(path, name),
        depth: depth + 1,
      });
      if (built === undefined) continue;
      size += built.size;
      if (name === "<<") merged.push(...this.#mergedMaps(built.tree, keySpot, path));
      else entries.set(name, { key: keySpot, value: built.tree });
    }
    // What the map says itself counts; of those merged into it, the earlier.
    for (const each of merged) {
      for (const [name, entry] of each.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return { tree: { kind: "map", entries, spot, ...tag }, size };
  }

  #mergedMaps(tree: Tree, spot: Spot, path: string): Branch[] {
    const maps = tree.kind === "list" ? tree.items : [tree];
    const good = maps.filter((each): each is Branch => each.kind === "map");
    if (good.length < maps.length) this.#refuse(spot, keyPath(path, "<<"), "what << merges is a map or a list of maps");
    return good;
  }

  #tagOf(node: Node, spot: Spot, path: string): { tag?: MergeTag } {
    const tag = node.tag;
    if (tag === "!reset") return { tag: "reset" };
    if (tag === "!override") return { tag: "override" };
    if (tag !== undefined && tag.startsWith("!"))
      this.#refuse(spot, path, `there is no tag ${tag}; a compose file has !reset and !override`);
    return {};
  }

  #spot(offset: number): Spot {
    return { source: this.#source, offset };
  }

  #refuse(
    spot: Spot,
    path: string,
    problem: string,
    hint = "write it as plain YAML: keys, values and lists",
  ): undefined {
    const what = path === "" ? "the file" : path;
    this.#problems.invalid({ spot, path, message: `Cannot read ${what}: ${problem}`, hint });
    return undefined;
  }
}

function plainValue(value: unknown, source: string | undefined): string | number | boolean | null {
  // A number with a leading zero is octal for Compose, which reads YAML 1.1's numbers.
  if (typeof value === "number" && source !== undefined && /^0[0-7]+$/.test(source)) return Number.parseInt(source, 8);
  if (typeof value === "number") {
    const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return isExact ? value : (source ?? String(value));
  }
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  return source ?? String(value as bigint);
}
