import {
  resolveWitAlias,
  type WitFunction,
  type WitInterface,
  type WitItem,
  type WitType,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldItem,
  witPackageText,
} from "../../wasm/wit/index.ts";
import { camelCase } from "../canonical/names.ts";
import type { ComponentMode } from "../instance/embedding.ts";
import { pascalCase } from "../names.ts";
import { distinct, isOptional, memberName, methodName, parameterName, type TypeNames, typeText } from "./type-text.ts";
import { streamOf, webStream } from "./web-streams.ts";

/** What is known of a world beside its text. */
export interface DeclarationOptions {
  /** How an instance is bound where nobody says otherwise; `sync` where it is left out. */
  readonly mode?: ComponentMode;
}

/**
 * TypeScript declarations of a world, as the text of a `.d.ts` file: what a host gives to a component of it, and what it
 * has of an instance.
 */
export function writeDeclarations(world: WitWorld, options: DeclarationOptions = {}): string {
  return new DeclarationWriter(world).write(options);
}

type Owner = WitInterface | WitWorld;

class DeclarationWriter {
  readonly #world: WitWorld;
  readonly #lines: string[] = [];
  readonly #owners = new Map<Owner, string>();
  readonly #typeNames = new Map<WitTypeDefinition, string>();
  readonly #allNames = new Set<string>();
  #indent = 0;

  constructor(world: WitWorld) {
    this.#world = world;
  }

  write({ mode }: DeclarationOptions): string {
    const world = pascalCase(this.#world.name);
    this.#nameTypes(this.#worldTypes());
    for (const { interface: each } of this.#interfaces()) this.#nameTypes([...each.types.values()]);
    const [imports, exports] = [this.#topName(`${world}Imports`), this.#topName(`${world}Exports`)];
    this.#owners.set(this.#world, this.#topName(world));
    for (const { interface: each, name } of this.#interfaces()) {
      if (!this.#owners.has(each)) this.#owners.set(each, this.#topName(namespaceName(each, `${world}-${name}`)));
    }
    this.#line(
      `// The world "${this.#world.name}" of ${witPackageText(this.#world.package)}, written by sampan types.`,
    );
    this.#namespace(this.#world, this.#worldTypes());
    const done = new Set<Owner>();
    for (const { interface: each } of this.#interfaces()) {
      if (done.has(each)) continue;
      done.add(each);
      this.#namespace(each, [...each.types.values()]);
      this.#interface(each);
    }
    this.#side(imports, this.#world.imports, "What a host gives to a component of this world.", new Map());
    this.#side(exports, this.#world.exports, "What a host has of an instance of this world.", this.#aliases());
    this.#whole(world, exports, mode);
    return `${this.#lines.join("\n")}\n`;
  }

  /** What `instantiate()` is called with: the world under its own name. */
  #whole(world: string, exports: string, mode: ComponentMode | undefined): void {
    const isAsync = mode === "async";
    const docs = isAsync
      ? 'What `instantiate()` makes: it imports what may wait, so that each call answers a promise. With `mode: "sync"` it is the above.'
      : "What `instantiate()` makes.";
    this.#lines.push("");
    this.#comment(plain(docs));
    const name = this.#owners.get(this.#world) ?? world;
    this.#line(`export type ${name} = ${isAsync ? `import("sampan").Async<${exports}>` : exports};`);
  }

  #worldTypes(): WitTypeDefinition[] {
    return [...this.#world.imports.values()].flatMap((each) => (each.kind === "type" ? [each] : []));
  }

  #interfaces(): { name: string; interface: WitInterface }[] {
    const all = [...this.#world.imports, ...this.#world.exports];
    return all.flatMap(([name, each]) => (each.kind === "instance" ? [{ name, interface: each.interface }] : []));
  }

  #nameTypes(types: readonly WitTypeDefinition[]): void {
    const taken = new Set<string>();
    for (const type of types) {
      if (this.#typeNames.has(type)) continue;
      const name = freeName(pascalCase(type.name), taken);
      taken.add(name);
      this.#allNames.add(name);
      this.#typeNames.set(type, name);
    }
  }

  /** A name at the top that nothing in any interface hides. */
  #topName(wanted: string): string {
    const name = freeName(wanted, this.#allNames);
    this.#allNames.add(name);
    return name;
  }

  #names(owner: Owner): TypeNames {
    return {
      nameOf: (definition) => {
        const name = this.#typeNames.get(definition) ?? "unknown";
        const stream = definition.owner === owner ? undefined : streamOf(definition);
        if (stream !== undefined) return webStream(stream, this.#global);
        return definition.owner === owner ? name : `${this.#owners.get(definition.owner) ?? ""}.${name}`;
      },
      global: this.#global,
    };
  }

  readonly #global = (name: string): string => (this.#allNames.has(name) ? `globalThis.${name}` : name);

  #line(text: string): void {
    this.#lines.push(`${"  ".repeat(this.#indent)}${text}`);
  }

  #block(head: string, write: () => void): void {
    this.#line(`${head} {`);
    this.#indent += 1;
    write();
    this.#indent -= 1;
    this.#line("}");
  }

  #comment({ docs, gate }: WitItem, more: readonly string[] = []): void {
    const tags = [...more];
    if (gate?.since !== undefined) tags.push(`@since ${gate.since}`);
    if (gate?.deprecated !== undefined) tags.push(`@deprecated since ${gate.deprecated}`);
    const lines = [...(docs === undefined ? [] : docs.split("\n")), ...tags].map((line) =>
      line.replaceAll("*/", "*\\/"),
    );
    if (lines.length === 0) return;
    if (lines.length === 1) return this.#line(`/** ${lines[0]} */`);
    this.#line("/**");
    for (const line of lines) this.#line(` * ${line}`.trimEnd());
    this.#line(" */");
  }

  #namespace(owner: Owner, types: readonly WitTypeDefinition[]): void {
    if (types.length === 0) return;
    this.#lines.push("");
    this.#comment(owner);
    this.#block(`export namespace ${this.#owners.get(owner) ?? ""}`, () => {
      for (const each of types) this.#type(each, this.#names(owner));
    });
  }

  #type(definition: WitTypeDefinition, names: TypeNames): void {
    const { body } = definition;
    const name = this.#typeNames.get(definition) ?? "";
    this.#comment(definition);
    switch (body.kind) {
      case "alias":
        return this.#line(`export type ${name} = ${typeText(body.type, names)};`);
      case "use":
        return this.#line(`export type ${name} = ${names.nameOf(body.target)};`);
      case "enum":
        return this.#line(
          `export type ${name} = ${body.members.map((each) => JSON.stringify(each.name)).join(" | ")};`,
        );
      case "flags":
        return this.#block(`export interface ${name}`, () => {
          for (const each of distinct(body.members)) {
            this.#comment(plain(each.docs));
            this.#line(`${memberName(each.name)}?: boolean;`);
          }
        });
      case "record":
        return this.#block(`export interface ${name}`, () => {
          for (const each of distinct(body.fields)) {
            this.#comment(plain(each.docs));
            const mark = isOptional(each.type) ? "?" : "";
            this.#line(`${memberName(each.name)}${mark}: ${typeText(each.type, names)};`);
          }
        });
      case "variant":
        this.#line(`export type ${name} =`);
        this.#indent += 1;
        for (const [at, each] of body.cases.entries()) {
          this.#comment(plain(each.docs));
          const val = each.type === undefined ? "" : `; val: ${typeText(each.type, names)}`;
          this.#line(`| { tag: ${JSON.stringify(each.name)}${val} }${at === body.cases.length - 1 ? ";" : ""}`);
        }
        this.#indent -= 1;
        return;
      case "resource":
        return this.#class(name, body.functions, names);
    }
  }

  #class(name: string, functions: readonly WitFunction[], names: TypeNames): void {
    this.#block(`export class ${name}`, () => {
      const constructor = functions.find(({ role }) => role === "constructor");
      if (constructor === undefined) this.#line("private constructor();");
      else {
        this.#comment(constructor, thrownBy(constructor, names));
        this.#line(`constructor(${paramsText(constructor, names)});`);
      }
      for (const each of distinct(functions.filter(({ role }) => role === "method"))) {
        this.#comment(each, thrownBy(each, names));
        this.#line(`${methodName(each.name)}${signatureText(each, names)};`);
      }
      // A class has a property `prototype` already.
      const statics = functions.filter((each) => each.role === "static" && each.name !== "prototype");
      for (const each of distinct(statics)) {
        this.#comment(each, thrownBy(each, names));
        this.#line(`static ${methodName(each.name)}${signatureText(each, names)};`);
      }
      this.#line(`[${names.global("Symbol")}.dispose](): void;`);
    });
  }

  /** The object that stands for an interface: its functions and classes. */
  #interface(each: WitInterface): void {
    const owner = this.#owners.get(each) ?? "";
    const names = this.#outside(each);
    this.#lines.push("");
    this.#comment(each);
    this.#block(`export interface ${owner}`, () => {
      for (const type of each.types.values()) if (type.body.kind === "resource") this.#classMember(type);
      for (const one of distinct(each.functions.values())) this.#function(one.name, one, names);
    });
  }

  /** Names as they are written outside of the namespace of what has them. */
  #outside(owner: Owner): TypeNames {
    const { global } = this.#names(owner);
    return {
      nameOf: (definition) => {
        const stream = definition.owner === owner ? undefined : streamOf(definition);
        if (stream !== undefined) return webStream(stream, global);
        return `${this.#owners.get(definition.owner) ?? ""}.${this.#typeNames.get(definition) ?? "unknown"}`;
      },
      global,
    };
  }

  #classMember(type: WitTypeDefinition): void {
    const name = this.#typeNames.get(type) ?? "";
    this.#line(`readonly ${name}: typeof ${this.#owners.get(type.owner) ?? ""}.${name};`);
  }

  #function(name: string, each: WitFunction, names: TypeNames): void {
    this.#comment(each, thrownBy(each, names));
    this.#line(`${methodName(name)}${signatureText(each, names)};`);
  }

  #side(
    name: string,
    items: ReadonlyMap<string, WitWorldItem>,
    docs: string,
    aliases: ReadonlyMap<string, WitInterface>,
  ): void {
    const names = this.#outside(this.#world);
    this.#lines.push("");
    this.#comment(plain(docs));
    this.#block(`export interface ${name}`, () => {
      const functions = [...items].flatMap(([key, each]) => (each.kind === "function" ? [{ ...each, name: key }] : []));
      for (const [key, each] of items) {
        if (each.kind === "type" && each.body.kind === "resource") this.#classMember(each);
        if (each.kind !== "instance") continue;
        this.#comment({ ...each, docs: each.docs ?? undefined });
        this.#line(`readonly ${JSON.stringify(key)}: ${this.#owners.get(each.interface) ?? ""};`);
      }
      for (const [alias, each] of aliases)
        this.#line(`readonly ${JSON.stringify(alias)}: ${this.#owners.get(each) ?? ""};`);
      const taken = new Set([...items].flatMap(([key, each]) => (each.kind === "instance" ? [key] : [])));
      for (const each of distinct(functions)) {
        if (!taken.has(camelCase(each.name))) this.#function(each.name, each, names);
      }
    });
  }

  /** Names that stand for an exported interface too: without its version, and in camel case, where only one has it. */
  #aliases(): ReadonlyMap<string, WitInterface> {
    const { exports } = this.#world;
    const wanted = new Map<string, Set<WitInterface>>();
    const add = (alias: string, each: WitInterface): void => {
      wanted.set(alias, (wanted.get(alias) ?? new Set()).add(each));
    };
    for (const [name, each] of exports) {
      if (each.kind !== "instance") continue;
      const [unversioned = name] = name.split("@");
      add(unversioned, each.interface);
      add(camelCase(unversioned.slice(unversioned.lastIndexOf("/") + 1)), each.interface);
    }
    const taken = new Set([...exports.keys(), ...[...exports.keys()].map(camelCase)]);
    return new Map(
      [...wanted].flatMap(([alias, found]) => {
        const [each] = found;
        return found.size === 1 && each !== undefined && !taken.has(alias) ? [[alias, each] as const] : [];
      }),
    );
  }
}

function plain(docs: string | undefined): WitItem {
  return { docs, gate: undefined, externalId: undefined };
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let at = 2; taken.has(name); at += 1) name = `${wanted}_${at}`;
  return name;
}

function namespaceName({ name, package: owner }: WitInterface, otherwise: string): string {
  if (name === undefined || owner === undefined) return pascalCase(otherwise);
  return [...owner.namespace.split(":"), ...owner.name.split("/"), ...name.split("/")].map(pascalCase).join("");
}

function paramsText({ params }: WitFunction, names: TypeNames): string {
  const lastNeeded = params.findLastIndex(({ type }) => !isOptional(type));
  const taken = new Set<string>();
  return params
    .map(({ name, type }, at) => {
      const free = freeName(parameterName(name), taken);
      taken.add(free);
      return `${free}${at > lastNeeded ? "?" : ""}: ${streamParameter(type, names) ?? typeText(type, names)}`;
    })
    .join(", ");
}

/** A parameter of a stream's type: it may be anything that bytes come out of or go into. */
function streamParameter(type: WitType, names: TypeNames): string | undefined {
  const stream = type.kind === "named" || type.kind === "borrow" ? streamOf(type.definition) : undefined;
  // Functions of the interface that has the streams take its own.
  if (stream === undefined || names.nameOf(stream.definition) === stream.own) return undefined;
  const web = webStream(stream, names.global);
  return stream.own === "InputStream"
    ? `${web} | ${names.global("AsyncIterable")}<Uint8Array | string> | ${names.global("Iterable")}<Uint8Array> | Uint8Array | string`
    : `${web} | ((chunk: Uint8Array) => unknown)`;
}

function signatureText(each: WitFunction, names: TypeNames): string {
  const { isAsync } = each;
  const result = resultOf(each);
  // What a function answers as an error is thrown.
  const answer = result?.kind === "result" ? result.ok : result;
  const text = answer === undefined ? "void" : typeText(answer, names);
  return `(${paramsText(each, names)}): ${isAsync ? `${names.global("Promise")}<${text}>` : text}`;
}

/** What a function answers, an alias of a `result` as the result itself. */
function resultOf({ result }: WitFunction): WitType | undefined {
  const resolved = result === undefined ? undefined : resolveWitAlias(result);
  return resolved?.kind === "result" ? resolved : result;
}

function thrownBy(each: WitFunction, names: TypeNames): string[] {
  const result = resultOf(each);
  if (result?.kind !== "result") return [];
  const { error } = result;
  const payload = error === undefined ? "" : `, its payload of the type \`${typeText(error, names)}\``;
  return [`@throws ComponentError where the answer is an error${payload}`];
}
