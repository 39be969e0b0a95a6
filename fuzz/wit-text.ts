import type { WitSource } from "../src/wasm/wit/index.ts";
import type { Random } from "./random.ts";

const words = [
  "alpha",
  "b",
  "HTTP-get",
  "a1-2",
  "record",
  "type",
  "list",
  "error-context",
  "from",
  "X",
  "to-JSON",
  "self",
  "new",
  "then",
  "constructor",
  "map",
];
const primitives = [
  "bool",
  "s8",
  "u8",
  "s16",
  "u16",
  "s32",
  "u32",
  "s64",
  "u64",
  "f32",
  "f64",
  "string",
  "error-context",
] as const;
const keys = ["u8", "s16", "u32", "s64", "bool", "char", "string"] as const;

interface TypeName {
  readonly name: string;
  readonly isResource: boolean;
}

interface InterfacePlan {
  /** As other packages name it, without a version. */
  readonly path: string;
  readonly version: string;
  readonly name: string;
  readonly package: string;
  readonly types: readonly TypeName[];
}

interface WorldPlan {
  readonly name: string;
  readonly plain: readonly string[];
}

/** Writes packages of WIT that are valid by construction: their items in any order, in any shape that the grammar allows. */
export class WitGenerator {
  readonly #random: Random;
  readonly #interfaces: InterfacePlan[] = [];
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A package and up to two that it depends on, as files. */
  run(): WitSource[] {
    const sources: WitSource[] = [];
    for (let at = this.#random.below(3); at > 0; at -= 1) {
      const text = this.#package(`dep:p${at}`, this.#random.oneOf(["", "@1.2.0", "@0.3.0-rc.1"]));
      sources.push({ path: `deps/p${at}.wit`, text: this.#spaced(text.join(" ")) });
    }
    const parts = this.#package("ours:it", this.#random.oneOf(["", "@2.1.0"]));
    const [head = "", ...items] = parts;
    // A package may lie in several files; one of them has its name.
    const split = this.#random.below(items.length + 1);
    const files = [[head, ...items.slice(0, split)], items.slice(split)];
    for (const [at, each] of files.entries()) sources.push({ path: `${at}.wit`, text: this.#spaced(each.join(" ")) });
    return this.#random.chance(0.5) ? sources : sources.toReversed();
  }

  #package(name: string, version: string): string[] {
    const isGated = version === "@2.1.0";
    const texts = Array.from({ length: this.#random.between(1, 4) }, () => this.#interface(name, version, isGated));
    const worlds: WorldPlan[] = [];
    for (let rest = this.#random.below(3); rest > 0; rest -= 1) texts.push(this.#world(name, worlds));
    return [`package ${name}${version} ;`, ...this.#shuffled(texts)];
  }

  #fresh(): string {
    this.#count += 1;
    const word = this.#random.oneOf(words as [string, ...string[]]);
    return this.#random.chance(0.5) ? `n${this.#count}` : `${word}-${this.#count}`;
  }

  /** A name of which the scope, which has the others, has no second one in any case. */
  #name(taken: Set<string>): string {
    const word = this.#random.oneOf(words as [string, ...string[]]);
    const name = taken.has(word.toLowerCase()) ? this.#fresh() : word;
    taken.add(name.toLowerCase());
    return name;
  }

  #escaped(name: string): string {
    const needs = ["record", "type", "list", "error-context", "from", "constructor", "map"].includes(name);
    return needs || this.#random.chance(0.1) ? `%${name}` : name;
  }

  #docs(): string {
    return this.#random.chance(0.15)
      ? this.#random.oneOf(["///some_words\n", "/** a block\n * of words */ ", "///\n"])
      : "";
  }

  #path(to: InterfacePlan, from: string): string {
    return to.package === from ? this.#escaped(to.name) : `${to.path}${to.version}`;
  }

  #interface(packageName: string, version: string, isGated: boolean): string {
    const name = this.#fresh();
    const gate = isGated && this.#random.chance(0.3) ? "@since ( version = 2.0.0 ) " : "";
    const { items, types } = this.#items(packageName, gate);
    const path = `${packageName}/${name}`;
    this.#interfaces.push({ path, version, name, package: packageName, types: gate === "" ? types : [] });
    return `${this.#docs()}${gate}interface ${this.#escaped(name)} { ${items.map((item) => gate + item).join(" ")} }`;
  }

  #items(packageName: string, gate: string): { items: string[]; types: TypeName[] } {
    const taken = new Set<string>();
    const types: TypeName[] = [];
    const items: string[] = [];
    for (let rest = this.#random.below(3); rest > 0; rest -= 1) items.push(...this.#use(packageName, types, taken));
    for (let rest = this.#random.below(6); rest > 0; rest -= 1) items.push(this.#typedef(types, taken, gate));
    for (let rest = this.#random.below(4); rest > 0; rest -= 1) {
      const name = this.#escaped(this.#name(taken));
      items.push(`${this.#docs()}${this.#externalId()}${name} : ${this.#function(types)} ;`);
    }
    return { items: this.#shuffled(items), types };
  }

  #externalId(): string {
    return this.#random.chance(0.05) ? `@external-id ( "id:\\u{2603}\\"${this.#random.below(9)}" ) ` : "";
  }

  #use(packageName: string, types: TypeName[], taken: Set<string>): string[] {
    const from = this.#random.pick(this.#interfaces.filter((each) => each.types.length > 0));
    if (from === undefined) return [];
    const names = this.#shuffled(from.types).slice(0, this.#random.between(1, 2));
    const list = names.map(({ name, isResource }) => {
      const as = taken.has(name.toLowerCase()) || this.#random.chance(0.3) ? this.#name(taken) : name;
      taken.add(as.toLowerCase());
      types.push({ name: as, isResource });
      return as === name ? this.#escaped(name) : `${this.#escaped(name)} as ${this.#escaped(as)}`;
    });
    return [`use ${this.#path(from, packageName)} . { ${list.join(" , ")}${this.#random.chance(0.3) ? " ," : ""} } ;`];
  }

  #typedef(types: TypeName[], taken: Set<string>, gate: string): string {
    const name = this.#name(taken);
    const before = [...types];
    const isResource = this.#random.chance(0.25);
    types.push({ name, isResource });
    const head = this.#escaped(name);
    const members = (make: (member: string) => string): string => {
      const own = new Set<string>();
      const list = Array.from({ length: this.#random.between(1, 4) }, () => this.#docs() + make(this.#name(own)));
      return `{ ${list.join(" , ")}${this.#random.chance(0.5) ? " ," : ""} }`;
    };
    if (isResource) return `${this.#docs()}resource ${head} ${this.#methods(name, types, gate)}`;
    switch (this.#random.below(5)) {
      case 0:
        return `${this.#docs()}record ${head} ${members((each) => `${this.#escaped(each)} : ${this.#type(before, 3)}`)}`;
      case 1:
        return `variant ${head} ${members((each) =>
          this.#random.chance(0.5) ? this.#escaped(each) : `${this.#escaped(each)} ( ${this.#type(before, 3)} )`,
        )}`;
      case 2:
        return `flags ${head} ${members((each) => this.#escaped(each))}`;
      case 3:
        return `enum ${head} ${members((each) => this.#escaped(each))}`;
      default:
        types[types.length - 1] = { name, isResource: false };
        return `type ${head} = ${this.#type(
          before.filter((each) => !each.isResource),
          3,
        )} ;`;
    }
  }

  #methods(resource: string, types: readonly TypeName[], gate: string): string {
    const own = new Set([resource.toLowerCase()]);
    const list: string[] = [];
    if (this.#random.chance(0.4)) {
      const result = this.#random.chance(0.3) ? ` -> result < ${this.#escaped(resource)} , string >` : "";
      list.push(`${gate}constructor ${this.#params(types)}${result} ;`);
    }
    for (let rest = this.#random.below(3); rest > 0; rest -= 1) {
      const isStatic = this.#random.chance(0.4) ? "static " : "";
      const method = this.#escaped(this.#name(own));
      list.push(`${this.#docs()}${gate}${method} : ${isStatic}${this.#function(types)} ;`);
    }
    return list.length === 0 && this.#random.chance(0.7) ? ";" : `{ ${this.#shuffled(list).join(" ")} }`;
  }

  #function(types: readonly TypeName[]): string {
    const result = this.#random.chance(0.6) ? ` -> ${this.#type(types, 3)}` : "";
    return `${this.#random.chance(0.15) ? "async " : ""}func ${this.#params(types)}${result}`;
  }

  #params(types: readonly TypeName[]): string {
    const taken = new Set(["self"]);
    const list = Array.from({ length: this.#random.below(4) }, () => {
      const name = this.#escaped(this.#name(taken));
      const resource = this.#random.pick(types.filter(({ isResource }) => isResource));
      const isLent = resource !== undefined && this.#random.chance(0.4);
      const type = isLent ? `borrow < ${this.#escaped(resource.name)} >` : this.#type(types, 3);
      return `${name} : ${isLent && this.#random.chance(0.3) ? `option < ${type} >` : type}`;
    });
    return `( ${list.join(" , ")} )`;
  }

  #type(types: readonly TypeName[], depth: number): string {
    const inner = (): string => this.#type(types, depth - 1);
    const named = this.#random.pick(types);
    if (named !== undefined && this.#random.chance(0.4)) return this.#escaped(named.name);
    switch (depth === 0 ? 99 : this.#random.below(16)) {
      case 0:
        return `list < ${inner()} >`;
      case 1:
        return `list < ${inner()} , ${this.#random.between(1, 9)} >`;
      case 2:
        return `option < ${inner()} >`;
      case 3:
        return this.#random.oneOf([
          "result",
          `result < ${inner()} >`,
          `result < _ , ${inner()} >`,
          `result < ${inner()} , ${inner()} >`,
        ]);
      case 4:
        return `tuple < ${inner()} , ${inner()} ${this.#random.chance(0.3) ? "," : ""} >`;
      case 5:
        return `map < ${this.#random.oneOf(keys)} , ${inner()} >`;
      case 6:
        return this.#random.oneOf(["stream", "future", `stream < ${inner()} >`, `future < ${inner()} >`]);
      case 7:
        return this.#random.chance(0.5) ? "tuple < char , u8 >" : "option < char >";
      default:
        return this.#random.oneOf(primitives);
    }
  }

  #world(packageName: string, worlds: WorldPlan[]): string {
    const name = this.#fresh();
    const [types, items]: [TypeName[], string[]] = [[], []];
    const plain: string[] = [];
    const add = (): string => {
      const each = this.#fresh();
      plain.push(each);
      return each;
    };
    for (const base of worlds.slice(0, this.#random.below(worlds.length + 1))) {
      const renamed = base.plain.filter(() => this.#random.chance(0.3)).map((each) => [each, add()] as const);
      plain.push(...base.plain.filter((each) => renamed.every(([from]) => from !== each)));
      const list = renamed.map(([from, to]) => `${this.#escaped(from)} as ${this.#escaped(to)}`).join(" , ");
      items.push(`include ${this.#escaped(base.name)} ${list === "" ? ";" : `with { ${list} }`}`);
    }
    const from = this.#random.pick(this.#interfaces.filter((each) => each.types.length > 0));
    const used = from === undefined ? undefined : this.#random.pick(from.types);
    if (from !== undefined && used !== undefined && this.#random.chance(0.5)) {
      const as = add();
      types.push({ name: as, isResource: used.isResource });
      items.push(`use ${this.#path(from, packageName)} . { ${this.#escaped(used.name)} as ${this.#escaped(as)} } ;`);
    }
    if (this.#random.chance(0.4)) {
      const as = add();
      items.push(`record ${this.#escaped(as)} { a : ${this.#type(types, 2)} }`);
      types.push({ name: as, isResource: false });
    }
    for (const word of ["import", "export"]) {
      for (const each of this.#interfaces) {
        if (this.#random.chance(0.25)) items.push(`${this.#docs()}${word} ${this.#path(each, packageName)} ;`);
      }
      for (let rest = this.#random.below(3); rest > 0; rest -= 1)
        items.push(this.#plain(word, add(), types, packageName));
    }
    // Later worlds may include this one.
    worlds.push({ name, plain });
    return `${this.#docs()}world ${this.#escaped(name)} { ${this.#shuffled(items).join(" ")} }`;
  }

  #plain(word: string, name: string, types: readonly TypeName[], packageName: string): string {
    const head = `${this.#externalId()}${word} ${this.#escaped(name)} :`;
    const to = this.#random.pick(this.#interfaces);
    switch (this.#random.below(3)) {
      case 0:
        return `${head} interface { ${this.#items(packageName, "").items.join(" ")} }`;
      case 1:
        if (to !== undefined) return `${head} ${this.#path(to, packageName)} ;`;
        return `${head} func ( ) ;`;
      default:
        return `${head} ${this.#function(types)} ;`;
    }
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const list = [...items];
    for (let at = list.length - 1; at > 0; at -= 1) {
      const other = this.#random.below(at + 1);
      const [one, two] = [list[at], list[other]];
      if (one !== undefined && two !== undefined) [list[at], list[other]] = [two, one];
    }
    return list;
  }

  /** The text with other white space and comments than single spaces. */
  #spaced(text: string): string {
    return text.replace(/ /g, () => {
      if (this.#random.chance(0.8)) return " ";
      return this.#random.oneOf(["\n", "\t", "  ", " // a comment }\n", " /* one /* in one */ */ ", "\r\n"]);
    });
  }
}
