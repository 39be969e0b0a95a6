import type { WitTypeDefinition } from "../../wasm/wit/index.ts";

/** A stream of WASI 0.2. */
export interface WasiStream {
  readonly definition: WitTypeDefinition;
  /** What it is called within its interface. */
  readonly own: "InputStream" | "OutputStream";
}

/** The stream of `wasi:io/streams`, of any version of WASI 0.2, that a type stands for; undefined where it is none. */
export function streamOf(definition: WitTypeDefinition): WasiStream | undefined {
  const { body, owner, name } = definition;
  if (body.kind === "use") return streamOf(body.target);
  if (body.kind === "alias") return body.type.kind === "named" ? streamOf(body.type.definition) : undefined;
  if (body.kind !== "resource" || owner.name !== "streams") return undefined;
  const { namespace, name: within, version } = owner.package ?? {};
  if (namespace !== "wasi" || within !== "io" || version?.startsWith("0.2.") !== true) return undefined;
  if (name === "input-stream") return { definition, own: "InputStream" };
  return name === "output-stream" ? { definition, own: "OutputStream" } : undefined;
}

/** What programs have in its place. */
export function webStream({ own }: WasiStream, global: (name: string) => string): string {
  return `${global(own === "InputStream" ? "ReadableStream" : "WritableStream")}<Uint8Array>`;
}
