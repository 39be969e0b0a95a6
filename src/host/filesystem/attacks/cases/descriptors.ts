import { closeSync, fstatSync, openSync } from "node:fs";
import { open } from "../../file-calls.ts";
import type { AttackCase } from "../attack.ts";
import type { Attacker } from "../attacker.ts";
import type { World } from "../world.ts";

/** Runs `attempt` while the host has something of its own open; notes where that is closed meanwhile. */
function besideTheHost(world: World, path: string, attempt: (hostFd: number) => void, a: Attacker): void {
  const hostFd = openSync(world.at(path), 0);
  const { ino } = fstatSync(hostFd);
  attempt(hostFd);
  try {
    if (fstatSync(hostFd).ino !== ino) a.mark("the host's descriptor is another file's");
    else closeSync(hostFd);
  } catch {
    a.mark("the host's descriptor was closed");
  }
}

const isMarked = (report: { readonly marks: readonly string[] }): boolean => report.marks.length > 0;

/** Numbers that a guest was never given; the standard streams are left out. */
function* numbers(hostFd: number): Generator<number> {
  for (let fd = 5; fd < 64; fd++) if (fd !== hostFd) yield fd;
  yield hostFd;
}

/** Descriptors used twice, too late, or never given. */
export const descriptorCases: readonly AttackCase[] = [
  {
    name: "close twice, the host having opened a file in between",
    from: "main thread",
    attempt(a, world) {
      const fd = a.open("file") ?? -1;
      a.close(fd);
      besideTheHost(world, "outside/secret", () => a.close(fd), a);
    },
    fault: isMarked,
  },
  {
    name: "read from a closed number, the host having opened a file in between",
    from: "main thread",
    attempt(a, world) {
      const fd = a.open("file") ?? -1;
      a.close(fd);
      besideTheHost(world, "outside/secret", () => a.readFrom(fd), a);
    },
  },
  {
    name: "list a closed number, the host having opened a folder in between",
    from: "main thread",
    attempt(a, world) {
      const fd = a.openFolder("dir") ?? -1;
      a.close(fd);
      besideTheHost(world, "outside", () => a.listOf(fd), a);
    },
    weakness: "descriptor",
  },
  {
    name: "open beneath a closed number, the host having opened a folder in between",
    from: "main thread",
    attempt(a, world) {
      const fd = a.openFolder("dir") ?? -1;
      a.close(fd);
      besideTheHost(world, "outside", () => a.read("secret", fd), a);
    },
    weakness: "descriptor",
  },
  {
    name: "read from every number that was not given",
    from: "main thread",
    attempt: (a, world) =>
      besideTheHost(
        world,
        "outside/secret",
        (hostFd) => {
          for (const fd of numbers(hostFd)) tryRead(a, fd, hostFd);
        },
        a,
      ),
  },
  {
    name: "stat every number that was not given",
    from: "main thread",
    attempt: (a, world) =>
      besideTheHost(
        world,
        "outside/secret",
        (hostFd) => {
          for (const fd of numbers(hostFd)) a.statOf(fd);
        },
        a,
      ),
  },
  {
    name: "open beneath every number that was not given",
    from: "main thread",
    weakness: "descriptor",
    attempt: (a, world) =>
      besideTheHost(
        world,
        "outside",
        (hostFd) => {
          for (const fd of numbers(hostFd)) a.read("secret", fd);
        },
        a,
      ),
  },
  {
    name: "close the number of a descriptor of the host",
    from: "main thread",
    attempt: (a, world) => besideTheHost(world, "outside/secret", (hostFd) => a.close(hostFd), a),
    fault: isMarked,
  },
  {
    name: "renumber onto the number of a descriptor of the host",
    from: "main thread",
    attempt: (a, world) =>
      besideTheHost(
        world,
        "outside/secret",
        (hostFd) => {
          const fd = a.open("file") ?? -1;
          a.try(() => a.target.renumber(fd, hostFd));
        },
        a,
      ),
    fault: isMarked,
  },
  {
    name: "close the granted folder, then go through its number",
    from: "main thread",
    weakness: "descriptor",
    attempt(a, world) {
      a.close(a.folder);
      besideTheHost(world, "outside", () => a.read("secret", a.folder), a);
    },
  },
  {
    name: "write through a number that a renumber gave up",
    from: "main thread",
    attempt(a, world) {
      const first = a.open("file", open.read) ?? -1;
      const second = a.open("dir/file", open.read) ?? -1;
      a.try(() => a.target.renumber(first, second));
      a.close(first);
      besideTheHost(world, "outside/secret", () => a.readFrom(first), a);
    },
  },
  {
    name: "numbers that are no numbers of descriptors",
    from: "main thread",
    weakness: "descriptor",
    attempt(a) {
      for (const fd of [0x7fffffff, 0x80000000, 0xffffff9c, 0xffffffff]) {
        a.expect("badf", "it was taken", () => a.target.close(fd));
        a.expect("badf", "it was taken", () => a.target.read(fd, 1));
        a.expect("badf", "it was taken", () => a.target.open(fd, "file", open.read));
        a.expect("badf", "it was taken", () => a.target.renumber(a.folder, fd));
      }
    },
    fault: isMarked,
  },
];

function tryRead(a: Attacker, fd: number, hostFd: number): void {
  // Other descriptors of this process may be pipes, whose bytes are not ours to take: the weak host reads the one we opened.
  if (a.target.constructor.name !== "WeakHost" || fd === hostFd) a.readFrom(fd);
}
