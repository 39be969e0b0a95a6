import type {
  AttributesNode,
  ExternNode,
  FileNode,
  FunctionNode,
  IncludeNode,
  InterfaceItemNode,
  InterfaceNode,
  MemberNode,
  NameNode,
  PackageItemNode,
  PackageNode,
  PackagePartNode,
  PathNode,
  TopLevelUseNode,
  TypedefNode,
  UseNode,
  WorldItemNode,
  WorldNode,
} from "./ast.ts";
import { parseFunctionType, parseParams, parseType } from "./parse-types.ts";
import { type WitSource, witInvalid } from "./source.ts";
import { TokenReader } from "./token-reader.ts";

const typeWords = ["type", "record", "variant", "enum", "flags", "resource"];

/** Reads one file of WIT by its grammar alone (WIT, Top-level items). @throws WIT_INVALID */
export function parseFile(source: WitSource): FileNode {
  const reader = new TokenReader(source);
  const at = reader.here();
  const nested: PackagePartNode[] = [];
  const items: PackageItemNode[] = [];
  let name: PackageNode | undefined;
  let docs: string | undefined;
  for (let isFirst = true; reader.peek().kind !== "end"; isFirst = false) {
    const attributes = parseAttributes(reader);
    if (!reader.isNext("package")) {
      items.push(parsePackageItem(reader, attributes, ["package"]));
      continue;
    }
    const start = reader.next();
    const declared = reader.packageName();
    if (reader.isNext("{")) nested.push(parseNested(reader, attributes, declared));
    else if (!isFirst) throw reader.unexpected(["{"]);
    else {
      reader.expect(";");
      [name, docs] = [declared, attributes.docs ?? start.docs];
    }
  }
  return { part: { name, docs, items, text: source.text, at }, nested };
}

function parseNested(reader: TokenReader, { docs }: AttributesNode, name: PackageNode): PackagePartNode {
  const { offset } = reader.expect("{");
  const items: PackageItemNode[] = [];
  while (!reader.isNext("}")) items.push(parsePackageItem(reader, parseAttributes(reader), ["}"]));
  const { end } = reader.next();
  return { name, docs, items, text: name.at.source.text.slice(offset, end), at: name.at };
}

function parsePackageItem(reader: TokenReader, attributes: AttributesNode, others: readonly string[]): PackageItemNode {
  if (reader.skip("interface")) return parseInterface(reader, attributes);
  if (reader.skip("world")) return parseWorld(reader, attributes);
  if (reader.skip("use")) return parseTopLevelUse(reader, attributes);
  throw reader.unexpected(["interface", "world", "use", ...others]);
}

function parseTopLevelUse(reader: TokenReader, attributes: AttributesNode): TopLevelUseNode {
  const path = reader.path();
  const as = reader.skip("as") ? reader.name() : path.name;
  reader.expect(";");
  return { kind: "top-level-use", attributes, path, as };
}

/** Reads gates and the external id before an item (WIT, Feature gate syntax). */
function parseAttributes(reader: TokenReader): AttributesNode {
  const first = reader.peek();
  const found: { since?: string; unstable?: string; deprecated?: string; externalId?: string } = {};
  while (reader.skip("@")) {
    const name = reader.name();
    const twice = (key: keyof typeof found): void => {
      if (found[key] !== undefined) throw witInvalid(`"@${name.text}" stands twice`, { at: name.at });
    };
    reader.expect("(");
    if (name.text === "since" || name.text === "deprecated") {
      twice(name.text);
      parseKey(reader, "version");
      found[name.text] = reader.version();
    } else if (name.text === "unstable") {
      twice("unstable");
      parseKey(reader, "feature");
      found.unstable = reader.name().text;
    } else if (name.text === "external-id") {
      twice("externalId");
      if (reader.peek().kind !== "string") throw reader.unexpected(["a string"]);
      found.externalId = reader.next().text;
    } else {
      const candidates = ["since", "unstable", "deprecated", "external-id"];
      const problem = `"@${name.text}" is no gate, wanted @since, @unstable, @deprecated or @external-id`;
      throw witInvalid(problem, { at: name.at, name: name.text, candidates });
    }
    reader.expect(")");
  }
  return {
    docs: first.docs ?? reader.peek().docs,
    since: found.since,
    unstable: found.unstable,
    deprecated: found.deprecated,
    externalId: found.externalId,
    at: reader.place(first),
  };
}

function parseKey(reader: TokenReader, key: string): void {
  const { kind, text } = reader.peek();
  if (kind !== "name" || text !== key) throw reader.unexpected([key]);
  reader.next();
  reader.expect("=");
}

function parseInterface(reader: TokenReader, attributes: AttributesNode): InterfaceNode {
  return { kind: "interface", attributes, name: reader.name(), items: parseInterfaceItems(reader) };
}

function parseInterfaceItems(reader: TokenReader): InterfaceItemNode[] {
  reader.expect("{");
  const items: InterfaceItemNode[] = [];
  while (!reader.isNext("}")) {
    const attributes = parseAttributes(reader);
    if (reader.skip("use")) items.push(parseUse(reader, attributes));
    else {
      const typedef = parseTypedef(reader, attributes);
      items.push(typedef ?? parseFunction(reader, attributes, ["use", ...typeWords, "a name", "}"]));
    }
  }
  reader.next();
  return items;
}

function parseFunction(reader: TokenReader, attributes: AttributesNode, wanted: readonly string[]): FunctionNode {
  if (reader.peek().kind !== "name") throw reader.unexpected(wanted);
  const name = reader.name();
  // What is no function begins with a word that nearly is one of these, such as `recrod`.
  if (!reader.isNext(":") && reader.peek().kind === "name")
    throw witInvalid(`"${name.text}" begins nothing that may stand here, wanted ${wanted.join(", ")}`, {
      at: name.at,
      name: name.text,
      candidates: wanted,
    });
  reader.expect(":");
  if (!reader.isNext("func") && !reader.isNext("async")) throw reader.unexpected(["func", "async"]);
  const type = parseFunctionType(reader);
  reader.expect(";");
  return { kind: "function", attributes, name, role: "function", type };
}

function parseUse(reader: TokenReader, attributes: AttributesNode): UseNode {
  const path = reader.path();
  reader.expect(".");
  reader.expect("{");
  const names = reader.commaList("}", () => reader.rename({ isAlways: false }));
  if (names.length === 0) throw witInvalid('"use" names at least one type', { at: path.name.at });
  reader.expect(";");
  return { kind: "use", attributes, path, names };
}

function parseTypedef(reader: TokenReader, attributes: AttributesNode): TypedefNode | undefined {
  const token = reader.peek();
  if (token.kind !== "keyword") return undefined;
  switch (token.text) {
    case "type": {
      reader.next();
      const name = reader.name();
      reader.expect("=");
      const type = parseType(reader);
      reader.expect(";");
      return { kind: "typedef", attributes, name, body: { kind: "alias", type } };
    }
    case "record":
    case "variant":
    case "flags":
    case "enum": {
      reader.next();
      const name = reader.name();
      const members = parseMembers(reader, token.text, name);
      return { kind: "typedef", attributes, name, body: { kind: token.text, members } };
    }
    case "resource":
      reader.next();
      return parseResource(reader, attributes);
    default:
      return undefined;
  }
}

function parseMembers(reader: TokenReader, kind: "record" | "variant" | "flags" | "enum", of: NameNode): MemberNode[] {
  reader.expect("{");
  const members = reader.commaList("}", () => {
    const { docs } = reader.peek();
    const name = reader.name();
    if (kind === "record") {
      reader.expect(":");
      return { name, docs, type: parseType(reader) };
    }
    if (kind !== "variant" || !reader.skip("(")) return { name, docs, type: undefined };
    const type = parseType(reader);
    reader.expect(")");
    return { name, docs, type };
  });
  if (members.length === 0) throw witInvalid(`the ${kind} "${of.text}" has nothing in it`, { at: of.at });
  if (kind === "flags" && members.length > 32)
    throw witInvalid(`the flags "${of.text}" are ${members.length}, wanted at most 32`, { at: of.at });
  return members;
}

function parseResource(reader: TokenReader, attributes: AttributesNode): TypedefNode {
  const name = reader.name();
  const functions: FunctionNode[] = [];
  if (!reader.skip(";")) {
    reader.expect("{");
    while (!reader.isNext("}")) functions.push(parseMethod(reader));
    reader.next();
  }
  return { kind: "typedef", attributes, name, body: { kind: "resource", functions } };
}

function parseMethod(reader: TokenReader): FunctionNode {
  const attributes = parseAttributes(reader);
  const at = reader.here();
  if (reader.skip("constructor")) {
    const params = parseParams(reader);
    const result = reader.skip("->") ? parseType(reader) : undefined;
    reader.expect(";");
    const type = { isAsync: false, params, result };
    return { kind: "function", attributes, name: { text: "constructor", at }, role: "constructor", type };
  }
  if (reader.peek().kind !== "name") throw reader.unexpected(["constructor", "a name", "}"]);
  const name = reader.name();
  reader.expect(":");
  const role = reader.skip("static") ? "static" : "method";
  if (!reader.isNext("func") && !reader.isNext("async"))
    throw reader.unexpected(["func", "async", ...(role === "static" ? [] : ["static"])]);
  const type = parseFunctionType(reader);
  reader.expect(";");
  return { kind: "function", attributes, name, role, type };
}

function parseWorld(reader: TokenReader, attributes: AttributesNode): WorldNode {
  const name = reader.name();
  reader.expect("{");
  const items: WorldItemNode[] = [];
  while (!reader.isNext("}")) items.push(parseWorldItem(reader));
  reader.next();
  return { kind: "world", attributes, name, items };
}

function parseWorldItem(reader: TokenReader): WorldItemNode {
  const attributes = parseAttributes(reader);
  if (reader.skip("import")) return parseExtern(reader, "import", attributes);
  if (reader.skip("export")) return parseExtern(reader, "export", attributes);
  if (reader.skip("use")) return parseUse(reader, attributes);
  if (reader.skip("include")) return parseInclude(reader, attributes);
  const typedef = parseTypedef(reader, attributes);
  if (typedef !== undefined) return typedef;
  throw reader.unexpected(["import", "export", "use", "include", ...typeWords, "}"]);
}

function parseInclude(reader: TokenReader, attributes: AttributesNode): IncludeNode {
  const path = reader.path();
  if (!reader.skip("with")) {
    reader.expect(";");
    return { kind: "include", attributes, path, names: [] };
  }
  reader.expect("{");
  const names = reader.commaList("}", () => reader.rename({ isAlways: true }));
  // The grammar has no semicolon behind the brace; its example has one.
  reader.skip(";");
  return { kind: "include", attributes, path, names };
}

function parseExtern(reader: TokenReader, kind: "import" | "export", attributes: AttributesNode): ExternNode {
  const first = reader.peek();
  const name = reader.name();
  const whole = (path: PathNode, plain: NameNode | undefined): ExternNode => {
    reader.expect(";");
    return { kind, attributes, name: plain, type: { kind: "path", path } };
  };
  if (!reader.isNext(":")) return whole({ package: undefined, name }, undefined);
  const colon = reader.next();
  if (reader.isNext("func") || reader.isNext("async")) {
    const type = parseFunctionType(reader);
    reader.expect(";");
    return { kind, attributes, name, type: { kind: "function", type } };
  }
  if (reader.skip("interface"))
    return { kind, attributes, name, type: { kind: "inline", items: parseInterfaceItems(reader) } };
  if (reader.peek().kind !== "name") throw reader.unexpected(["func", "async", "interface", "a name"]);
  // `a:b` is one word, the beginning of a path; `a: b` gives the interface `b` the name `a`.
  const isWord = first.end === colon.offset && colon.end === reader.peek().offset;
  if (isWord) return whole(reader.pathAfterColon(name), undefined);
  const path = reader.path();
  if (path.package === undefined && !reader.isNext(";")) {
    const { text, at } = path.name;
    const problem = `"${text}" cannot stand here, wanted "func", "async", "interface", or an interface and ";"`;
    throw witInvalid(problem, { at, name: text, candidates: ["func", "async", "interface"] });
  }
  return whole(path, name);
}
