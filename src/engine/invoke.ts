import { SampanError } from "../base/index.ts";
import { readModule } from "../wasm/index.ts";

/**
 * Reads the arguments of an export from text by the types of its parameters: i32 and i64 decimal or 0x…, f32 and f64 as
 * JavaScript writes numbers.
 *
 * @throws GUEST_EXPORT_MISSING, CLI_USAGE for a wrong number of arguments or one of a wrong form
 */
export function invokeArguments(
  bytes: Uint8Array,
  wanted: { module: string; name: string; args: readonly string[] },
): unknown[] {
  const exports = readModule(bytes).exports;
  const found = exports.find(({ name }) => name === wanted.name);
  if (found?.type === undefined) {
    const functions = exports.filter(({ kind }) => kind === "function").map(({ name }) => name);
    const near = functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
    throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${wanted.name}" of "${wanted.module}": ${near}`);
  }
  const params = found.type.params.map(String);
  if (params.length !== wanted.args.length) {
    const message = `Cannot call "${wanted.name}" with ${wanted.args.length} arguments: wanted ${params.length}`;
    throw new SampanError("CLI_USAGE", params.length === 0 ? message : `${message} (${params.join(", ")})`);
  }
  return params.map((type, index) => readArgument(type, wanted.args[index] ?? ""));
}

function readArgument(type: string, text: string): number | bigint {
  const isInteger = /^[+-]?(\d+|0x[\da-f]+)$/i.test(text);
  if (type === "i32" && isInteger) return Number(BigInt.asIntN(32, inRange(text, 32)));
  if (type === "i64" && isInteger) return BigInt.asIntN(64, inRange(text, 64));
  if ((type === "f32" || type === "f64") && text.trim() !== "" && (!Number.isNaN(Number(text)) || text === "NaN"))
    return Number(text);
  throw new SampanError("CLI_USAGE", `Cannot read "${text}" as ${type}: wanted a number`);
}

/** An integer as signed or unsigned, whichever it fits. */
function inRange(text: string, bits: number): bigint {
  const value = signedBigInt(text);
  if (value >= -(1n << BigInt(bits - 1)) && value < 1n << BigInt(bits)) return value;
  throw new SampanError("CLI_USAGE", `Cannot read "${text}" as i${bits}: wanted a number of ${bits} bits`);
}

function signedBigInt(text: string): bigint {
  return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text.replace(/^\+/, ""));
}
