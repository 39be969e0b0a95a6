/** A file's name and where its lines begin. */
export interface Source {
  /** Absolute. */
  readonly path: string;
  /** As errors show it. */
  readonly shown: string;
  /** Offsets of the lines' first letters. */
  readonly lineStarts: readonly number[];
}

/** A letter of a file. */
export interface Spot {
  readonly source: Source;
  readonly offset: number;
}

/** What an override's tag makes of the value below. */
export type MergeTag = "reset" | "override";

interface TreeBase {
  readonly spot: Spot;
  readonly tag?: MergeTag;
}

/** A value that holds no others. */
export interface Leaf extends TreeBase {
  readonly kind: "leaf";
  readonly value: string | number | boolean | null;
  /** Whether variables were put in. */
  readonly interpolated?: boolean;
}

/** A map; the order is the file's. */
export interface Branch extends TreeBase {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A key's place and its value. */
export interface Entry {
  readonly key: Spot;
  readonly value: Tree;
}

/** A list. */
export interface Row extends TreeBase {
  readonly kind: "list";
  readonly items: readonly Tree[];
}

/** YAML with the place of each value: aliases and merge keys are put in. */
export type Tree = Leaf | Branch | Row;

/** The starts of a text's lines. */
export function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** A spot as people name it: line and column from 1. */
export function placeOf({ source, offset }: Spot): { file: string; line: number; column: number } {
  const { lineStarts, shown } = source;
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { file: shown, line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

/** The map's value of a key, or undefined. */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === "map" ? tree.entries.get(key)?.value : undefined;
}

/** A map's entries as a list; none of anything else. */
export function entriesOf(tree: Tree | undefined): (readonly [name: string, entry: Entry])[] {
  return tree?.kind === "map" ? [...tree.entries] : [];
}

/** A list's items; none of anything else. */
export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === "list" ? tree.items : [];
}

/** The text of a value as Compose makes text of it; undefined of maps, lists and nothing. */
export function textOf(tree: Tree | undefined): string | undefined {
  return tree?.kind === "leaf" && tree.value !== null ? String(tree.value) : undefined;
}

/** A truth, also one that is written as text (variables make text); undefined of anything else. */
export function truthOf(tree: Tree | undefined): boolean | undefined {
  const text = textOf(tree)?.toLowerCase();
  if (text === "true" || text === "yes" || text === "on" || text === "1") return true;
  return text === "false" || text === "no" || text === "off" || text === "0" ? false : undefined;
}

/** One text, or a list of texts, as a list. */
export function textsOf(tree: Tree | undefined): Leaf[] {
  const items = tree?.kind === "list" ? tree.items : tree === undefined ? [] : [tree];
  return items.filter((item): item is Leaf => item.kind === "leaf" && item.value !== null);
}

/** The value as plain data. */
export function dataOf(tree: Tree): unknown {
  if (tree.kind === "leaf") return tree.value;
  if (tree.kind === "list") return tree.items.map(dataOf);
  // A key such as __proto__ is a key like any other.
  const data = Object.create(null) as Record<string, unknown>;
  for (const [name, { value }] of tree.entries) data[name] = dataOf(value);
  return data;
}

/** A path one key further: `services.web`, or with quotes where the key holds what a path does. */
export function keyPath(path: string, key: string): string {
  const word = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
  return path === "" ? word : `${path}.${word}`;
}

/** What a value is, for errors. */
export function describe(tree: Tree): string {
  if (tree.kind === "map") return "a map";
  if (tree.kind === "list") return "a list";
  return tree.value === null ? "nothing" : typeof tree.value === "string" ? `"${tree.value}"` : `${tree.value}`;
}
