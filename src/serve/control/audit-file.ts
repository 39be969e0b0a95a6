import { closeSync, openSync } from "node:fs";
import { SampanError, writeAll } from "../../base/index.ts";

/** The file that refusals are appended to. */
export class AuditFile {
  #fd: number | undefined;

  /** Goes over to a file, or to none; the same one is opened anew, as it may have been moved away. @throws FILE_UNREADABLE */
  open(file: string | undefined): void {
    const fd = file === undefined ? undefined : openToAppend(file);
    this.close();
    this.#fd = fd;
  }

  write(lines: readonly string[]): void {
    if (this.#fd !== undefined && lines.length > 0) writeAll(this.#fd, lines.map((line) => `${line}\n`).join(""));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function openToAppend(file: string): number {
  try {
    // What guests ask for is nobody else's business.
    return openSync(file, "a", 0o600);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const reason = code === "ENOENT" ? "there is no such folder" : code === "EISDIR" ? "it is a folder" : code;
    throw new SampanError("FILE_UNREADABLE", `Cannot write the audit log "${file}": ${reason}`, {
      hint: "name another file with --audit FILE (in a file: audit: FILE)",
      cause,
    });
  }
}
