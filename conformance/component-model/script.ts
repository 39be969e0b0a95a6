/** A value as `wasm-tools json-from-wast` writes it. */
export interface ScriptValue {
  readonly type: string;
  readonly value?: unknown;
}

/** A call of an export. */
export interface ScriptAction {
  readonly type: string;
  /** The instance's name; the last one's is left out. */
  readonly module?: string;
  readonly field: string;
  readonly args: readonly ScriptValue[];
}

/** One command of a script in the JSON form. */
export interface ScriptCommand {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly filename?: string;
  readonly module_type?: string;
  readonly instance?: string;
  readonly module?: string;
  readonly text?: string;
  readonly action?: ScriptAction;
  readonly expected?: readonly ScriptValue[];
}

/** A value in the form in which components take and give it. */
export function toJavaScript({ type, value }: ScriptValue): unknown {
  switch (type) {
    case "bool":
      return value === true || value === "true";
    case "u64":
    case "s64":
      return BigInt(value as string);
    case "f32":
      return new Float32Array(Uint32Array.of(Number(value)).buffer)[0];
    case "f64":
      return new Float64Array(BigUint64Array.of(BigInt(value as string)).buffer)[0];
    case "char":
    case "string":
    case "enum":
      return value;
    case "list":
    case "tuple":
      return (value as ScriptValue[]).map(toJavaScript);
    case "map":
      return (value as [ScriptValue, ScriptValue][]).map((entry) => entry.map(toJavaScript));
    case "record":
      return Object.fromEntries(
        (value as [string, ScriptValue][]).map(([name, each]) => [camelCase(name), toJavaScript(each)]),
      );
    case "flags":
      return Object.fromEntries((value as string[]).map((name) => [camelCase(name), true]));
    case "variant": {
      const { case: tag, payload } = value as { case: string; payload?: ScriptValue | null };
      return { tag, val: optional(payload) };
    }
    case "option":
      return optional(value as ScriptValue | null);
    case "result": {
      const [[tag, payload] = []] = Object.entries(value as Record<string, ScriptValue | null>);
      return { tag: tag === "Ok" ? "ok" : "err", val: optional(payload) };
    }
    default:
      return Number(value);
  }
}

function optional(value: ScriptValue | null | undefined): unknown {
  return value === null || value === undefined ? undefined : toJavaScript(value);
}

function camelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** A text that is the same for values that are the same: lists whatever their class, flags by those that are set. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === "bigint") return `${each}n`;
    if (Number.isNaN(each)) return "nan";
    if (Object.is(each, -0)) return "-0";
    if (each instanceof Map) return [...(each as Map<unknown, unknown>)];
    if (ArrayBuffer.isView(each)) return Array.from(each as Uint8Array);
    return each === false ? undefined : each;
  });
}
