import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { hintForMissing, SampanError } from "../../base/index.ts";
import { explainRejection, kindOf, readComponent, readModuleImports } from "../../wasm/index.ts";
import type { ServedWorkload } from "../protocol.ts";

/** What a file is to a server. */
export interface ServedFile {
  readonly kind: ServedWorkload["kind"];
  /** Changes with its content, by what the file system says of it. */
  readonly stamp: string;
}

/** Looks files up once for each content that they have. */
export class ServedFiles {
  readonly #known = new Map<string, ServedFile & { readonly asked: ServedWorkload["kind"] | undefined }>();

  /**
   * What a file is; `asked` is what it is said to be.
   *
   * @throws FILE_NOT_FOUND, FILE_UNREADABLE, GUEST_NOT_RUNNABLE, SERVE_NO_HANDLER, WASM_MALFORMED, WASM_FEATURE
   */
  look(file: string, shown: string, asked: ServedWorkload["kind"] | undefined): ServedFile {
    const fd = open(file, shown);
    try {
      const { size, mtimeMs, ino, ctimeMs } = fstatSync(fd);
      const stamp = `${size}-${mtimeMs}-${ctimeMs}-${ino}`;
      const known = this.#known.get(file);
      if (known?.stamp === stamp && known.asked === asked) return known;
      const found = { kind: kindNamed(readAll(fd, shown), shown, asked), stamp, asked };
      this.#known.set(file, found);
      return found;
    } finally {
      closeSync(fd);
    }
  }
}

function open(file: string, shown: string): number {
  try {
    return openSync(file, "r");
  } catch (cause) {
    throw unreadable(shown, cause);
  }
}

function readAll(fd: number, shown: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(fd);
  } catch (cause) {
    throw unreadable(shown, cause);
  }
}

function unreadable(shown: string, cause: unknown): SampanError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  if (code === "ENOENT" || code === "ENOTDIR")
    return new SampanError("FILE_NOT_FOUND", `Cannot serve "${shown}": there is no such file`, {
      hint: hintForMissing(shown, readdirSync),
      cause,
    });
  const reason = code === "EISDIR" ? "it is a folder" : code === "EACCES" ? "permission denied" : code;
  return new SampanError("FILE_UNREADABLE", `Cannot serve "${shown}": ${reason}`, { cause });
}

/** What {@link servedKind} answers, or its error with the file in it: a server has more than one. */
function kindNamed(...args: Parameters<typeof servedKind>): ServedWorkload["kind"] {
  try {
    return servedKind(...args);
  } catch (cause) {
    const start = /^Cannot read the WebAssembly binary: /;
    if (!(cause instanceof SampanError) || !start.test(cause.message)) throw cause;
    const { code, message, hint, data } = cause;
    throw new SampanError(
      code,
      message.replace(start, () => `Cannot serve "${args[1]}": `),
      { hint, data, cause },
    );
  }
}

const handler = /^wasi:http\/incoming-handler@0\.2\./;

/** How bytes answer requests. @throws GUEST_NOT_RUNNABLE, SERVE_NO_HANDLER, WASM_MALFORMED, WASM_FEATURE */
export function servedKind(
  bytes: Uint8Array<ArrayBuffer>,
  shown: string,
  asked: ServedWorkload["kind"] | undefined,
): ServedWorkload["kind"] {
  const kind = kindOf(bytes);
  if (kind === "component") return componentKind(bytes, shown, asked);
  if (kind !== "module")
    throw new SampanError("GUEST_NOT_RUNNABLE", `Cannot serve "${shown}": ${explainRejection(bytes, undefined)}`);
  if (asked === "component")
    throw new SampanError("SERVE_NO_HANDLER", `Cannot serve "${shown}" as a component: it is a core module`, {
      hint: "leave out kind: component, or make a component of it with wasm-tools component new",
    });
  const calls = readModuleImports(bytes).map(({ name }) => name);
  const takesConnections = calls.includes("sock_accept") || calls.includes("sock_listen");
  if (asked !== undefined) return asked;
  if (takesConnections) return "listener";
  throw new SampanError("SERVE_NO_HANDLER", `Cannot serve "${shown}": it is a core module that takes no connections`, {
    hint: "if it is a CGI program, such as php-cgi, add --cgi (in a file: kind: cgi)",
  });
}

function componentKind(
  bytes: Uint8Array<ArrayBuffer>,
  shown: string,
  asked: ServedWorkload["kind"] | undefined,
): "component" {
  if (asked === "cgi" || asked === "listener")
    throw new SampanError("SERVE_NO_HANDLER", `Cannot serve "${shown}" as ${asked}: it is a component`, {
      hint: asked === "cgi" ? "leave out --cgi (in a file: kind: cgi)" : "leave out kind: listener",
    });
  const { exports } = readComponent(bytes);
  if (exports.some(({ name, kind }) => kind === "instance" && handler.test(name))) return "component";
  const names = exports.map(({ name }) => `"${name}"`);
  const listed = names.length === 0 ? "nothing" : names.slice(0, 6).join(", ") + (names.length > 6 ? ", …" : "");
  throw new SampanError(
    "SERVE_NO_HANDLER",
    `Cannot serve "${shown}": it exports ${listed}, and no wasi:http/incoming-handler@0.2`,
    {
      hint: hintFor(
        exports.map(({ name }) => name),
        shown,
      ),
    },
  );
}

function hintFor(names: readonly string[], shown: string): string {
  if (names.some((name) => name.startsWith("wasi:cli/run@0.2"))) return `it is a program: sampan run ${shown}`;
  const other = names.find((name) => /^wasi:http\/(incoming-)?handler@/.test(name));
  if (other !== undefined) return `build it for the world wasi:http/proxy@0.2.0; ${other} is not served`;
  return "build it for the world wasi:http/proxy@0.2.0; sampan inspect shows what it has";
}
