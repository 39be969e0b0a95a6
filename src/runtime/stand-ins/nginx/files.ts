import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  type ReadStream,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import process from "node:process";

/** What `sirv` makes of a folder. */
export type SendFile = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
/** Makes such a function. */
export type MakeSender = (folder: string, options: Readonly<Record<string, unknown>>) => SendFile;

/** What is at a path below a root. */
export type Found =
  | {
      readonly kind: "file";
      /** Real paths, of the file and of the root that it is in. */
      readonly path: string;
      readonly base: string;
      readonly size: number;
      readonly modified: Date;
    }
  | { readonly kind: "folder" }
  | { readonly kind: "outside" | "nothing" };

/**
 * Files below the roots of a site; links that lead out of a root are not followed. Guests may write where they are, and do so
 * while they are looked up: what was opened is looked at once more before anything of it is sent.
 */
export class Files {
  readonly #make: MakeSender;
  readonly #sources: readonly string[];
  readonly #senders = new Map<string, SendFile>();

  /** `sources` are folders that roots do not leave. */
  constructor(make: MakeSender, sources: readonly string[]) {
    this.#make = make;
    this.#sources = sources;
  }

  find(root: string, path: string): Found {
    if (root === "") return { kind: "nothing" };
    try {
      const base = realpathSync(root);
      const real = realpathSync(join(root, path));
      const isKnown = this.#sources.some((source) => isIn(root, source) && isIn(base, realpathSync(source)));
      if (!isKnown || !isIn(real, base)) return { kind: "outside" };
      const found = statSync(real);
      if (found.isDirectory()) return { kind: "folder" };
      if (!found.isFile()) return { kind: "outside" };
      return { kind: "file", path: real, base, size: found.size, modified: found.mtime };
    } catch {
      return { kind: "nothing" };
    }
  }

  /** Answers with a file that was found, as the request's conditions and range say. */
  send(
    file: Found & { readonly kind: "file" },
    { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  ): void {
    if (isUnchanged(request, file.modified)) {
      response.writeHead(304).end();
      return;
    }
    const { base } = file;
    let sender = this.#senders.get(base);
    if (sender === undefined) {
      sender = this.#make(base, { dev: true, etag: true, dotfiles: true, extensions: [] });
      this.#senders.set(base, sender);
    }
    // It takes back what encodeURI does, and nothing more: a name with "?" or "#" in it is not found.
    request.url = encodeURI(file.path.slice(base.length)).replace(/[?#]/g, encodeURIComponent);
    const range = rangeOf(request, file);
    if (range === undefined) delete request.headers.range;
    else request.headers.range = range;
    response.once("pipe", (source: ReadStream) => guard(source, response, base));
    sender(request, response, () => response.writeHead(404).end());
  }
}

/** A page's content. @throws where it is not what was found any more */
export function readHeld({ path, base }: Found & { readonly kind: "file" }): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!isHeldIn(fd, base) || !fstatSync(fd).isFile()) throw new Error("A page was put elsewhere");
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Sends nothing of a file that is outside after all; one that fails ends its own answer, and none stays open behind a client. */
function guard(source: ReadStream, response: ServerResponse, base: string): void {
  source.on("open", (fd: number) => {
    if (!isHeldIn(fd, base)) response.destroy();
  });
  source.on("error", () => response.destroy());
  response.on("close", () => source.destroy());
}

/** Whether an open file is in a folder; where the system does not say, it was looked up there. */
function isHeldIn(fd: number, base: string): boolean {
  return process.platform !== "linux" || isIn(readlinkSync(`/proc/self/fd/${fd}`), base);
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** Entity tags go first: where one is asked about, the time says nothing (RFC 9110, section 13.1.3). */
function isUnchanged({ headers }: IncomingMessage, modified: Date): boolean {
  const since = headers["if-modified-since"];
  if (since === undefined || headers["if-none-match"] !== undefined) return false;
  return Math.floor(modified.getTime() / 1000) * 1000 <= Date.parse(since);
}

/** One range of bytes with both its ends, which is all that is answered with a part. */
function rangeOf(
  { headers }: IncomingMessage,
  { size, modified }: { size: number; modified: Date },
): string | undefined {
  const condition = [headers["if-range"]].flat()[0];
  if (condition !== undefined && Date.parse(condition) !== Math.floor(modified.getTime() / 1000) * 1000)
    return undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (match === null || (first === "" && last === "")) return undefined;
  if (first === "") return Number(last) === 0 ? undefined : `bytes=${Math.max(0, size - Number(last))}-${size - 1}`;
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return `bytes=${first}-${last === "" ? Math.max(size - 1, 0) : last}`;
}
