import { printable, writeAll } from "../base/index.ts";
import type { AccessRequest, Fix, Grants } from "../capabilities/index.ts";
import type { Observer } from "../host/index.ts";
import { Audit } from "./audit.ts";
import { explainRefusal } from "./refusal.ts";
import type { RunRequest } from "./run.ts";

/** Most distinct requests that a report holds. */
const mostNoted = 10_000;

/** Hears of each request that is noted for the first time, for a report that may never be made. */
export type NoteListener = (kind: "refused" | "used", request: AccessRequest) => void;

/** Remembers what was refused and used, each once. */
export class Notes implements Observer {
  readonly isLearning: boolean;
  readonly refusals = new Map<string, AccessRequest>();
  readonly uses = new Map<string, AccessRequest>();
  /** The refusal that came last and that no trace line has named yet. */
  unnamed: AccessRequest | undefined;
  readonly #audit: Audit | undefined;
  readonly #onNote: NoteListener;

  constructor(request: RunRequest, onNote: NoteListener) {
    this.isLearning = request.learn;
    this.#audit = request.audit === undefined ? undefined : new Audit(request.audit, request);
    this.#onNote = onNote;
  }

  used(request: AccessRequest): void {
    if (note(this.uses, request)) this.#onNote("used", request);
  }

  refused(request: AccessRequest): void {
    this.unnamed = request;
    this.#audit?.write(request);
    if (note(this.refusals, request)) this.#onNote("refused", request);
  }

  close(): void {
    this.#audit?.close();
  }
}

function note(notes: Map<string, AccessRequest>, request: AccessRequest): boolean {
  if (notes.size >= mostNoted) return false;
  const key = JSON.stringify(request);
  if (notes.has(key)) return false;
  notes.set(key, request);
  return true;
}

function fixText({ flag, replaces }: Fix): string {
  return replaces === undefined ? flag : `${flag} instead of ${replaces}`;
}

/** Writes trace lines as strace does; a refused call's line ends with the flag that would allow it. */
export function traceTo(fd: number, grants: Grants, notes: Notes): (line: string) => void {
  return (line) => {
    const refused = notes.unnamed;
    notes.unnamed = undefined;
    const verdict = refused === undefined ? undefined : explainRefusal(grants, refused, { cwd: process.cwd() });
    const fix = verdict === undefined || verdict.allowed ? "" : `  # allowed by ${fixText(verdict.fix)}`;
    writeAll(fd, `${printable(`${line}${fix}`)}\n`);
  };
}
