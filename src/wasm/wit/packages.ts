import type { FileNode, InterfaceNode, NameNode, PackageNode, PackagePartNode, PathNode, WorldNode } from "./ast.ts";
import type { GateOptions, GateScope } from "./gates.ts";
import { Lexer } from "./lexer.ts";
import { packageText, type WitInterface, type WitPackageName, type WitWorld } from "./model.ts";
import { parseFile } from "./parse.ts";
import { type WitPlace, type WitSource, listed, witInvalid } from "./source.ts";

/** An interface or world on its way from text to model. */
export interface Entry<Node, Result> {
  readonly node: Node;
  readonly package: PackageEntry;
  readonly part: PackagePartNode;
  state: "new" | "open" | Result | "left-out";
}

/** An interface's entry. */
export type InterfaceEntry = Entry<InterfaceNode, WitInterface>;
/** A world's entry. */
export type WorldEntry = Entry<WorldNode, WitWorld>;

/** A package on its way from text to model. */
export interface PackageEntry {
  readonly name: WitPackageName;
  readonly docs: string | undefined;
  readonly gates: GateScope;
  readonly interfaces: ReadonlyMap<string, InterfaceEntry>;
  readonly worlds: ReadonlyMap<string, WorldEntry>;
  /** What each file or block calls interfaces and worlds of elsewhere. */
  readonly uses: ReadonlyMap<PackagePartNode, ReadonlyMap<string, PathNode>>;
}

/** Every package of a set of files by its name as it is written, and which of them is the root. */
export interface PackageTable {
  readonly root: PackageEntry;
  readonly all: ReadonlyMap<string, PackageEntry>;
}

interface Group {
  readonly name: PackageNode;
  readonly docs: string | undefined;
  readonly parts: readonly PackagePartNode[];
}

/**
 * Sorts files into packages (WIT, Filesystem structure): those in `deps/` are one package for each file or folder there,
 * all others are the root.
 *
 * @throws WIT_INVALID
 */
export function collectPackages(sources: readonly WitSource[], options: GateOptions): PackageTable {
  const folders = new Map<string, WitSource[]>();
  for (const source of sources) {
    const [, dependency] = /(?:^|\/)deps\/([^/]+)/.exec(source.path) ?? [];
    const key = dependency ?? "";
    folders.set(key, [...(folders.get(key) ?? []), source]);
  }
  const rootFiles = (folders.get("") ?? []).map(parseFile);
  const [first] = rootFiles;
  if (first === undefined)
    throw witInvalid("there is no file of a package", { at: { source: { path: ".", text: "" }, offset: 0 } });
  const root = joinParts(rootFiles.map(({ part }) => part));
  if (root === undefined) throw withoutName(first.part.at);
  folders.delete("");
  const groups = [root, ...nestedIn(rootFiles)];
  for (const [, files] of [...folders].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const parsed = files.map(parseFile);
    const joined = joinParts(parsed.map(({ part }) => part));
    if (joined !== undefined) groups.push(joined);
    else if (parsed.some(({ part }) => part.items.length > 0)) throw withoutName(parsed[0]?.part.at ?? first.part.at);
    groups.push(...nestedIn(parsed));
  }
  return toTable(groups, options);
}

function withoutName(at: WitPlace): Error {
  return witInvalid("no file says the package's name", { at, hint: "write package NAMESPACE:NAME; at the top" });
}

function nestedIn(files: readonly FileNode[]): Group[] {
  return files.flatMap(({ nested }) =>
    nested.flatMap((part) => (part.name === undefined ? [] : [{ name: part.name, docs: part.docs, parts: [part] }])),
  );
}

function joinParts(parts: readonly PackagePartNode[]): Group | undefined {
  const [first, ...others] = parts.filter(({ name }) => name !== undefined);
  const name = first?.name;
  if (name === undefined) return undefined;
  for (const { name: other } of others) {
    if (other !== undefined && packageText(other) !== packageText(name))
      throw witInvalid(`the package is "${packageText(other)}" here and "${packageText(name)}" in another file`, other);
  }
  return { name, docs: parts.find(({ docs }) => docs !== undefined)?.docs, parts };
}

function toTable(groups: readonly Group[], options: GateOptions): PackageTable {
  const features = options.features === "all" ? "all" : new Set(options.features ?? []);
  const all = new Map<string, PackageEntry>();
  const seen = new Map<string, Group>();
  let root: PackageEntry | undefined;
  for (const group of groups) {
    const key = packageText(group.name);
    const twin = seen.get(key);
    if (twin !== undefined) {
      if (fingerprint(twin) !== fingerprint(group))
        throw witInvalid(`the package "${key}" stands here with other contents than before`, group.name);
      continue;
    }
    seen.set(key, group);
    const { namespace, name, version: written } = group.name;
    const version = root === undefined ? (options.version ?? written) : written;
    const gates: GateScope = { features, written, version: root === undefined ? options.version : undefined };
    const entry = toEntry(group, { namespace, name, version }, gates);
    all.set(key, entry);
    root ??= entry;
  }
  if (root === undefined) throw new TypeError("there is no root package");
  return { root, all };
}

function toEntry({ parts, docs }: Group, name: WitPackageName, gates: GateScope): PackageEntry {
  const interfaces = new Map<string, InterfaceEntry>();
  const worlds = new Map<string, WorldEntry>();
  const uses = new Map<PackagePartNode, Map<string, PathNode>>();
  const entry: PackageEntry = { name, docs, gates, interfaces, worlds, uses };
  const taken = new Map<string, string>();
  const take = ({ text, at }: NameNode): void => {
    const before = taken.get(text.toLowerCase());
    if (before !== undefined) throw witInvalid(`"${text}" is defined already, as "${before}"`, { at });
    taken.set(text.toLowerCase(), text);
  };
  for (const part of parts) {
    const local = new Map<string, PathNode>();
    uses.set(part, local);
    for (const node of part.items) {
      if (node.kind === "top-level-use") {
        if (local.has(node.as.text)) throw witInvalid(`"${node.as.text}" is defined already in this file`, node.as);
        local.set(node.as.text, node.path);
        continue;
      }
      take(node.name);
      if (node.kind === "interface") interfaces.set(node.name.text, { node, package: entry, part, state: "new" });
      else worlds.set(node.name.text, { node, package: entry, part, state: "new" });
    }
  }
  return entry;
}

/** What a package's text says, whatever its white space and comments. */
function fingerprint({ parts }: Group): string {
  const texts = parts.map(({ text, at }) => {
    const lexer = new Lexer({ path: at.source.path, text });
    const tokens: string[] = [];
    for (let token = lexer.next(); token.kind !== "end"; token = lexer.next()) tokens.push(token.text);
    // A block's braces, and the line that names the package, are not its contents.
    return tokens
      .join(" ")
      .replace(/^\{ (.*)\}$/s, "$1")
      .replace(/^package [^;{]*; ?/, "")
      .trim();
  });
  return texts.toSorted().join("\n");
}

/**
 * The interface or world that a path names, as seen from a file of a package.
 *
 * @throws WIT_INVALID with the nearest name
 */
export function findByPath<Sort extends "interface" | "world">(
  path: PathNode,
  sort: Sort,
  { table, from, part }: { readonly table: PackageTable; readonly from: PackageEntry; readonly part: PackagePartNode },
): Sort extends "interface" ? InterfaceEntry : WorldEntry;
export function findByPath(
  path: PathNode,
  sort: "interface" | "world",
  { table, from, part }: { readonly table: PackageTable; readonly from: PackageEntry; readonly part: PackagePartNode },
): InterfaceEntry | WorldEntry {
  const local = from.uses.get(part) ?? new Map<string, PathNode>();
  const renamed = path.package === undefined ? local.get(path.name.text) : undefined;
  const { package: owner, name } = renamed ?? path;
  const { at } = path.name;
  const entry = owner === undefined ? from : findPackage(owner, table);
  const [wanted, other] = sort === "interface" ? [entry.interfaces, entry.worlds] : [entry.worlds, entry.interfaces];
  const found = wanted.get(name.text);
  if (found !== undefined) return found;
  const whose = entry === from ? "this package" : `"${packageText(entry.name)}"`;
  if (other.has(name.text)) {
    const is = sort === "interface" ? "a world" : "an interface";
    throw witInvalid(`"${name.text}" is ${is} of ${whose}, wanted ${sort === "world" ? "a world" : "an interface"}`, {
      at,
    });
  }
  const known = [...wanted.keys(), ...(entry === from ? local.keys() : [])];
  throw witInvalid(`no ${sort} "${name.text}" is known: ${whose} has ${listed(known)}`, {
    at,
    name: name.text,
    candidates: known,
  });
}

function findPackage(name: PackageNode, table: PackageTable): PackageEntry {
  const key = packageText(name);
  const found = table.all.get(key);
  if (found !== undefined) return found;
  const others = [...table.all.keys()].filter((each) => each.split("@")[0] === `${name.namespace}:${name.name}`);
  throw witInvalid(`no package "${key}" is known`, {
    at: name.at,
    ...(others.length > 0
      ? { hint: `there is ${others.join(" and ")}` }
      : { hint: "put its WIT into the folder deps", name: key, candidates: table.all.keys() }),
  });
}
