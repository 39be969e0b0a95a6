import type {
  FunctionNode,
  FunctionTypeNode,
  InterfaceItemNode,
  MemberNode,
  NameNode,
  TypedefNode,
  TypeNode,
  UseNode,
} from "./ast.ts";
import { checkGate, type GateScope, readGate } from "./gates.ts";
import {
  bodyParts,
  type Draft,
  isPrimitive,
  isResource,
  partsOf,
  primitiveWords,
  resolveAlias,
  underlying,
  type WitFunction,
  type WitGate,
  type WitInterface,
  type WitItem,
  type WitParameter,
  type WitType,
  type WitTypeBody,
  type WitTypeDefinition,
  type WitWorld,
} from "./model.ts";
import { listed, witInvalid } from "./source.ts";

/** How deep definitions may refer to one another. */
const deepest = 200;

interface TypeEntry {
  readonly name: NameNode;
  readonly node: TypedefNode | UseNode;
  /** The name in the other interface, for a `use`. */
  readonly target: NameNode | undefined;
  readonly item: WitItem;
  readonly isKept: boolean;
  state: "new" | "open" | WitTypeDefinition;
}

/** What a scope needs of the world around it. */
export interface ScopeOptions {
  readonly owner: WitInterface | WitWorld;
  readonly gates: GateScope;
  /** The gate of what the items are in. */
  readonly outer: WitGate | undefined;
  /** The interface that a `use` names. */
  readonly findInterface: (node: UseNode) => WitInterface;
}

/** The types of one interface or world: finds them by name, whatever their order, and makes functions of them. */
export class TypeScope {
  readonly #options: ScopeOptions;
  readonly #entries = new Map<string, TypeEntry>();
  readonly #taken = new Map<string, string>();
  readonly #types = new Map<string, WitTypeDefinition>();
  #depth = 0;
  #gate: WitGate | undefined;

  constructor(options: ScopeOptions) {
    this.#options = options;
  }

  /** Makes the types of a list of items known. @throws WIT_INVALID */
  declare(items: readonly InterfaceItemNode[]): void {
    for (const node of items) {
      if (node.kind === "function") continue;
      const { item, isKept } = this.readItem(node);
      const names = node.kind === "use" ? node.names : [{ name: undefined, as: node.name }];
      for (const { name: target, as: name } of names) {
        this.take(name);
        this.#entries.set(name.text, { name, node, target, item, isKept, state: "new" });
      }
    }
  }

  /** Reads an item's gates, against those of what it is in. */
  readItem({ attributes }: { readonly attributes: TypedefNode["attributes"] }): { item: WitItem; isKept: boolean } {
    const read = readGate(attributes, this.#options.gates);
    checkGate(read.item.gate, this.#options.outer, "what contains it", attributes.at);
    return read;
  }

  /** Says that a name is used up in this scope. @throws WIT_INVALID where it is, in whatever case */
  take({ text, at }: NameNode): void {
    const before = this.#taken.get(text.toLowerCase());
    if (before !== undefined) throw witInvalid(`"${text}" is defined already, as "${before}"`, { at });
    this.#taken.set(text.toLowerCase(), text);
  }

  /** Resolves what was declared; the types that are used come first, those of one interface together. */
  resolve(): ReadonlyMap<string, WitTypeDefinition> {
    const kept = [...this.#entries.values()].filter(({ isKept }) => isKept);
    const uses = kept.filter(({ node }) => node.kind === "use");
    const groups = new Map<unknown, TypeEntry[]>();
    for (const entry of uses) {
      const { body } = this.#define(entry);
      const key = body.kind === "use" ? body.target.owner : undefined;
      groups.set(key, [...(groups.get(key) ?? []), entry]);
    }
    this.#types.clear();
    for (const entry of [...groups.values()].flat()) this.#types.set(entry.name.text, this.#define(entry));
    for (const entry of kept) this.#define(entry);
    for (const { node, state } of kept) {
      if (node.kind !== "typedef" || node.body.kind !== "resource" || typeof state === "string") continue;
      (state as Draft<WitTypeDefinition>).body = { kind: "resource", functions: this.#methods(node, state) };
    }
    return this.#types;
  }

  /** Makes a function. @throws WIT_INVALID */
  function(node: FunctionNode, item: WitItem, resource?: WitTypeDefinition): WitFunction {
    const { name, role, type } = node;
    return { kind: "function", name: name.text, role, ...item, ...this.signature(type, item.gate, resource, role) };
  }

  /** A function's parameters and result. @throws WIT_INVALID */
  signature(
    { isAsync, params, result }: FunctionTypeNode,
    gate: WitGate | undefined,
    resource?: WitTypeDefinition,
    role: FunctionNode["role"] = "function",
  ): Pick<WitFunction, "isAsync" | "params" | "result"> {
    this.#gate = gate;
    checkMembers(params, "parameter", role === "method" ? ["self"] : []);
    const made: WitParameter[] = params.flatMap(({ name, type }) =>
      type === undefined ? [] : [{ name: name.text, type: this.#type(type) }],
    );
    const answer = result === undefined ? undefined : this.#type(result);
    if (result !== undefined && answer !== undefined) {
      if (hasBorrow(answer))
        throw witInvalid("a result lends nothing: it has a borrowed handle in it", { at: result.at });
      const isOwn =
        answer.kind === "result" && answer.ok?.kind === "named" && underlying(answer.ok.definition) === resource;
      if (role === "constructor" && !isOwn)
        throw witInvalid(`a constructor answers nothing or result<${resource?.name ?? ""}, …>`, { at: result.at });
    }
    return { isAsync, params: made, result: answer };
  }

  #methods(node: TypedefNode, resource: WitTypeDefinition): WitFunction[] {
    if (node.body.kind !== "resource") return [];
    const taken = new Set([resource.name.toLowerCase()]);
    let hasConstructor = false;
    return node.body.functions.flatMap((each) => {
      const read = readGate(each.attributes, this.#options.gates);
      checkGate(read.item.gate, resource.gate, `the resource "${resource.name}"`, each.attributes.at);
      const isConstructor = each.role === "constructor";
      if (isConstructor && hasConstructor) throw witInvalid("a resource has at most one constructor", each.name);
      if (isConstructor) hasConstructor = true;
      else if (taken.has(each.name.text.toLowerCase()))
        throw witInvalid(`"${each.name.text}" is the name of the resource or of another function of it`, each.name);
      else taken.add(each.name.text.toLowerCase());
      return read.isKept ? [this.function(each, read.item, resource)] : [];
    });
  }

  #define(entry: TypeEntry): WitTypeDefinition {
    if (typeof entry.state !== "string") return entry.state;
    const { name, node, item } = entry;
    if (entry.state === "open") throw witInvalid(`the type "${name.text}" refers to itself`, name);
    if (this.#depth >= deepest) throw witInvalid(`types refer to one another over more than ${deepest} steps`, name);
    entry.state = "open";
    this.#depth += 1;
    const before = this.#gate;
    this.#gate = item.gate;
    const { owner } = this.#options;
    const body = node.kind === "use" ? this.#use(node, entry.target ?? name) : this.#body(node);
    const made: WitTypeDefinition = { kind: "type", name: name.text, owner, body, ...item };
    entry.state = made;
    this.#types.set(made.name, made);
    this.#depth -= 1;
    this.#gate = before;
    return made;
  }

  #use(node: UseNode, name: NameNode): WitTypeBody {
    const from = this.#options.findInterface(node);
    const target = from.types.get(name.text);
    if (target === undefined) {
      const problem = `the interface "${from.name ?? ""}" has no type "${name.text}": it has ${listed(from.types.keys())}`;
      throw witInvalid(problem, { at: name.at, name: name.text, candidates: from.types.keys() });
    }
    return { kind: "use", target };
  }

  #body({ body, name }: TypedefNode): WitTypeBody {
    switch (body.kind) {
      case "alias":
        return { kind: "alias", type: this.#type(body.type) };
      case "resource":
        // The functions follow once all types are known: they refer to the resource.
        return { kind: "resource", functions: [] };
      case "record": {
        checkMembers(body.members, "field", []);
        const fields = body.members.flatMap(({ name: { text }, docs, type }) =>
          type === undefined ? [] : [{ name: text, docs, type: this.#type(type) }],
        );
        return { kind: "record", fields };
      }
      case "variant": {
        checkMembers(body.members, "case", []);
        const cases = body.members.map(({ name: { text }, docs, type }) => ({
          name: text,
          docs,
          type: type === undefined ? undefined : this.#type(type),
        }));
        return { kind: "variant", cases };
      }
      case "flags":
      case "enum": {
        checkMembers(body.members, `member of "${name.text}"`, []);
        return { kind: body.kind, members: body.members.map(({ name: { text }, docs }) => ({ name: text, docs })) };
      }
    }
  }

  #named(name: NameNode): WitTypeDefinition {
    const entry = this.#entries.get(name.text);
    if (entry === undefined || !entry.isKept) {
      const known = [...this.#entries.values()].filter(({ isKept }) => isKept).map(({ name: { text } }) => text);
      if (entry !== undefined)
        throw witInvalid(`the type "${name.text}" is gated and left out, and this item is not`, name);
      throw witInvalid(`no type "${name.text}" is known here: there are the built-in ones and ${listed(known)}`, {
        at: name.at,
        name: name.text,
        candidates: [...known, ...primitiveWords, "list", "option", "result", "tuple"],
      });
    }
    const definition = this.#define(entry);
    checkGate(this.#gate, definition.gate, `the type "${name.text}"`, name.at);
    return definition;
  }

  #type(node: TypeNode): WitType {
    if (isPrimitive(node)) return { kind: node.kind };
    switch (node.kind) {
      case "name":
        return { kind: "named", definition: this.#named(node.name) };
      case "borrow": {
        const definition = this.#named(node.name);
        if (!isResource(definition))
          throw witInvalid(`"${node.name.text}" is no resource, wanted one to borrow`, node.name);
        return { kind: "borrow", definition };
      }
      case "list":
        return { kind: "list", element: this.#type(node.element), length: node.length };
      case "tuple":
        return { kind: "tuple", types: node.types.map((each) => this.#type(each)) };
      case "option":
        return { kind: "option", type: this.#type(node.type) };
      case "result":
        return { kind: "result", ok: this.#optional(node.ok), error: this.#optional(node.error) };
      case "map":
        return { kind: "map", key: this.#type(node.key), value: this.#type(node.value) };
      case "stream":
      case "future": {
        const element = this.#optional(node.element);
        if (element !== undefined && hasBorrow(element))
          throw witInvalid(`a ${node.kind} lends nothing: it has a borrowed handle in it`, { at: node.at });
        if (node.kind === "stream" && element !== undefined && resolveAlias(element).kind === "char")
          throw witInvalid("a stream of char is not allowed", {
            at: node.at,
            hint: "write stream<u8> for text in UTF-8",
          });
        return { kind: node.kind, element };
      }
    }
  }

  #optional(node: TypeNode | undefined): WitType | undefined {
    return node === undefined ? undefined : this.#type(node);
  }
}

function checkMembers(members: readonly MemberNode[], what: string, taken: readonly string[]): void {
  const seen = new Set(taken);
  for (const { name } of members) {
    const key = name.text.toLowerCase();
    if (seen.has(key)) throw witInvalid(`another ${what} has the name "${name.text}"`, name);
    seen.add(key);
  }
}

/** Whether a borrowed handle is anywhere in a type. */
export function hasBorrow(type: WitType): boolean {
  return reachesBorrow(type, new Set());
}

function reachesBorrow(type: WitType, seen: Set<WitTypeDefinition>): boolean {
  if (type.kind === "borrow") return true;
  if (type.kind !== "named") return partsOf(type).some((part) => reachesBorrow(part, seen));
  const definition = underlying(type.definition);
  if (seen.has(definition)) return false;
  seen.add(definition);
  return bodyParts(definition.body).some((part) => reachesBorrow(part, seen));
}
