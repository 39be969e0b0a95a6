import { realpathSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

/** What `sirv` makes of a folder. */
export type SendFile = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
/** Makes such a function. */
export type MakeSender = (folder: string, options: Readonly<Record<string, unknown>>) => SendFile;

/** What is at a path below a root. */
export type Found =
  | { readonly kind: "file"; readonly path: string; readonly size: number; readonly modified: Date }
  | { readonly kind: "folder" }
  | { readonly kind: "outside" | "nothing" };

/** Files below the roots of a site; links that lead out of a root are not followed. */
export class Files {
  readonly #make: MakeSender;
  readonly #senders = new Map<string, SendFile>();

  constructor(make: MakeSender) {
    this.#make = make;
  }

  find(root: string, path: string): Found {
    if (root === "") return { kind: "nothing" };
    try {
      const base = realpathSync(root);
      const real = realpathSync(join(root, path));
      if (real !== base && !real.startsWith(`${base}/`)) return { kind: "outside" };
      const found = statSync(real);
      if (found.isDirectory()) return { kind: "folder" };
      if (!found.isFile()) return { kind: "outside" };
      return { kind: "file", path: real, size: found.size, modified: found.mtime };
    } catch {
      return { kind: "nothing" };
    }
  }

  /** Answers with a file that was found, as the request's conditions and range say. */
  send(
    file: Found & { readonly kind: "file" },
    {
      request,
      response,
      root,
    }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly root: string },
  ): void {
    if (isUnchanged(request, file.modified)) {
      response.writeHead(304).end();
      return;
    }
    const base = realpathSync(root);
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
    sender(request, response, () => response.writeHead(404).end());
  }
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
