import { closeSync, mkdirSync, openSync, renameSync, symlinkSync } from "node:fs";
import { open } from "../../file-calls.ts";
import type { AttackCase } from "../attack.ts";
import { harmfulCalls } from "./leaving.ts";
import type { World } from "../world.ts";

function plant(target: (world: World) => string, name = "trap"): (world: World) => void {
  return (world) => symlinkSync(target(world), world.at(`granted/${name}`));
}

const secret = plant(() => "../outside/secret");
const victim = plant(() => "../outside/victim");

const lastComponent: readonly AttackCase[] = [
  { name: "read through a relative link", from: "main thread", prepare: secret, attempt: (a) => a.read("trap") },
  {
    name: "read through a link without asking to follow it",
    from: "main thread",
    prepare: secret,
    attempt: (a) => a.read("trap", a.folder, open.read),
  },
  {
    name: "read through an absolute link",
    from: "main thread",
    prepare: plant((w) => w.at("outside/secret")),
    attempt: (a) => a.read("trap"),
  },
  {
    name: "read through a chain of 39 links",
    from: "main thread",
    prepare(world) {
      secret(world);
      for (let i = 0; i < 38; i++) symlinkSync(i === 0 ? "trap" : `chain-${i - 1}`, world.at(`granted/chain-${i}`));
    },
    attempt: (a) => a.read("chain-37"),
  },
  {
    name: "read by a link to `..`",
    from: "main thread",
    prepare: plant(() => ".."),
    attempt: (a) => a.read("trap/outside/secret"),
  },
  {
    name: "read by a link to `..` of a lower folder",
    from: "main thread",
    prepare: plant(() => "dir/../.."),
    attempt: (a) => a.read("trap/secret"),
  },
  {
    name: "read by a link to `.` and `..`",
    from: "main thread",
    prepare: plant(() => "."),
    attempt: (a) => a.read("trap/trap/../secret"),
  },
  {
    name: "read by a lower link that climbs too far",
    from: "main thread",
    prepare: plant(() => "../../secret", "dir/trap"),
    attempt: (a) => a.read("dir/trap"),
  },
  { name: "overwrite through a link", from: "main thread", prepare: victim, attempt: (a) => a.write("trap") },
  {
    name: "truncate through a link",
    from: "main thread",
    prepare: victim,
    attempt: (a) => a.write("trap", open.truncate),
  },
  {
    name: "truncate through a link by opening to read",
    from: "main thread",
    prepare: victim,
    attempt: (a) => void a.open("trap", open.read | open.write | open.truncate | open.follow),
  },
  {
    name: "create through a dangling link",
    from: "main thread",
    prepare: plant(() => "../outside/planted"),
    attempt: (a) => a.write("trap", open.create),
  },
  {
    name: "create through an absolute dangling link",
    from: "main thread",
    prepare: plant((w) => w.at("outside/planted")),
    attempt: (a) => a.write("trap", open.create),
  },
  {
    name: "create through two dangling links",
    from: "main thread",
    prepare: (w) => (plant(() => "../outside/planted")(w), plant(() => "trap", "trap-2")(w)),
    attempt: (a) => a.write("trap-2", open.create),
  },
  { name: "stat through a link", from: "main thread", prepare: secret, attempt: (a) => void a.stat("trap", "follow") },
  {
    name: "set times of a link without following",
    from: "main thread",
    prepare: victim,
    attempt: (a) => a.setTimes("trap"),
  },
  {
    name: "set times of a link, following",
    from: "main thread",
    prepare: victim,
    attempt: (a) => a.setTimes("trap", "follow"),
  },
  {
    name: "link to what a link leads to, then read",
    from: "main thread",
    prepare: secret,
    attempt(a) {
      a.link("trap", "stolen", { follow: "follow" });
      a.read("stolen", a.folder, open.read);
    },
  },
  {
    name: "make a link out and go through it",
    from: "main thread",
    attempt(a) {
      a.symlink("../outside", "made");
      a.read("made/secret");
    },
  },
  {
    name: "make an absolute link",
    from: "main thread",
    attempt: (a, world) => a.symlink(world.at("outside/secret"), "made"),
    fault: (report) => report.errors.length === 0,
  },
  {
    name: "learn where on the host an absolute link leads",
    from: "main thread",
    prepare: plant((w) => `${w.at("outside")}/${w.secret}`),
    attempt: (a) => a.readlink("trap"),
  },
  {
    name: "move a relative link up until it leads out",
    from: "main thread",
    prepare: plant(() => "../../secret", "dir/inner/trap"),
    attempt(a) {
      a.rename("dir/inner/trap", "dir/trap");
      a.read("dir/trap");
    },
  },
  {
    name: "tell by the error whether something exists outside",
    from: "main thread",
    attempt(a) {
      a.stat("exit/secret", "follow");
      a.stat("exit/not-there", "follow");
    },
    fault: (report) => report.errors.length !== 2 || report.errors[0] !== report.errors[1],
  },
];

const magic: readonly AttackCase[] = [
  {
    name: "read through /proc/self/root",
    from: "main thread",
    prepare: plant((w) => `/proc/self/root${w.at("outside")}`),
    attempt: (a) => a.read("trap/secret"),
  },
  {
    name: "list through /proc/self/root",
    from: "main thread",
    prepare: plant(() => "/proc/self/root"),
    attempt: (a) => a.list("trap"),
  },
  {
    name: "list through /proc/self/cwd",
    from: "main thread",
    prepare: plant((w) => `/proc/self/cwd/${"../".repeat(30)}${w.base}`),
    attempt: (a) => a.list("trap"),
  },
  ...(["/proc/self/fd", "/proc/thread-self/fd", "/dev/fd"] as const).map((folder): AttackCase => ({
    name: `read through a descriptor of the process in ${folder}`,
    from: "main thread",
    attempt(a, world) {
      const fd = openSync(world.at("outside"), 0);
      symlinkSync(`${folder}/${fd}`, world.at("granted/trap"));
      a.read("trap/secret");
      closeSync(fd);
    },
  })),
];

const slashed: readonly AttackCase[] = [
  { name: "list link/", from: "main thread", attempt: (a) => a.list("exit/") },
  { name: "open link/ without following", from: "main thread", attempt: (a) => void a.statOf(a.open("exit/") ?? -1) },
  { name: "stat link/", from: "main thread", attempt: (a) => void a.stat("exit/") },
  { name: "set times of link/", from: "main thread", attempt: (a) => a.setTimes("exit/") },
  {
    name: "rmdir link/",
    from: "main thread",
    prepare: plant(() => "../outside/empty"),
    attempt: (a) => a.rmdir("trap/"),
  },
  { name: "unlink link/", from: "main thread", prepare: victim, attempt: (a) => a.unlink("trap/") },
  {
    name: "unlink dirlink//",
    from: "main thread",
    prepare: plant(() => "../outside/folder"),
    attempt: (a) => a.unlink("trap//"),
  },
  {
    name: "mkdir dangling/",
    from: "main thread",
    prepare: plant(() => "../outside/planted"),
    attempt: (a) => a.mkdir("trap/"),
  },
  {
    name: "create dangling/",
    from: "main thread",
    prepare: plant(() => "../outside/planted"),
    attempt: (a) => a.write("trap/", open.create),
  },
  { name: "rename link/ away", from: "main thread", prepare: victim, attempt: (a) => a.rename("trap/", "stolen") },
  {
    name: "rename a folder to dangling/",
    from: "main thread",
    prepare: plant(() => "../outside/planted"),
    attempt: (a) => a.rename("dir", "trap/"),
  },
  {
    name: "link link/ and read",
    from: "main thread",
    prepare: secret,
    attempt: (a) => (a.link("trap/", "stolen"), a.read("stolen")),
  },
  {
    name: "link to dangling/",
    from: "main thread",
    prepare: plant(() => "../outside/planted"),
    attempt: (a) => a.link("file", "trap/"),
  },
  {
    name: "symlink to dangling/",
    from: "main thread",
    prepare: plant(() => "../outside/planted"),
    attempt: (a) => a.symlink("x", "trap/"),
  },
  { name: "read file link/", from: "main thread", prepare: secret, attempt: (a) => a.read("trap/") },
];

/** Puts a link in the place of a folder that the guest has open, then acts through the descriptor. */
const replaced: readonly AttackCase[] = Object.entries(harmfulCalls)
  .filter(
    ([call]) => call !== "list" && !call.startsWith("rename o") && !call.startsWith("link") && call !== "rename in",
  )
  .map(([call]): AttackCase => ({
    name: `${call} from an open folder that a link replaced`,
    from: "main thread",
    prepare: (world) => mkdirSync(world.at("granted/sub")),
    attempt(a, world) {
      const fd = a.openFolder("sub") ?? -1;
      renameSync(world.at("granted/sub"), world.at("granted/moved"));
      symlinkSync("../outside", world.at("granted/sub"));
      throughDescriptor[call]?.(a, fd);
    },
  }));

const throughDescriptor: Readonly<Record<string, (a: Parameters<AttackCase["attempt"]>[0], fd: number) => void>> = {
  read: (a, fd) => a.read("secret", fd),
  overwrite: (a, fd) => a.write("victim", 0, fd),
  append: (a, fd) => a.write("victim", open.append, fd),
  truncate: (a, fd) => a.write("victim", open.truncate, fd),
  create: (a, fd) => a.write("planted", open.create, fd),
  "create exclusively": (a, fd) => a.write("planted", open.create | open.exclusive, fd),
  stat: (a, fd) => void a.stat("secret", "nofollow", fd),
  "stat following": (a, fd) => void a.stat("secret", "follow", fd),
  mkdir: (a, fd) => a.mkdir("planted", fd),
  rmdir: (a, fd) => a.rmdir("empty", fd),
  unlink: (a, fd) => a.unlink("victim", fd),
  symlink: (a, fd) => a.symlink("x", "planted", fd),
  readlink: (a, fd) => a.readlink("pointer", fd),
  "set times": (a, fd) => a.setTimes("victim", "nofollow", fd),
};

const moved: readonly AttackCase[] = [
  {
    name: "list an open folder that a link replaced",
    from: "main thread",
    attempt(a, world) {
      const fd = a.openFolder("dir") ?? -1;
      renameSync(world.at("granted/dir"), world.at("granted/moved"));
      symlinkSync("../outside", world.at("granted/dir"));
      a.listOf(fd);
    },
  },
  {
    name: "rename a file in, both folders replaced by links",
    from: "main thread",
    attempt(a, world) {
      const fd = a.openFolder("dir") ?? -1;
      renameSync(world.at("granted/dir"), world.at("granted/moved"));
      symlinkSync("../outside", world.at("granted/dir"));
      a.rename("victim", "stolen", { from: fd });
      a.rename("file", "planted", { to: fd });
      a.link("secret", "stolen-2", { from: fd });
      a.read("stolen-2", a.folder, open.read);
    },
  },
  {
    name: "replace a folder by a guest's own rename, then act through the descriptor",
    from: "main thread",
    attempt(a) {
      const fd = a.openFolder("dir") ?? -1;
      a.rename("dir", "moved");
      a.symlink("../outside", "dir");
      a.read("secret", fd);
      a.write("planted", open.create, fd);
    },
  },
  ...(["..", "../secret", "inner/../../secret"] as const).map((path): AttackCase => ({
    name: `go to ${path} from an open folder that was moved out`,
    from: "main thread",
    weakness: "descriptor",
    attempt(a, world) {
      const fd = a.openFolder("dir") ?? -1;
      renameSync(world.at("granted/dir"), world.at("lot/dir"));
      a.read(path, fd);
      a.list(path, fd);
      a.stat("../../outside", "nofollow", fd);
    },
  })),
  {
    name: "link to a place above an open folder from below it",
    from: "main thread",
    weakness: "descriptor",
    attempt(a) {
      const fd = a.openFolder("dir/inner") ?? -1;
      a.symlink("../../../outside/secret", "up", fd);
      a.read("up", fd);
    },
  },
];

/** Links at the end of a path, magic links, slashes behind links, and links in the place of open folders. */
export const linkCases: readonly AttackCase[] = [...lastComponent, ...magic, ...slashed, ...replaced, ...moved];
