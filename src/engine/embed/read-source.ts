import { type BigIntStats, closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { hintForMissing, SampanError } from "../../base/index.ts";

/** What has a body to read, as an answer of `fetch()`. */
export interface WithBody {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Where a component comes from: a path, a `file:` URL, its bytes, or what they can be read from. */
export type ComponentSource = string | URL | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array> | WithBody;

/** The bytes of a source. */
export interface ReadSource {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  /** The file that they are of, as an absolute path. */
  readonly file?: string;
  /** What `fstat` said of that before it was read. */
  readonly stat?: BigIntStats;
}

/** Reads a source; that of a path at once. @throws FILE_NOT_FOUND, FILE_UNREADABLE, SOURCE_INVALID */
export async function readSource(source: ComponentSource): Promise<ReadSource> {
  if (typeof source === "string" || source instanceof URL) {
    const file = pathOf(source);
    return { ...readFile(file), name: basename(file), file };
  }
  return { bytes: await bytesOf(source), name: "component" };
}

function pathOf(source: string | URL): string {
  if (typeof source === "string" && !/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return resolve(source);
  const { href, protocol } = new URL(source);
  if (protocol === "file:") return fileURLToPath(href);
  throw new SampanError("SOURCE_INVALID", `Cannot read "${href}": wanted a path or a file: URL`, {
    hint: "hand over the answer of fetch() for it",
  });
}

function readFile(file: string): { readonly bytes: Uint8Array<ArrayBuffer>; readonly stat: BigIntStats } {
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    const stat = fstatSync(fd, { bigint: true });
    return { bytes: readFileSync(fd), stat };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new SampanError("FILE_NOT_FOUND", `Cannot find "${file}"`, {
        hint: hintForMissing(file, readdirSync),
        cause,
      });
    const reason = code === "EISDIR" ? "it is a folder" : code === "EACCES" ? "permission denied" : code;
    throw new SampanError("FILE_UNREADABLE", `Cannot read "${file}": ${reason}`, { cause });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function bytesOf(source: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
  }
  if (source instanceof ReadableStream) return new Uint8Array(await new Response(source).arrayBuffer());
  if (typeof source !== "object" || source === null || !("arrayBuffer" in source))
    throw new SampanError(
      "SOURCE_INVALID",
      `Cannot read a component from a ${source === null ? "null" : typeof source}`,
      {
        hint: "give a path, a file: URL, its bytes, a ReadableStream or the answer of fetch()",
      },
    );
  if ("ok" in source && source.ok === false) {
    const [url, status] = [(source as Response).url, (source as Response).status];
    throw new SampanError("SOURCE_INVALID", `Cannot read a component from "${url}": it answered ${status}`);
  }
  return new Uint8Array(await (source as WithBody).arrayBuffer());
}
