import { failure } from "../../base/index.ts";
import { Descriptor, type DescriptorAccess } from "../descriptor.ts";
import type { Observer } from "../observer.ts";
import { type FileStat, type FileType, type FollowMode, open as openBits, type SetTime } from "./file-calls.ts";
import type { Path } from "./path.ts";

/**
 * The root of a guest that was granted no root: nothing is in it and each path below it is refused. Without it a guest's C
 * library answers by itself that no folder of that name is open, and nobody could tell the user which grant is missing.
 */
export class RefusingFolder extends Descriptor {
  override readonly preopenName = "/";
  // It only names refusals: what a guest may open is not less for it, nor more once it is closed.
  override readonly isCounted = false;
  readonly access: DescriptorAccess = { read: true, write: false };
  readonly #observer: Observer;

  constructor(observer: Observer) {
    super();
    this.#observer = observer;
  }

  type(): FileType {
    return "directory";
  }

  override stat(out: FileStat): void {
    out.type = "directory";
    out.values.fill(0n);
  }

  override open(path: Path, bits: number): Descriptor {
    const changes = (bits & (openBits.write | openBits.create | openBits.truncate)) !== 0;
    return this.#refuse(changes ? "write" : "read", path);
  }

  override statAt(path: Path, _follow: FollowMode, out: FileStat): void {
    if (/^[./]+$/.test(path.text) && !path.text.includes("..")) {
      this.stat(out);
      return;
    }
    this.#refuse("read", path);
  }

  override setTimesAt(path: Path, _times: { follow: FollowMode; atime: SetTime; mtime: SetTime }): void {
    this.#refuse("write", path);
  }

  override makeDirectory(path: Path): void {
    this.#refuse("write", path);
  }

  override removeDirectory(path: Path): void {
    this.#refuse("write", path);
  }

  override unlink(path: Path): void {
    this.#refuse("write", path);
  }

  override rename(from: Path): void {
    this.#refuse("write", from);
  }

  override link(from: Path): void {
    this.#refuse("write", from);
  }

  override refuseName(path: Path): never {
    this.#refuse("write", path);
  }

  override symlink(_target: Path, path: Path): void {
    this.#refuse("write", path);
  }

  override readLink(path: Path): Uint8Array {
    return this.#refuse("read", path);
  }

  // A guest that knows it was granted no folder takes this number for free.
  override shutdown(): void {
    throw failure("badf");
  }

  #refuse(operation: "read" | "write", path: Path): never {
    if (path.length === 0) throw failure("noent");
    this.#observer.refused({ capability: "files", operation, path: `/${path.text.replace(/^\/+/, "")}` });
    throw failure("notcapable");
  }
}
