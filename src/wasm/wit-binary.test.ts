import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SampanError } from "../base/index.ts";
import {
  componentType,
  ComponentWriter,
  declare,
  extern,
  functionOf,
  instanceType,
  primitive,
  typeAt,
  valueType,
} from "./component/component-fixture.ts";
import { decodeComponent } from "./component/decode.ts";
import type { ComponentDefinition } from "./component/definitions.ts";
import type { ExternType as ComponentExternType } from "./component/types.ts";
import { decodeWit, witFeatures, witOfComponent } from "./wit/decode.ts";
import { encodeWit } from "./wit/encode.ts";
import { printPackage, printResolution } from "./wit/print.ts";
import { readWit } from "./wit/resolve.ts";

const bare = { docs: "left-out", gates: "left-out" } as const;

function encoded(text: string): { bytes: Uint8Array; printed: string } {
  const { root } = readWit([{ path: "it.wit", text }], { features: "all" });
  return { bytes: encodeWit(root), printed: printPackage(root, bare) };
}

const texts: Readonly<Record<string, string>> = {
  "types of every kind": `package a:b; interface i { resource r { constructor(x: u8) -> result<r>; m: func() -> r;
    s: static async func(x: borrow<r>); } type alias = u32; type again = alias; type same = r; record rec { a: alias, b: again }
    variant v { a, b(rec), c(list<u8, 3>) } flags f { a, b } enum e { a, b } type o = option<option<string>>;
    type x = result<_, tuple<char, map<string, v>>>; go: async func(a: r, b: borrow<same>) -> future<stream<u8>>;
    g: func() -> error-context; }`,
  "uses over several interfaces, renamed": `package a:b; interface one { resource r; record t { x: own<r> } }
    interface two { use one.{t as u, r}; type v = u; f: func(x: v, y: borrow<r>) -> u; } interface three { use two.{u, v as w}; }`,
  "uses of another package": `package a:b@1.0.0; interface i { use c:d/e@0.2.0.{t}; f: func(x: t); }
    package c:d@0.2.0 { interface e { type inner = u8; record t { a: inner } other: func(); } }`,
  "a world of everything": `package a:b; interface types { resource r { m: func(); } enum e { a } }
    interface more { use types.{r}; f: func(x: r); } world w { use types.{r}; record own-one { a: r } resource here { m: func(x: own-one); }
    import plain: func(x: borrow<r>) -> own-one; @external-id("//x") import inline: interface { use types.{e}; f: func() -> e; }
    import implemented: more; export more; export types; export go: async func(x: own-one); export other: more; }`,
  "interfaces in an order that is none": `package a:b; interface z { use a.{t}; } interface a { use m.{t}; } interface m { type t = u8; }`,
  "gates and documentation, which get lost": `package a:b@1.0.0; /// Docs\n interface i { /// More\n @since(version = 1.0.0) f: func(); }`,
};

describe("encodeWit() and decodeWit()", () => {
  for (const [what, text] of Object.entries(texts)) {
    test(`take ${what} there and back`, () => {
      const { bytes, printed } = encoded(text);
      assert.equal(printPackage(decodeWit(bytes).root, bare), printed);
    });
  }

  test("encodeWit() writes what the specification's example shows", () => {
    const { bytes } = encoded("package local:demo; world the-world { export test: func(); export run: func(); }");
    const inner = componentType(
      declare.type(functionOf([])),
      declare.export("test", extern.function(0)),
      declare.export("run", extern.function(0)),
    );
    const outer = componentType(declare.type(inner), declare.export("local:demo/the-world", extern.component(0)));
    const writer = new ComponentWriter();
    writer.section(0, [...text("wit-component-encoding"), 4, 0]);
    const type = writer.type(outer);
    writer.export("type", "the-world", { index: type });
    assert.deepEqual([...bytes], [...writer.finish()]);
  });

  test("decodeWit() has of other packages what is used of them", () => {
    const { bytes } = encoded(texts["uses of another package"] ?? "");
    const printed = printResolution(decodeWit(bytes));
    assert.ok(
      printed.endsWith(
        "package c:d@0.2.0 {\n  interface e {\n    type inner = u8;\n\n    record t {\n      a: inner,\n    }\n  }\n}\n",
      ),
      printed,
    );
    assert.equal(printResolution(readWit([{ path: "x.wit", text: printed }])), printed);
  });

  test("decodeWit() refuses components that are no packages", () => {
    const codeOf = (bytes: Uint8Array): string => {
      try {
        decodeWit(bytes);
      } catch (error) {
        return error instanceof SampanError ? `${error.code} ${error.message}` : String(error);
      }
      return "accepted";
    };
    assert.match(codeOf(new ComponentWriter().finish()), /^WIT_INVALID .*: it exports no type$/);
    const named = new ComponentWriter();
    const instance = instanceType();
    const type = named.type(componentType(declare.type(instance), declare.export("a:b/i", extern.instance(0))));
    named.export("type", "other", { index: type });
    assert.match(codeOf(named.finish()), /the type "other" does not export "other" of a package$/);
    const importing = new ComponentWriter();
    importing.import("function", "a", extern.function(importing.type(functionOf([]))));
    assert.match(codeOf(importing.finish()), /^WASM_MALFORMED .*a section \(id 10\) that no package of WIT has/);
    assert.match(codeOf(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)), /^WASM_FEATURE /);
    assert.match(codeOf(Uint8Array.of(1, 2, 3)), /^WASM_MALFORMED /);
  });
});

function text(of: string): number[] {
  const bytes = new TextEncoder().encode(of);
  return [bytes.length, ...bytes];
}

describe("witOfComponent()", () => {
  test("is the world of what a component imports and exports", () => {
    const writer = new ComponentWriter();
    const types = instanceType(
      declare.export("file", extern.resource),
      declare.type(valueType.record(["size", primitive.u64])),
      declare.export("stat", extern.typeEqual(1)),
      declare.type(valueType.borrow(0)),
      declare.type(functionOf([["self", typeAt(3)]], typeAt(2))),
      declare.export("[method]file.stat-it", extern.function(4)),
    );
    writer.import("instance", "x:fs/types@0.1.0", extern.instance(writer.type(types)));
    const stat = writer.alias("type", 0, "stat");
    const file = writer.alias("type", 0, "file");
    const uses = instanceType(
      declare.alias([0x03, 0x02, 1, stat]),
      declare.export("stat", extern.typeEqual(0)),
      declare.alias([0x03, 0x02, 1, file]),
      declare.export("file", extern.typeEqual(2)),
      declare.type(valueType.own(3)),
      declare.type(functionOf([["f", typeAt(4)]], typeAt(1))),
      declare.export("peek", extern.function(5)),
    );
    writer.import("instance", "plain", extern.instance(writer.type(uses)));
    writer.import("function", "log", extern.function(writer.type(functionOf([["s", primitive.string]]))));
    writer.export("function", "say", { index: 0 });
    writer.export("instance", "x:fs/types@0.1.0", { index: 0 });
    const made = witOfComponent(decodeComponent(writer.finish(), { features: witFeatures }));
    assert.deepEqual(made.omitted, []);
    assert.equal(
      printResolution(made),
      [
        "package root:component;",
        "",
        "world root {",
        "  import x:fs/types@0.1.0;",
        "",
        "  import plain: interface {",
        "    use x:fs/types@0.1.0.{stat, file};",
        "    peek: func(f: file) -> stat;",
        "  }",
        "",
        "  import log: func(s: string);",
        "  export say: func(s: string);",
        "  export x:fs/types@0.1.0;",
        "}",
        "",
        "package x:fs@0.1.0 {",
        "  interface types {",
        "    resource file {",
        "      stat-it: func() -> stat;",
        "    }",
        "",
        "    record stat {",
        "      size: u64,",
        "    }",
        "  }",
        "}",
        "",
      ].join("\n"),
    );
  });

  test("names what WIT cannot have", () => {
    const writer = new ComponentWriter();
    writer.import("component", "a-component", extern.component(writer.type(componentType())));
    const made = witOfComponent(decodeComponent(writer.finish()));
    assert.deepEqual(made.omitted, ["a-component"]);
    assert.equal(printPackage(made.root), "package root:component;\n\nworld root {}\n");
  });

  test("refuses types that mean more than anybody can write", () => {
    const writer = new ComponentWriter();
    let type = writer.type(valueType.tuple(primitive.u8, primitive.u8));
    for (let level = 0; level < 17; level += 1) {
      const list = writer.type(valueType.list(typeAt(type)));
      type = writer.type(valueType.tuple(typeAt(list), typeAt(list)));
    }
    writer.import("function", "f", extern.function(writer.type(functionOf([["x", typeAt(type)]]))));
    const component = decodeComponent(writer.finish());
    assert.throws(() => witOfComponent(component), { code: "WIT_INVALID", message: /more than 200000 types$/ });
  });

  test("takes an exported structure of the same name and parts as one that is imported for a use of it", () => {
    const extern = (): ComponentExternType => ({
      kind: "type",
      type: { kind: "enum", names: ["a", "b"] },
      isFresh: false,
    });
    const instance = (name: string): ComponentExternType => ({
      kind: "instance",
      type: { kind: "instance", exports: new Map([[name, extern()]]) },
    });
    const world = (exported: string): string => {
      const imports = new Map([["x:y/types", instance("mode")]]);
      const exports = new Map([["x:y/api", instance(exported)]]);
      const component: Pick<ComponentDefinition, "type" | "definitions"> = {
        type: { kind: "component", imports, exports },
        definitions: [],
      };
      return printResolution(witOfComponent(component));
    };
    assert.match(world("mode"), /interface api \{\n {4}use types\.\{mode\};\n/);
    assert.match(world("other"), /interface api \{\n {4}enum other \{\n/);
  });
});
