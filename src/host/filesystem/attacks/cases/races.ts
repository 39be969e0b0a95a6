import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "../../file-calls.ts";
import type { AttackCase, Rival } from "../attack.ts";
import type { Attacker } from "../attacker.ts";
import type { World } from "../world.ts";

/** A folder of the guest's turns into a link that leads out, and back. */
const folderAndLink: Rival["renames"] = [
  ["granted/sub", "granted/parked"],
  ["granted/trap", "granted/sub"],
  ["granted/sub", "granted/trap"],
  ["granted/parked", "granted/sub"],
];

/** A file of the guest's turns into a link that leads out, and back. */
const fileAndLink: Rival["renames"] = [
  ["granted/name", "granted/parked"],
  ["granted/trap", "granted/name"],
  ["granted/name", "granted/trap"],
  ["granted/parked", "granted/name"],
];

/** A folder is moved out of the grant, and back. */
const inAndOut: Rival["renames"] = [
  ["granted/deep/way", "lot/way"],
  ["lot/way", "granted/deep/way"],
];

function prepareFolder(world: World): void {
  mkdirSync(world.at("granted/sub/empty"), { recursive: true });
  for (const name of ["secret", "victim", "only"]) writeFileSync(world.at(`granted/sub/${name}`), "own");
  symlinkSync("../outside", world.at("granted/trap"));
}

function prepareFile(world: World): void {
  writeFileSync(world.at("granted/name"), "own");
  symlinkSync("../outside/secret", world.at("granted/trap"));
}

function prepareVictim(world: World): void {
  writeFileSync(world.at("granted/name"), "own");
  symlinkSync("../outside/victim", world.at("granted/trap"));
}

function prepareDeep(world: World): void {
  mkdirSync(world.at("granted/deep/way/a/b"), { recursive: true });
  writeFileSync(world.at("granted/deep/secret"), "own");
}

const onFolder: Readonly<Record<string, (a: Attacker) => void>> = {
  read: (a) => a.read("sub/secret"),
  overwrite: (a) => a.write("sub/victim"),
  create: (a) => a.write("sub/planted", open.create),
  list: (a) => a.list("sub"),
  stat: (a) => void a.stat("sub/secret", "follow"),
  mkdir: (a) => a.mkdir("sub/planted"),
  rmdir: (a) => a.rmdir("sub/empty"),
  unlink: (a) => a.unlink("sub/victim"),
  "rename in": (a) => a.rename("sub/victim", "stolen"),
  "rename out": (a) => {
    a.write("fresh", open.create);
    a.rename("fresh", "sub/planted");
  },
  "link in": (a) => {
    a.link("sub/secret", "stolen");
    a.read("stolen", a.folder, open.read);
    a.unlink("stolen");
  },
  "link out": (a) => a.link("file", "sub/planted"),
  symlink: (a) => a.symlink("x", "sub/planted"),
  readlink: (a) => a.readlink("sub/pointer"),
  "set times": (a) => a.setTimes("sub/victim"),
};

const onFile: Readonly<Record<string, (a: Attacker) => void>> = {
  "read following": (a) => a.read("name"),
  "read without following": (a) => a.read("name", a.folder, open.read),
  "stat following": (a) => void a.stat("name", "follow"),
};

const onVictim: Readonly<Record<string, (a: Attacker) => void>> = {
  overwrite: (a) => a.write("name"),
  truncate: (a) => a.write("name", open.truncate),
  append: (a) => a.write("name", open.append),
  "create or overwrite": (a) => a.write("name", open.create),
  "set times": (a) => a.setTimes("name"),
};

type Race = { name: string; prepare: (world: World) => void; renames: Rival["renames"]; run: (a: Attacker) => void };

function race({ name, prepare, renames, run }: Race, from: Rival["from"] = "other process"): AttackCase {
  return {
    name,
    from: "main thread",
    weakness: "check-then-use",
    rival: { from, renames },
    prepare,
    attempt: (attacker) => attacker.race(() => run(attacker)),
    needsDescriptors: true,
  };
}

/** A second process, or a thread, keeps changing the tree in a tight loop while the guest calls. */
export const raceCases: readonly AttackCase[] = [
  ...Object.entries(onFolder).map(([call, run]) =>
    race({
      name: `${call} in a folder that keeps turning into a link`,
      prepare: prepareFolder,
      renames: folderAndLink,
      run,
    }),
  ),
  ...Object.entries(onFile).map(([call, run]) =>
    race({ name: `${call} of a file that keeps turning into a link`, prepare: prepareFile, renames: fileAndLink, run }),
  ),
  ...Object.entries(onVictim).map(([call, run]) =>
    race({
      name: `${call} of a file that keeps turning into a link`,
      prepare: prepareVictim,
      renames: fileAndLink,
      run,
    }),
  ),
  race(
    {
      name: "read in a folder that a thread keeps turning into a link",
      prepare: prepareFolder,
      renames: folderAndLink,
      run: (a) => a.read("sub/secret"),
    },
    "worker",
  ),
  {
    ...race({
      name: "climb from a folder that keeps being moved out",
      prepare: prepareDeep,
      renames: inAndOut,
      run: (a) => a.read("deep/way/../secret"),
    }),
    weakness: "steps",
  },
  {
    ...race({
      name: "climb from below a folder that keeps being moved out",
      prepare: prepareDeep,
      renames: inAndOut,
      run: (a) => a.read("deep/way/a/b/../../../secret"),
    }),
    weakness: "steps",
  },
];
