import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { HostError } from "../../../base/index.ts";
import type { HostInstance } from "../../instance.ts";
import { HostWorkload } from "../../workload.ts";
import { directNetwork } from "../direct.ts";
import { type NetFlags, netGrants } from "../network-fixture.ts";

/** A folder that the guest may write in, and one beside it with a socket of the machine's, `app.sock`. */
interface Place {
  readonly shared: string;
  readonly outside: string;
  /** How often the machine's socket was connected to. */
  reached: number;
}

async function openPlace(t: TestContext): Promise<Place> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "unix-")));
  const place: Place = { shared: join(root, "shared"), outside: join(root, "outside"), reached: 0 };
  mkdirSync(place.shared);
  mkdirSync(place.outside);
  const server = createServer((socket) => {
    place.reached += 1;
    socket.destroy();
  });
  server.listen(join(place.outside, "app.sock"));
  await once(server, "listening");
  t.after(() => {
    server.close();
    rmSync(root, { recursive: true });
  });
  return place;
}

interface Attack {
  readonly name: string;
  readonly flags: (place: Place) => NetFlags;
  /** What the guest makes of its folder, with the calls for files that it has. */
  readonly prepare: (place: Place) => void;
  readonly attempt: (guest: HostInstance, place: Place) => Promise<void>;
  /** What is there where it got through, besides a connection. */
  readonly trace?: (place: Place) => string;
}

async function connectTo(guest: HostInstance, path: string): Promise<void> {
  await guest.sockets.create("unix", "stream").connect({ family: "unix", path });
}

function listenAt(guest: HostInstance, path: string): Promise<void> {
  const socket = guest.sockets.create("unix", "stream");
  socket.bind({ family: "unix", path });
  socket.listen(1);
  return Promise.resolve();
}

const granted = (...names: readonly string[]) => ({
  flags: ({ shared }: Place): NetFlags => ({ connect: [`unix:${join(shared, ...names)}`] }),
  attempt: (guest: HostInstance, { shared }: Place) => connectTo(guest, join(shared, ...names)),
});

const attacks: readonly Attack[] = [
  {
    name: "connecting to a link that was put in a granted socket's place",
    ...granted("app.sock"),
    prepare: ({ shared, outside }) => symlinkSync(join(outside, "app.sock"), join(shared, "app.sock")),
  },
  {
    name: "connecting to a relative link in a granted socket's place",
    ...granted("app.sock"),
    prepare: ({ shared }) => symlinkSync("../outside/app.sock", join(shared, "app.sock")),
  },
  {
    name: "connecting to a link to a link of the guest's own",
    ...granted("app.sock"),
    prepare: ({ shared, outside }) => {
      symlinkSync(join(outside, "app.sock"), join(shared, "second"));
      symlinkSync("second", join(shared, "app.sock"));
    },
  },
  {
    name: "connecting by a folder on the way that was replaced by a link",
    ...granted("run", "app.sock"),
    prepare: ({ shared, outside }) => {
      mkdirSync(join(shared, "run"));
      renameSync(join(shared, "run"), join(shared, "old"));
      symlinkSync(outside, join(shared, "run"));
    },
  },
  {
    name: "connecting by a path that leaves the folder behind a link",
    ...granted("run", "app.sock"),
    prepare: ({ shared }) => symlinkSync("../outside", join(shared, "run")),
  },
  {
    name: "connecting by a link of the user's into the folder, and one of the guest's out of it",
    flags: ({ outside }) => ({ connect: [`unix:${join(outside, "in", "run", "app.sock")}`] }),
    prepare: ({ shared, outside }) => {
      symlinkSync(shared, join(outside, "in"));
      symlinkSync(outside, join(shared, "run"));
    },
    attempt: (guest, { outside }) => connectTo(guest, join(outside, "in", "run", "app.sock")),
  },
  {
    name: "listening in a folder that was replaced by a link",
    flags: ({ shared }) => ({ listen: [`unix:${join(shared, "run", "new.sock")}`] }),
    prepare: ({ shared, outside }) => symlinkSync(outside, join(shared, "run")),
    attempt: (guest, { shared }) => listenAt(guest, join(shared, "run", "new.sock")),
    trace: ({ outside }) => join(outside, "new.sock"),
  },
  {
    name: "listening at a link that leads to where nothing is",
    flags: ({ shared }) => ({ listen: [`unix:${join(shared, "new.sock")}`] }),
    prepare: ({ shared, outside }) => {
      mkdirSync(join(shared, "run"));
      rmSync(join(shared, "run"), { recursive: true });
      symlinkSync(outside, join(shared, "run"));
      symlinkSync("run/new.sock", join(shared, "new.sock"));
    },
    attempt: (guest, { shared }) => listenAt(guest, join(shared, "new.sock")),
    trace: ({ outside }) => join(outside, "new.sock"),
  },
];

/** Whether an attack gets through, with the rules for a guest that may write in the folder, or a host that has none. */
async function isBreached(t: TestContext, attack: Attack, host: "ours" | "weak"): Promise<boolean> {
  const place = await openPlace(t);
  attack.prepare(place);
  const files = [{ host: place.shared, guest: "/shared", access: "read-write" }] as const;
  const options = host === "weak" ? { network: directNetwork() } : {};
  const workload = new HostWorkload({ ...netGrants(attack.flags(place)), files }, { ...options, waits: "suspend" });
  const guest = workload.createInstance();
  try {
    await attack.attempt(guest, place);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
  // What is on its way arrives meanwhile.
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  const isThere = attack.trace !== undefined && existsSync(attack.trace(place));
  guest.close();
  workload.close();
  return isThere || place.reached > 0;
}

for (const attack of attacks) {
  test(`the host withstands ${attack.name}`, { skip: process.platform !== "linux" }, async (t) => {
    assert.equal(await isBreached(t, attack, "ours"), false);
  });
}

/** The system itself makes no socket where a link is. */
const harmless = "listening at a link that leads to where nothing is";

for (const attack of attacks.filter(({ name }) => name !== harmless)) {
  test(`a weak host falls to ${attack.name}`, async (t) => {
    assert.equal(await isBreached(t, attack, "weak"), true);
  });
}

test("the host follows links of the user's own, and takes what is granted in a folder that a guest may write in", async (t) => {
  const place = await openPlace(t);
  const { shared, outside } = place;
  symlinkSync(join(outside, "app.sock"), join(outside, "link.sock"));
  symlinkSync(shared, join(outside, "in"));
  const files = [{ host: shared, guest: "/shared", access: "read-write" }] as const;
  const [link, own] = [join(outside, "link.sock"), join(outside, "in", "own.sock")];
  const flags = { connect: [`unix:${link}`, `unix:${own}`, `unix:${shared}/none`], listen: [`unix:${own}`] };
  const workload = new HostWorkload({ ...netGrants(flags), files }, { waits: "suspend" });
  const guest = workload.createInstance();
  t.after(() => workload.close());
  await connectTo(guest, link);
  const listener = guest.sockets.create("unix", "stream");
  listener.bind({ family: "unix", path: own });
  listener.listen(1);
  assert.deepEqual(listener.localAddress, { family: "unix", path: own });
  const socket = guest.sockets.create("unix", "stream");
  await socket.connect({ family: "unix", path: own });
  assert.deepEqual(socket.remoteAddress, { family: "unix", path: own });
  await listener.accept();
  assert.ok(existsSync(join(shared, "own.sock")));
  await assert.rejects(
    connectTo(guest, `${shared}/none`),
    (error) => error instanceof HostError && error.errno === "noent",
  );
  guest.close();
  assert.equal(existsSync(join(shared, "own.sock")), false);
  assert.equal(place.reached, 1);
});
