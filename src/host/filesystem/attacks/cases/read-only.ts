import { open } from "../../file-calls.ts";
import type { AttackCase } from "../attack.ts";
import type { Attacker } from "../attacker.ts";

/** Everything that changes something, tried on a folder that may only be read. */
const changes: Readonly<Record<string, (a: Attacker, dir: number) => void>> = {
  create: (a, dir) => a.write("planted", open.create, dir),
  "create by opening to read": (a, dir) => void a.open("planted", open.read | open.create, dir),
  "create exclusively": (a, dir) => a.write("planted", open.create | open.exclusive, dir),
  overwrite: (a, dir) => a.write("file", 0, dir),
  "overwrite what is read as well": (a, dir) => a.write("file", open.read, dir),
  append: (a, dir) => a.write("file", open.append, dir),
  truncate: (a, dir) => a.write("file", open.truncate, dir),
  "truncate by opening to read": (a, dir) => void a.open("file", open.read | open.write | open.truncate, dir),
  "truncate a file that is open to read": (a, dir) => {
    const fd = a.open("file", open.read, dir) ?? -1;
    a.try(() => a.target.truncate(fd, 1n));
  },
  "allocate for a file that is open to read": (a, dir) => {
    const fd = a.open("file", open.read, dir) ?? -1;
    a.try(() => a.target.allocate(fd, 100n));
  },
  "write to a file that is open to read, once it is to append": (a, dir) => {
    const fd = a.open("file", open.read, dir) ?? -1;
    a.try(() => a.target.setAppend(fd, true));
    a.writeTo(fd);
  },
  "write to a file that is open to read and append, once it is not to append": (a, dir) => {
    const fd = a.open("file", open.read | open.append, dir) ?? -1;
    a.try(() => a.target.setAppend(fd, false));
    a.writeTo(fd);
  },
  "set times": (a, dir) => a.setTimes("file", "nofollow", dir),
  "set times of the folder itself": (a, dir) => a.setTimes(".", "nofollow", dir),
  "set times of a file that is open to read": (a, dir) => a.setTimesOf(a.open("file", open.read, dir) ?? -1),
  "set times of the open folder": (a, dir) => a.setTimesOf(dir),
  mkdir: (a, dir) => a.mkdir("planted", dir),
  unlink: (a, dir) => a.unlink("file", dir),
  "rename within": (a, dir) => a.rename("file", "renamed", { from: dir, to: dir }),
  "rename out": (a, dir) => a.rename("file", "stolen", { from: dir }),
  "rename in": (a, dir) => a.rename("file", "planted", { to: dir }),
  "rename over": (a, dir) => a.rename("file", "file", { to: dir }),
  "link in": (a, dir) => a.link("file", "planted", { to: dir }),
  "link within": (a, dir) => a.link("file", "second", { from: dir, to: dir }),
  "link out and write through the second name": (a, dir) => {
    a.link("file", "mine", { from: dir });
    a.write("mine");
  },
  symlink: (a, dir) => a.symlink("file", "planted", dir),
};

const direct = Object.entries(changes).map(([name, run]): AttackCase => ({
  name: `${name} in a read-only folder`,
  from: "main thread",
  attempt: (attacker) => run(attacker, attacker.readOnly),
}));

const derived = Object.entries(changes).map(([name, run]): AttackCase => ({
  name: `${name} in a folder opened below a read-only one`,
  from: "main thread",
  attempt: (attacker) => run(attacker, attacker.openFolder("dir", attacker.readOnly) ?? -1),
}));

/** Changes to what was granted to be read. */
export const readOnlyCases: readonly AttackCase[] = [
  ...direct,
  ...derived,
  {
    name: "rmdir in a read-only folder",
    from: "main thread",
    attempt: (a) => a.rmdir("dir/empty", a.readOnly),
  },
  {
    name: "write to a file that is open to read",
    from: "main thread",
    weakness: "lenient",
    attempt(a) {
      const fd = a.open("file", open.read, a.readOnly) ?? -1;
      a.try(() => a.target.truncate(fd, 0n));
      a.writeTo(fd);
    },
  },
  {
    name: "give a read-only folder the number of a writable one",
    from: "main thread",
    attempt(a) {
      const fd = a.openFolder("dir") ?? -1;
      const dir = a.openFolder("dir", a.readOnly) ?? -1;
      a.try(() => a.target.renumber(dir, fd));
      a.write("planted", open.create, fd);
      a.unlink("file", fd);
    },
  },
];
