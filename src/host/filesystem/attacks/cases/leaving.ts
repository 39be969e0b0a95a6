import { open } from "../../file-calls.ts";
import type { AttackCase } from "../attack.ts";
import type { Attacker } from "../attacker.ts";
import type { World } from "../world.ts";

/** A call that does harm where `outside` leads out of the grant. */
export const harmfulCalls: Readonly<Record<string, (a: Attacker, outside: string) => void>> = {
  read: (a, outside) => a.read(`${outside}/secret`),
  overwrite: (a, outside) => a.write(`${outside}/victim`),
  append: (a, outside) => a.write(`${outside}/victim`, open.append),
  truncate: (a, outside) => a.write(`${outside}/victim`, open.truncate),
  create: (a, outside) => a.write(`${outside}/planted`, open.create),
  "create exclusively": (a, outside) => a.write(`${outside}/planted`, open.create | open.exclusive),
  list: (a, outside) => a.list(outside),
  stat: (a, outside) => a.stat(`${outside}/secret`),
  "stat following": (a, outside) => a.stat(`${outside}/secret`, "follow"),
  mkdir: (a, outside) => a.mkdir(`${outside}/planted`),
  rmdir: (a, outside) => a.rmdir(`${outside}/empty`),
  unlink: (a, outside) => a.unlink(`${outside}/victim`),
  "rename in": (a, outside) => a.rename(`${outside}/victim`, "stolen"),
  "rename out": (a, outside) => a.rename("file", `${outside}/planted`),
  "rename over": (a, outside) => a.rename("file", `${outside}/victim`),
  "link in": (a, outside) => {
    a.link(`${outside}/secret`, "stolen");
    a.read("stolen");
  },
  "link out": (a, outside) => a.link("file", `${outside}/planted`),
  symlink: (a, outside) => a.symlink("anything", `${outside}/planted`),
  readlink: (a, outside) => a.readlink(`${outside}/pointer`),
  "set times": (a, outside) => a.setTimes(`${outside}/victim`),
};

const ways: Readonly<Record<string, (world: World) => string>> = {
  "an absolute path": (world) => world.at("outside"),
  "`..` in front": () => "../outside",
  "`..` behind folders": () => "dir/inner/../../../outside",
  "a relative link": () => "exit",
  "an absolute link": () => "door",
  "`..` behind a link": () => "exit/../outside",
};

/** Every call by every plain way out. */
export const leavingCases: readonly AttackCase[] = Object.entries(ways).flatMap(([way, outside]) =>
  Object.entries(harmfulCalls).map(([call, run]): AttackCase => ({
    name: `${call} by ${way}`,
    from: "main thread",
    attempt: (attacker, world) => run(attacker, outside(world)),
  })),
);

const shapes: Readonly<Record<string, string>> = {
  "..": "..",
  "../": "../",
  "./..": "./..",
  "dir/../..": "dir/../..",
  "dir//..//..": "dir//..//..",
  ".//.././outside": ".//.././outside",
  "dir/./../../outside": "dir/./../../outside",
  "dir/inner/../../..": "dir/inner/../../..",
  "../granted-evil, whose name begins as the grant's": "../granted-evil",
  "/": "/",
  "//": "//",
  "/./": "/./",
  "/..": "/..",
  "exit/.": "exit/.",
  "exit/..": "exit/..",
  "exit//": "exit//",
  "exit/folder/..": "exit/folder/..",
  "door/../outside": "door/../outside",
};

/** Ways to write where one wants to go. */
export const shapeCases: readonly AttackCase[] = Object.entries(shapes).map(([name, path]): AttackCase => ({
  name: `list and stat ${name}`,
  from: "main thread",
  attempt(attacker) {
    attacker.list(path);
    attacker.stat(path);
    attacker.stat(path, "follow");
  },
}));
