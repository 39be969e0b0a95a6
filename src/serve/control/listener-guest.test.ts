import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { finish } from "../config/finish.ts";
import type { WorkloadConfig } from "../config/model.ts";
import { ListenerGuests } from "./listener-guest.ts";

const file = await compileOwnGuest("small-service");

function workload(args: readonly string[], guestPort = 8080): WorkloadConfig {
  const { workloads } = finish({
    server: {},
    limits: {},
    trusted: [],
    routes: [{ host: undefined, path: "/", to: "small" }],
    sources: [],
    folder: "/",
    workloads: [
      {
        name: "small",
        file,
        folder: "/",
        kind: undefined,
        args,
        features: [],
        grants: defaultGrants,
        settings: { "guest-port": guestPort },
        cgi: {},
        defaultWarm: 0,
      },
    ],
  });
  return workloads[0] ?? assert.fail("there is one");
}

function makeGuests(t: TestContext): { guests: ListenerGuests; folder: string; told: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "sv-"));
  chmodSync(folder, 0o700);
  const told: string[] = [];
  const guests = new ListenerGuests((line) => told.push(line));
  t.after(async () => {
    await guests.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { guests, folder, told };
}

function ask(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path, agent: false }, (response) => resolve(text(response))).on("error", reject);
  });
}

test("ListenerGuests.start() runs a guest whose port is a Unix socket, and starts it again when it traps", async (t) => {
  const { guests, folder, told } = makeGuests(t);
  const guest = await guests.start(workload(["serve", "8080", "hello"]), folder);
  assert.ok(guest.path.startsWith(folder));
  assert.equal(await ask(guest.path, "/"), "hello");
  assert.equal(await ask(guest.path, "/log/one"), "hello");
  while (!told.includes("small | one")) await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(ask(guest.path, "/crash"));
  for (;;) {
    const answer = await ask(guest.path, "/").catch(() => undefined);
    if (answer === "hello") break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await guest.close();
  await assert.rejects(ask(guest.path, "/"));
});

/** Inodes of this process's sockets that listen on TCP. */
function listeningOnTcp(): string[] {
  const own = new Set(
    readdirSync("/proc/self/fd").map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      } catch {
        return undefined;
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((family) =>
    readFileSync(`/proc/self/net/${family}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([, , , state, , , , , , inode]) =>
        state === "0A" && inode !== undefined && own.has(inode) ? [inode] : [],
      ),
  );
}

test(
  "ListenerGuests.start() has a guest stand on no port of the machine",
  { skip: process.platform !== "linux" },
  async (t) => {
    const { guests, folder } = makeGuests(t);
    const before = listeningOnTcp();
    const guest = await guests.start(workload(["serve", "8080", "hello"]), folder);
    assert.equal(await ask(guest.path, "/"), "hello");
    assert.deepEqual(listeningOnTcp(), before);
  },
);

test("ListenerGuests.start() tells of a guest that does not listen where it should", async (t) => {
  const { guests, folder } = makeGuests(t);
  await assert.rejects(
    guests.start(workload(["exit", "3"]), folder),
    (error: { code: string; message: string; hint: string }) => {
      assert.equal(error.code, "SERVE_NO_HANDLER");
      assert.equal(error.message, 'Cannot serve "small": it does not listen on its port 8080; it ended with 3');
      assert.match(error.hint, /--guest-port/);
      return true;
    },
  );
});
