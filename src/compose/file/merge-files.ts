import { child, type Entry, type Leaf, type Row, type Tree } from "./tree.ts";

/** Keys of a service whose value an override replaces as a whole (Compose Specification, Merge and override). */
const replaced: ReadonlySet<string> = new Set(["command", "entrypoint", "healthcheck.test", "extends"]);
/** Keys of a service that are a map, whose short form is a list of `KEY=VALUE` or of names. */
const pairs: ReadonlySet<string> = new Set(["environment", "labels", "annotations", "deploy.labels", "sysctls"]);
const named: ReadonlySet<string> = new Set(["networks", "depends_on"]);
const lists: ReadonlySet<string> = new Set(["dns", "dns_search", "env_file", "label_file", "tmpfs"]);
/** Keys of a service that are a list in which some part of an item names it. */
const unique: Readonly<Record<string, (item: Tree) => string | undefined>> = {
  ports: portKey,
  volumes: volumeKey,
  secrets: fileKey,
  configs: fileKey,
};

/** Lays one file's tree over another's. Variables are in both already; short forms need not be long. */
export function mergeFiles(base: Tree, over: Tree, path: readonly string[] = []): Tree {
  if (over.tag === "override") return over;
  const key = path[0] === "services" && path.length > 2 ? path.slice(2).join(".") : "";
  if (replaced.has(key)) return isNothing(over) ? base : over;
  if (pairs.has(key) || named.has(key)) {
    const [left, right] = [asMap(base, key), asMap(over, key)];
    if (left?.kind === "map" && right?.kind === "map") return mergeMaps(left, right, path);
  }
  if (isNothing(over) && base.kind !== "leaf") return base;
  if (base.kind === "map" && over.kind === "map") return mergeMaps(base, over, path);
  const [left, right] = lists.has(key) ? [asList(base), asList(over)] : [base, over];
  if (left.kind === "list" && right.kind === "list") return { ...right, items: joinItems(left, right, unique[key]) };
  return over;
}

/** The tree without what `!reset` takes away. */
export function withoutReset(tree: Tree): Tree {
  if (tree.kind === "list")
    return { ...tree, items: tree.items.filter(({ tag }) => tag !== "reset").map(withoutReset) };
  if (tree.kind === "leaf") return tree;
  const entries = new Map<string, Entry>();
  for (const [name, { key, value }] of tree.entries)
    if (value.tag !== "reset") entries.set(name, { key, value: withoutReset(value) });
  return { ...tree, entries };
}

function isNothing(tree: Tree): boolean {
  return tree.kind === "leaf" && tree.value === null;
}

function mergeMaps(base: Tree & { kind: "map" }, over: Tree & { kind: "map" }, path: readonly string[]): Tree {
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const known = entries.get(name);
    const value =
      known === undefined || entry.value.tag === "reset"
        ? entry.value
        : mergeFiles(known.value, entry.value, [...path, name]);
    entries.set(name, { key: entry.key, value });
  }
  return { ...over, entries };
}

function joinItems(base: Row, over: Row, keyOf: ((item: Tree) => string | undefined) | undefined): readonly Tree[] {
  const joined = [...base.items];
  for (const item of over.items) {
    const key = keyOf === undefined ? leafKey(item) : keyOf(item);
    const at = key === undefined ? -1 : joined.findIndex((each) => (keyOf ?? leafKey)(each) === key);
    if (at < 0) joined.push(item);
    else joined[at] = item;
  }
  return joined;
}

function leafKey(item: Tree): string | undefined {
  return item.kind === "leaf" ? String(item.value) : undefined;
}

function asList(tree: Tree): Tree {
  return tree.kind === "leaf" && tree.value !== null ? { kind: "list", items: [tree], spot: tree.spot } : tree;
}

/** A list of `KEY=VALUE`, or of names, as the map that it is short for. */
function asMap(tree: Tree, key: string): Tree | undefined {
  if (tree.kind === "map") return tree;
  if (tree.kind !== "list" || !tree.items.every((item): item is Leaf => item.kind === "leaf")) return undefined;
  const entries = new Map<string, Entry>();
  for (const item of tree.items as readonly Leaf[]) {
    const text = String(item.value);
    const at = pairs.has(key) ? text.indexOf("=") : -1;
    const none: Tree = { kind: "leaf", value: null, spot: item.spot };
    const condition: Tree = { kind: "leaf", value: "service_started", spot: item.spot };
    const value: Tree = pairs.has(key)
      ? { kind: "leaf", value: at < 0 ? null : text.slice(at + 1), spot: item.spot }
      : key === "networks"
        ? none
        : { kind: "map", entries: new Map([["condition", { key: item.spot, value: condition }]]), spot: item.spot };
    entries.set(at < 0 ? text : text.slice(0, at), { key: item.spot, value });
  }
  return { kind: "map", entries, spot: tree.spot };
}

function portKey(item: Tree): string | undefined {
  if (item.kind === "leaf")
    return String(item.value)
      .replace(/\/tcp$/, "")
      .replace(/^0\.0\.0\.0:/, "");
  const part = (name: string): string => {
    const found = child(item, name);
    return found?.kind === "leaf" ? String(found.value) : "";
  };
  const protocol = part("protocol");
  const published = [part("host_ip").replace("0.0.0.0", ""), part("published"), part("target")];
  return `${published.filter((text) => text !== "").join(":")}${protocol === "" || protocol === "tcp" ? "" : `/${protocol}`}`;
}

function volumeKey(item: Tree): string | undefined {
  if (item.kind === "map") return leafKey(child(item, "target") ?? item);
  const parts = String(item.kind === "leaf" ? item.value : "").split(":");
  return parts.length === 1 ? parts[0] : parts[1];
}

function fileKey(item: Tree): string | undefined {
  return leafKey(child(item, "target") ?? child(item, "source") ?? item);
}
