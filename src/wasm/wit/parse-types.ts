import type { FunctionTypeNode, MemberNode, TypeNode } from "./ast.ts";
import { witInvalid } from "./source.ts";
import type { TokenReader } from "./token-reader.ts";
import { isPrimitiveKind, primitiveWords } from "./model.ts";

const keyKinds: ReadonlySet<string> = new Set(
  [...primitiveWords].filter((kind) => kind !== "f32" && kind !== "f64" && kind !== "error-context"),
);

/** Reads one type (WIT, Types: `ty`). */
export function parseType(reader: TokenReader): TypeNode {
  return reader.nested(() => parseTypeHere(reader));
}

function parseTypeHere(reader: TokenReader): TypeNode {
  const token = reader.peek();
  const at = reader.place(token);
  const isBare = !token.isEscaped && (token.kind === "keyword" || token.kind === "name");
  if (isBare && isPrimitiveKind(token.text)) {
    reader.next();
    return { kind: token.text, at };
  }
  if (token.kind === "name") return { kind: "name", name: reader.name(), at };
  if (token.kind !== "keyword") throw reader.unexpected(["a type"]);
  switch (token.text) {
    case "list":
    case "map":
    case "tuple":
    case "option":
    case "result":
    case "stream":
    case "future":
    case "borrow":
    case "own":
      reader.next();
      return parseGeneric(reader, token.text, at);
    default:
      throw reader.unexpected(["a type"]);
  }
}

type Generic = "list" | "map" | "tuple" | "option" | "result" | "stream" | "future" | "borrow" | "own";

function parseGeneric(reader: TokenReader, kind: Generic, at: TypeNode["at"]): TypeNode {
  const bracketed = <T>(read: () => T): T => {
    reader.expect("<");
    const result = read();
    reader.expect(">");
    return result;
  };
  switch (kind) {
    case "list":
      return bracketed(() => {
        const element = parseType(reader);
        return { kind, element, length: reader.skip(",") ? parseLength(reader) : undefined, at };
      });
    case "map":
      return bracketed(() => {
        const key = parseType(reader);
        if (!keyKinds.has(key.kind))
          throw witInvalid("a map's key is an integer, bool, char or string", { at: key.at });
        reader.expect(",");
        return { kind, key, value: parseType(reader), at };
      });
    case "tuple": {
      reader.expect("<");
      const types = reader.commaList(">", () => parseType(reader));
      if (types.length === 0) throw witInvalid("a tuple has at least one type", { at });
      return { kind, types, at };
    }
    case "option":
      return { kind, type: bracketed(() => parseType(reader)), at };
    case "result":
      return parseResult(reader, at);
    case "stream":
    case "future":
      return { kind, element: reader.isNext("<") ? bracketed(() => parseType(reader)) : undefined, at };
    case "borrow":
      return { kind, name: bracketed(() => reader.name()), at };
    case "own":
      return { kind: "name", name: bracketed(() => reader.name()), at };
  }
}

function parseResult(reader: TokenReader, at: TypeNode["at"]): TypeNode {
  if (!reader.skip("<")) return { kind: "result", ok: undefined, error: undefined, at };
  const hasOk = !reader.skip("_");
  const ok = hasOk ? parseType(reader) : undefined;
  const hasError = hasOk ? reader.skip(",") : reader.expect(",") !== undefined;
  const error = hasError ? parseType(reader) : undefined;
  reader.expect(">");
  return { kind: "result", ok, error, at };
}

function parseLength(reader: TokenReader): number {
  const token = reader.peek();
  const length = Number(token.text);
  if (token.kind !== "integer" || !/^[1-9]/.test(token.text) || length > 0xffff_ffff)
    throw witInvalid(`"${token.text}" is no length of a list, wanted 1 to ${0xffff_ffff}`, { at: reader.place(token) });
  reader.next();
  return length;
}

/** Reads a function's type from `async` or `func` on (WIT, Item: `interface`: `func-type`). */
export function parseFunctionType(reader: TokenReader): FunctionTypeNode {
  const isAsync = reader.skip("async");
  reader.expect("func");
  const params = parseParams(reader);
  const result = reader.skip("->") ? parseType(reader) : undefined;
  return { isAsync, params, result };
}

/** Reads parameters in their parentheses. */
export function parseParams(reader: TokenReader): MemberNode[] {
  reader.expect("(");
  return reader.commaList(")", () => {
    const { docs } = reader.peek();
    const name = reader.name();
    reader.expect(":");
    return { name, docs, type: parseType(reader) };
  });
}
