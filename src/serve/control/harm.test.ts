import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { handlerComponent } from "../../../guests/http-handler.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { finish } from "../config/finish.ts";
import { readServeFlags, type ServeFlag } from "../config/from-flags.ts";
import type { ServeConfig } from "../config/model.ts";
import { Server } from "./server.ts";
import { startWorker, type WorkerHandle } from "./worker-handle.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-harm-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const bytes = handlerComponent();

/** Workloads `w0`, `w1`, … below paths of their names, each with a file of its own. */
function configOf(count: number, ...words: readonly string[]): ServeConfig {
  const routes = Array.from({ length: count }, (_, at): ServeFlag => {
    return { option: "--route", value: `/w${at}=w${at}.wasm` };
  });
  const rest = words.map((word): ServeFlag => {
    const [option = "", value = ""] = word.split("=");
    return { option, value };
  });
  const flags = [{ option: "--addr", value: ":0" }, { option: "--warm", value: "0" }, ...routes, ...rest];
  return finish(readServeFlags({ flags, file: undefined, grants: defaultGrants, cwd: folder }));
}

for (let at = 0; at < 2; at++) writeFileSync(join(folder, `w${at}.wasm`), bytes);

interface Running {
  readonly server: Server;
  /** Workers that live, in the order in which they were started. */
  readonly workers: Set<WorkerHandle>;
  /** How many were started. */
  readonly started: () => number;
}

async function start(t: TestContext, config: ServeConfig): Promise<Running> {
  const workers = new Set<WorkerHandle>();
  let started = 0;
  const server = await Server.start(config, {
    run: join(folder, "run"),
    print: () => {},
    tell: () => {},
    cache: join(folder, "cache"),
    startWorker: (kind, limits) => {
      const worker = startWorker(kind, limits);
      started += 1;
      workers.add(worker);
      worker.onGone(() => workers.delete(worker));
      return worker;
    },
  });
  t.after(() => server.close());
  return { server, workers, started: () => started };
}

/** One client with one connection, which it makes anew where it was lost. */
class Client {
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  answered = 0;
  readonly failures: string[] = [];
  isStopped = false;

  constructor(server: Server) {
    this.#server = server;
  }

  async run(path: string): Promise<void> {
    while (!this.isStopped) {
      try {
        const status = await this.#ask(path);
        if (status === 200) this.answered += 1;
        else this.failures.push(String(status));
      } catch (error) {
        this.failures.push(String(error));
      }
    }
    this.#agent.destroy();
  }

  #ask(path: string): Promise<number | undefined> {
    const { host, port } = this.#server.address;
    return new Promise((resolve, reject) => {
      get({ host, port, path, agent: this.#agent }, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode));
        response.once("error", reject);
      }).on("error", reject);
    });
  }
}

/** Has clients ask while something happens, and answers them once they have all asked some hundred times more. */
async function underLoad(
  server: Server,
  path: string,
  happen: (clients: readonly Client[]) => Promise<void>,
): Promise<Client[]> {
  const clients = Array.from({ length: 8 }, () => new Client(server));
  const runs = clients.map((client) => client.run(path));
  await more(clients, 20);
  await happen(clients);
  await more(clients, 100);
  for (const client of clients) client.isStopped = true;
  await Promise.all(runs);
  return clients;
}

/** Waits until each client has so many more answers. */
async function more(clients: readonly Client[], count: number): Promise<void> {
  const wanted = clients.map(({ answered }) => answered + count);
  while (clients.some(({ answered }, at) => answered < (wanted[at] ?? 0)))
    await new Promise((resolve) => setImmediate(resolve));
}

test("Server loses no request but those of a worker that is terminated", async (t) => {
  const { server, workers, started } = await start(t, configOf(2, "--workers=2"));
  let most = 0;
  const kills = 3;
  const clients = await underLoad(server, "/w0", async (running) => {
    for (let kill = 0; kill < kills; kill++) {
      const before = started();
      const [oldest] = workers;
      assert.ok(oldest !== undefined);
      await oldest.end();
      // A connection that waited to be taken dies with the listener, so that a client may fail once for each death.
      most += running.length;
      while (started() === before || (await server.reports()).length < 2) await more(running, 5);
    }
  });
  const failed = clients.flatMap(({ failures }) => failures);
  assert.ok(
    failed.length > 0 && failed.length <= most,
    `${failed.length} of ${most}: ${[...new Set(failed)].join("; ")}`,
  );
  assert.ok(
    failed.every((each) => /ECONNRESET|socket hang up|EPIPE/.test(each)),
    failed.join("; "),
  );
  assert.ok(clients.reduce((sum, { answered }) => sum + answered, 0) > 1_000);
});

test("Server loses no request while a workload's file and settings change", async (t) => {
  const { server } = await start(t, configOf(2, "--workers=2"));
  const clients = await underLoad(server, "/w0", async (running) => {
    for (let round = 1; round <= 12; round++) {
      utimesSync(join(folder, "w0.wasm"), round, round);
      const { changed } = await server.reload(
        configOf(2, "--workers=2", ...(round % 3 === 0 ? ["--isolation=reuse"] : [])),
      );
      assert.ok(changed.includes("w0"));
      await more(running, 10);
    }
  });
  assert.deepEqual(
    clients.flatMap(({ failures }) => failures),
    [],
  );
});

for (const cordon of ["thread", "process"])
  test(`Server loses no request while a workload in a ${cordon} of its own is replaced`, async (t) => {
    const config = (): ServeConfig => configOf(1, "--workers=1", `--cordon=${cordon}`);
    const { server } = await start(t, config());
    const clients = await underLoad(server, "/w0", async (running) => {
      for (let round = 1; round <= 3; round++) {
        utimesSync(join(folder, "w0.wasm"), round + 100, round);
        assert.deepEqual((await server.reload(config())).changed, ["w0"]);
        await more(running, 10);
      }
    });
    assert.deepEqual(
      clients.flatMap(({ failures }) => failures),
      [],
    );
  });

for (const cordon of ["thread", "process"])
  test(`Server ends an idle workload's ${cordon}, starts it with the next request, and loses none meanwhile`, async (t) => {
    const { server, workers, started } = await start(
      t,
      configOf(1, "--workers=2", `--cordon=${cordon}`, "--idle=20ms"),
    );
    for (let round = 1; round <= 3; round++) {
      while (workers.size > 2) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(started(), 2 + round);
      const clients = await underLoad(server, "/w0", (running) => more(running, 3));
      assert.deepEqual(
        clients.flatMap(({ failures }) => failures),
        [],
      );
      // It may have gone to zero in between, where the machine is slow.
      if (started() !== 3 + round) break;
    }
  });

test("Server holds 1,000 workloads at zero in little more than what 10 take", async (t) => {
  for (let at = 0; at < 1_000; at++) writeFileSync(join(folder, `w${at}.wasm`), bytes);
  const { server } = await start(t, configOf(10, "--workers=2"));
  await underLoad(server, "/w9", () => Promise.resolve());
  const before = process.memoryUsage().rss;
  await server.reload(configOf(1_000, "--workers=2"));
  await underLoad(server, "/w999", () => Promise.resolve());
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grown < 150, `${grown.toFixed(1)} MiB`);
  const [report] = await server.reports();
  assert.equal(report?.workloads.length, 1_000);
  assert.ok((report?.workloads.filter(({ state }) => state === "zero").length ?? 0) >= 998);
});
