import {
  isPrimitive,
  type WitFunction,
  type WitGate,
  type WitInterface,
  type WitItem,
  type WitMember,
  type WitPackage,
  type WitPackageName,
  packageText,
  type WitResolution,
  type WitType,
  type WitTypeBody,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldItem,
} from "./model.ts";
import { escapeName } from "./names.ts";

/** How WIT is printed. */
export interface PrintOptions {
  /** Whether documentation is printed. Default: `"kept"`. */
  readonly docs?: "kept" | "left-out";
  /** Whether gates are printed. Default: `"kept"`. */
  readonly gates?: "kept" | "left-out";
}

/** A package as WIT in one canonical form: the same model is the same text, which reads back as the same model. */
export function printPackage(wit: WitPackage, options: PrintOptions = {}): string {
  return new Printer(wit.name, options).package(wit, ";");
}

/** A package, and behind it those that it refers to as nested blocks: a file that is complete in itself. */
export function printResolution({ root, packages }: WitResolution, options: PrintOptions = {}): string {
  const others = packages.filter((each) => each !== root);
  const blocks = others.map((each) => new Printer(each.name, options).package(each, "{"));
  return [printPackage(root, options), ...blocks].join("\n");
}

/** One type as WIT. */
export function printType(type: WitType): string {
  if (isPrimitive(type)) return type.kind;
  switch (type.kind) {
    case "named":
      return escapeName(type.definition.name);
    case "borrow":
      return `borrow<${escapeName(type.definition.name)}>`;
    case "list":
      return `list<${printType(type.element)}${type.length === undefined ? "" : `, ${type.length}`}>`;
    case "tuple":
      return `tuple<${type.types.map(printType).join(", ")}>`;
    case "option":
      return `option<${printType(type.type)}>`;
    case "result": {
      const { ok, error } = type;
      if (error === undefined) return ok === undefined ? "result" : `result<${printType(ok)}>`;
      return `result<${ok === undefined ? "_" : printType(ok)}, ${printType(error)}>`;
    }
    case "map":
      return `map<${printType(type.key)}, ${printType(type.value)}>`;
    case "stream":
    case "future":
      return type.element === undefined ? type.kind : `${type.kind}<${printType(type.element)}>`;
  }
}

/** A function's type as WIT, from `async` or `func` on. */
export function printFunctionType({ isAsync, params, result }: WitFunction): string {
  return `${isAsync ? "async " : ""}func${printParams(params)}${result === undefined ? "" : ` -> ${printType(result)}`}`;
}

function printParams(params: WitFunction["params"]): string {
  return `(${params.map(({ name, type }) => `${escapeName(name)}: ${printType(type)}`).join(", ")})`;
}

class Printer {
  readonly #package: WitPackageName;
  readonly #options: PrintOptions;
  readonly #lines: string[] = [];
  #indent = 0;

  constructor(name: WitPackageName, options: PrintOptions) {
    this.#package = name;
    this.#options = options;
  }

  package({ name, docs, interfaces, worlds }: WitPackage, end: ";" | "{"): string {
    this.#docs(this.#docsOf({ docs }));
    this.#line(`package ${printPackageName(name)}${end === "{" ? " {" : ";"}`);
    const items = [...interfaces.values(), ...worlds.values()];
    if (end === "{") this.#indent += 1;
    for (const [at, item] of items.entries()) {
      if (end === ";" || at > 0) this.#lines.push("");
      if (item.kind === "interface") this.#interface(item);
      else this.#world(item);
    }
    if (end === "{") {
      this.#indent -= 1;
      this.#line("}");
    }
    return `${this.#lines.join("\n")}\n`;
  }

  #line(text: string): void {
    this.#lines.push(`${"  ".repeat(this.#indent)}${text}`);
  }

  #docs(docs: string | undefined): void {
    if (docs === undefined) return;
    for (const line of docs.split("\n")) this.#line(line === "" ? "///" : `/// ${line}`);
  }

  #docsOf({ docs }: { readonly docs: string | undefined }): string | undefined {
    return this.#options.docs === "left-out" ? undefined : docs;
  }

  #gateOf({ gate }: WitItem): WitGate | undefined {
    return this.#options.gates === "left-out" ? undefined : gate;
  }

  #before(item: WitItem): void {
    const { externalId } = item;
    const gate = this.#gateOf(item);
    this.#docs(this.#docsOf(item));
    if (gate !== undefined) this.#gate(gate);
    if (externalId !== undefined) this.#line(`@external-id(${quote(externalId)})`);
  }

  #gate({ since, unstable, deprecated }: WitGate): void {
    if (since !== undefined) this.#line(`@since(version = ${since})`);
    if (unstable !== undefined) this.#line(`@unstable(feature = ${escapeName(unstable)})`);
    if (deprecated !== undefined) this.#line(`@deprecated(version = ${deprecated})`);
  }

  #block(head: string, print: () => void): void {
    this.#line(`${head} {`);
    this.#indent += 1;
    const before = this.#lines.length;
    print();
    this.#indent -= 1;
    if (this.#lines.length > before) return this.#line("}");
    // Nothing in it: the block closes where it opened.
    this.#lines.pop();
    this.#line(`${head} {}`);
  }

  #interface(each: WitInterface): void {
    this.#before(each);
    this.#block(`interface ${escapeName(each.name ?? "")}`, () => this.#interfaceItems(each));
  }

  #interfaceItems({ types, functions }: WitInterface): void {
    const apart = this.#separator();
    this.#types([...types.values()], apart);
    for (const each of functions.values()) {
      apart(each);
      this.#function(each);
    }
  }

  /** Puts an empty line between items of which one is more than a line. */
  #separator(): (item: WitItem | "block") => void {
    const start = this.#lines.length;
    let wasShort = true;
    return (item) => {
      const isShort = item !== "block" && this.#docsOf(item) === undefined && this.#gateOf(item) === undefined;
      if (this.#lines.length > start && !(isShort && wasShort)) this.#lines.push("");
      wasShort = isShort;
    };
  }

  #types(types: readonly WitTypeDefinition[], apart: (item: WitItem | "block") => void): void {
    const isUse = ({ body }: WitTypeDefinition): boolean => body.kind === "use";
    this.#uses(types.filter(isUse), apart);
    for (const each of types.filter((type) => !isUse(type))) {
      apart(each.body.kind === "alias" ? each : "block");
      this.#before(each);
      this.#typeBody(escapeName(each.name), each.body);
    }
  }

  #uses(uses: readonly WitTypeDefinition[], apart: (item: WitItem | "block") => void): void {
    const key = (each: WitTypeDefinition): string => {
      const { body, externalId } = each;
      const path = body.kind === "use" ? this.#path(body.target.owner) : "";
      return JSON.stringify([path, this.#docsOf(each), this.#gateOf(each), externalId]);
    };
    for (const group of Map.groupBy(uses, key).values()) {
      const [first] = group;
      if (first?.body.kind !== "use") continue;
      apart(first);
      this.#before(first);
      const names = group.map(({ name, body }) => {
        const target = body.kind === "use" ? body.target.name : name;
        return target === name ? escapeName(name) : `${escapeName(target)} as ${escapeName(name)}`;
      });
      this.#line(`use ${this.#path(first.body.target.owner)}.{${names.join(", ")}};`);
    }
  }

  #typeBody(name: string, body: WitTypeBody): void {
    switch (body.kind) {
      case "alias":
        return this.#line(`type ${name} = ${printType(body.type)};`);
      case "record":
        return this.#members(`record ${name}`, body.fields, ({ type }) => `: ${printType(type)}`);
      case "variant":
        return this.#members(`variant ${name}`, body.cases, ({ type }) =>
          type === undefined ? "" : `(${printType(type)})`,
        );
      case "flags":
      case "enum":
        return this.#members(`${body.kind} ${name}`, body.members, () => "");
      case "resource":
        if (body.functions.length === 0) return this.#line(`resource ${name};`);
        return this.#block(`resource ${name}`, () => {
          const apart = this.#separator();
          for (const each of body.functions) {
            apart(each);
            this.#function(each);
          }
        });
      case "use":
    }
  }

  #members<Member extends WitMember>(head: string, members: readonly Member[], rest: (each: Member) => string): void {
    this.#block(head, () => {
      for (const each of members) {
        this.#docs(this.#docsOf(each));
        this.#line(`${escapeName(each.name)}${rest(each)},`);
      }
    });
  }

  #function(each: WitFunction): void {
    this.#before(each);
    if (each.role === "constructor") {
      const result = each.result === undefined ? "" : ` -> ${printType(each.result)}`;
      return this.#line(`constructor${printParams(each.params)}${result};`);
    }
    const isStatic = each.role === "static" ? "static " : "";
    this.#line(`${escapeName(each.name)}: ${isStatic}${printFunctionType(each)};`);
  }

  #world(world: WitWorld): void {
    this.#before(world);
    this.#block(`world ${escapeName(world.name)}`, () => {
      const apart = this.#separator();
      const imports = [...world.imports];
      this.#types(
        imports.flatMap(([, each]) => (each.kind === "type" ? [each] : [])),
        apart,
      );
      for (const [name, each] of imports) this.#worldItem("import", name, each, apart);
      for (const [name, each] of world.exports) this.#worldItem("export", name, each, apart);
    });
  }

  #worldItem(
    word: "import" | "export",
    name: string,
    each: WitWorldItem,
    apart: (item: WitItem | "block") => void,
  ): void {
    if (each.kind === "type") return;
    const isInline = each.kind === "instance" && each.interface.name === undefined;
    apart(isInline ? "block" : each);
    this.#before(each);
    if (each.kind === "function") return this.#line(`${word} ${escapeName(name)}: ${printFunctionType(each)};`);
    if (isInline)
      return this.#block(`${word} ${escapeName(name)}: interface`, () => this.#interfaceItems(each.interface));
    const path = this.#path(each.interface);
    this.#line(name.includes(":") ? `${word} ${path};` : `${word} ${escapeName(name)}: ${path};`);
  }

  /** How an interface is named from this package. */
  #path({ name, package: owner }: WitInterface | WitWorld): string {
    if (name === undefined || owner === undefined) return "";
    if (packageText(owner) === packageText(this.#package)) return escapeName(name);
    const { version, ...rest } = owner;
    return `${printPackageName({ ...rest, version: undefined })}/${escapeName(name)}${version === undefined ? "" : `@${version}`}`;
  }
}

function printPackageName({ namespace, name, version }: WitPackageName): string {
  const words = [...namespace.split(":").map(escapeName), name.split("/").map(escapeName).join("/")];
  return `${words.join(":")}${version === undefined ? "" : `@${version}`}`;
}

function quote(text: string): string {
  // What may not stand in WIT as it is, and what ends or escapes in a string.
  return `"${text.replace(/["\\]|\p{Cc}|\p{Cf}|\p{Deprecated}|\u17b4|\u17b5/gu, (letter) =>
    letter === '"' || letter === "\\" ? `\\${letter}` : `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`,
  )}"`;
}
