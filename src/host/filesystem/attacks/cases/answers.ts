import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "../../file-calls.ts";
import type { AttackCase } from "../attack.ts";
import type { Attacker } from "../attacker.ts";
import type { World } from "../world.ts";

const encoder = new TextEncoder();

/** A case whose harm is a wrong answer: a path that means nothing is taken for another that means something. */
function misread(
  name: string,
  attempt: (a: Attacker, world: World) => void,
  prepare?: (world: World) => void,
): AttackCase {
  return {
    name,
    from: "main thread",
    weakness: "lenient",
    attempt,
    ...(prepare === undefined ? {} : { prepare }),
    fault: (report) => report.marks.length > 0,
  };
}

/** Notes when a path opens, which it must not. */
function refuses(a: Attacker, errno: string, path: string | Uint8Array): void {
  a.expect(errno, "it opened", () => a.target.open(a.folder, path, open.read));
}

const texts: readonly AttackCase[] = [
  misread("a NUL ends the name", (a) => refuses(a, "inval", "file\0.txt")),
  misread("a NUL hides where a path goes", (a) => refuses(a, "inval", "dir/file\0/../../../outside/secret")),
  misread("unlink a name with a NUL", (a) =>
    a.expect("inval", "it was removed", () => a.target.unlink(a.folder, "dir/file\0x")),
  ),
  misread("mkdir of a name with a NUL", (a) =>
    a.expect("inval", "it was made", () => a.target.mkdir(a.folder, "new\0x")),
  ),
  misread("a NUL in a link's target", (a) =>
    a.expect("inval", "it was made", () => a.target.symlink("dir\0x", a.folder, "new")),
  ),
  misread("a name of 256 bytes", (a) => {
    a.expect("nametoolong", "it was cut", () => a.target.open(a.folder, "n".repeat(256), open.write | open.create));
  }),
  misread("a path of 4,096 bytes", (a) => refuses(a, "nametoolong", `${"./".repeat(2045)}file.x`)),
  misread("a path of 100,000 components", (a) => refuses(a, "nametoolong", `${"./".repeat(100_000)}file`)),
  misread("a path of 16,000 folders up", (a) => refuses(a, "nametoolong", "../".repeat(16_000))),
  misread(
    "a path that is too long and cut is another one's",
    (a) => {
      const path = `${"./".repeat(2043)}dir/filename`;
      a.expect("nametoolong", "another was removed", () =>
        a.target.unlink(a.folder, `${path.slice(0, 4091)}file-and-more`),
      );
    },
    (world) => writeFileSync(world.at("granted/file-and-more".slice(0, 12)), ""),
  ),
  misread(
    "bytes that are no UTF-8",
    (a) => refuses(a, "ilseq", new Uint8Array([0xff, 0xfe])),
    (world) => writeFileSync(world.at("granted/\ufffd\ufffd"), ""),
  ),
  misread(
    "a cut UTF-8 sequence",
    (a) => refuses(a, "ilseq", new Uint8Array([0x66, 0xe2])),
    (world) => writeFileSync(world.at("granted/f\ufffd"), ""),
  ),
  misread(
    "a surrogate in UTF-8",
    (a) => refuses(a, "ilseq", new Uint8Array([0xed, 0xa0, 0x80])),
    (world) => writeFileSync(world.at("granted/\ufffd\ufffd\ufffd"), ""),
  ),
  misread("dots and slashes in more bytes than they need", (a) => {
    refuses(a, "ilseq", new Uint8Array([0xc0, 0xae, 0xc0, 0xae, 0xc0, 0xaf, ...encoder.encode("granted/file")]));
  }),
  misread("a slash in more bytes than it needs", (a) =>
    refuses(a, "ilseq", new Uint8Array([0x64, 0x69, 0x72, 0xc0, 0xaf, 0x66, 0x69, 0x6c, 0x65])),
  ),
  misread("backslashes for slashes", (a) => refuses(a, "noent", "dir\\file")),
  misread("backslashes that climb", (a) => refuses(a, "noent", "dir\\..\\file")),
  misread("another case of the letters", (a) => refuses(a, "noent", "FILE")),
  misread(
    "another form of the same letter",
    (a) => refuses(a, "noent", "e\u0301"),
    (world) => writeFileSync(world.at("granted/\u00e9"), ""),
  ),
];

const kinds: readonly AttackCase[] = [
  misread("an empty path to open", (a) => refuses(a, "noent", "")),
  misread("an empty path to stat", (a) =>
    a.expect("noent", "it was there", () => a.target.stat(a.folder, "", "nofollow")),
  ),
  misread("an empty path to set times", (a) =>
    a.expect("noent", "it was there", () => a.target.setTimesAt(a.folder, "", "nofollow", 1n)),
  ),
  misread("an empty path to rmdir", (a) => a.expect("noent", "it was removed", () => a.target.rmdir(a.folder, ""))),
  misread("a file as a folder to climb from", (a) => refuses(a, "notdir", "file/../dir/file")),
  misread("a file as a folder that is itself", (a) => refuses(a, "notdir", "file/.")),
  misread("a missing folder to climb from", (a) => refuses(a, "noent", "missing/../file")),
  misread(
    "a link to a missing folder to climb from",
    (a) => refuses(a, "noent", "trap/../file"),
    (world) => symlinkSync("missing", world.at("granted/trap")),
  ),
  misread(
    "a link to a folder to climb from",
    (a) => {
      a.expect("noent", "the link's own folder was taken", () => a.target.open(a.folder, "trap/../file", open.read));
    },
    (world) => {
      mkdirSync(world.at("granted/other/inner"), { recursive: true });
      symlinkSync("other/inner", world.at("granted/trap"));
    },
  ),
  misread("a file with a slash", (a) => refuses(a, "notdir", "file/")),
  misread("stat of a file with a slash", (a) =>
    a.expect("notdir", "it was there", () => a.target.stat(a.folder, "file/", "nofollow")),
  ),
  misread("unlink of a file with a slash", (a) =>
    a.expect("notdir", "it was removed", () => a.target.unlink(a.folder, "file/")),
  ),
  misread("unlink of a folder", (a) => a.expect("isdir", "it was removed", () => a.target.unlink(a.folder, "dir"))),
  misread("rmdir of a file", (a) => a.expect("notdir", "it was removed", () => a.target.rmdir(a.folder, "file"))),
  misread("rmdir of a full folder", (a) =>
    a.expect("notempty", "it was removed", () => a.target.rmdir(a.folder, "dir")),
  ),
  misread("rmdir of the granted folder itself", (a) =>
    a.expect("inval", "it was removed", () => a.target.rmdir(a.folder, ".")),
  ),
  misread("rmdir of a folder by a link", (a) =>
    a.expect("notdir", "it was removed", () => a.target.rmdir(a.folder, "exit")),
  ),
];

/** Paths that hosts misread: text that is cleaned, cut or decoded before use, and one kind of file taken for another. */
export const answerCases: readonly AttackCase[] = [...texts, ...kinds];
