import { closeSync, openSync, writeSync } from "node:fs";
import { SampanError } from "../base/index.ts";
import type { AccessRequest, Grants } from "../capabilities/index.ts";
import { explainRefusal } from "./refusal.ts";

/** A file with a JSON line for each refusal, written when it happens: what ends a guest does not end the record. */
export class Audit {
  readonly #fd: number;
  readonly #module: string;
  readonly #grants: Grants;

  /** @throws FILE_UNREADABLE where the file cannot be appended to */
  constructor(file: string, { name, grants }: { name: string; grants: Grants }) {
    try {
      this.#fd = openSync(file, "a");
    } catch (cause) {
      const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
      throw new SampanError("FILE_UNREADABLE", `Cannot write "${file}": ${reason}`, { cause });
    }
    this.#module = name;
    this.#grants = grants;
  }

  /** Appends a line: the time, the module, the request, why it was refused and the flag that would have allowed it. */
  write(request: AccessRequest): void {
    const verdict = explainRefusal(this.#grants, request);
    const why = verdict.allowed
      ? {}
      : {
          reason: verdict.reason,
          fix: verdict.fix.flag,
          ...(verdict.fix.replaces === undefined ? {} : { replaces: verdict.fix.replaces }),
        };
    const time = new Date().toISOString();
    writeSync(this.#fd, `${JSON.stringify({ time, module: this.#module, ...request, ...why })}\n`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
