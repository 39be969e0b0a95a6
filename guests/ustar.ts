/** One entry of a tar archive. */
export interface TarEntry {
  readonly name: string;
  readonly kind: "file" | "directory";
  /** The file's bytes, a view into the archive. */
  readonly bytes: Uint8Array;
}

const blockSize = 512;
const utf8 = new TextDecoder();

/**
 * Reads a ustar archive that holds only files and folders.
 *
 * @throws Error where a header is damaged, the archive ends early, a name leads out of the folder or an entry is
 * something else
 */
export function* readTar(archive: Uint8Array): Generator<TarEntry> {
  let at = 0;
  while (at + blockSize <= archive.length) {
    const header = archive.subarray(at, at + blockSize);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, at);
    const name = entryName(header);
    const size = octal(header, 124, 12);
    const start = at + blockSize;
    if (start + size > archive.length) throw new Error(`Cannot read "${name}" in the archive: it ends early`);
    yield { name, kind: entryKind(header, name), bytes: archive.subarray(start, start + size) };
    at = start + Math.ceil(size / blockSize) * blockSize;
  }
  throw new Error("Cannot read the archive: it has no end mark");
}

function entryName(header: Uint8Array): string {
  const prefix = text(header, 345, 155);
  const name = `${prefix === "" ? "" : `${prefix}/`}${text(header, 0, 100)}`;
  const parts = name.split("/");
  if (name.startsWith("/") || name.includes("\\") || name.includes(":") || parts.includes("..")) {
    throw new Error(`Cannot unpack "${name}": the name leads out of the folder`);
  }
  return name;
}

function entryKind(header: Uint8Array, name: string): TarEntry["kind"] {
  const type = String.fromCharCode(header[156] ?? 0);
  if (type === "0" || type === "\0") return "file";
  if (type === "5") return "directory";
  throw new Error(`Cannot unpack "${name}": entries of type "${type}" are not read`);
}

function checkSum(header: Uint8Array, at: number): void {
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  if (sum !== octal(header, 148, 8)) throw new Error(`Cannot read the archive: the header at ${at} is damaged`);
}

function text(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return utf8.decode(end === -1 ? field : field.subarray(0, end));
}

function octal(header: Uint8Array, start: number, length: number): number {
  const digits = text(header, start, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error(`Cannot read the archive: "${digits}" is not an octal number`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}
