import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker, WorkerConfig } from "../protocol.ts";
import { RawClient } from "./front-fixture.ts";
import { handlerWorkload, workerConfig } from "./worker-fixture.ts";

const main = fileURLToPath(new URL("./worker-main.ts", import.meta.url));
const get = (path = "/"): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** A worker in a process of its own, which may have so many descriptors. */
class ServingProcess {
  readonly port: number;
  readonly #t: TestContext;
  readonly #child: ChildProcess;
  readonly #heard: FromWorker[];
  #reports = 0;

  private constructor(t: TestContext, child: ChildProcess, heard: FromWorker[], port: number) {
    this.#t = t;
    this.#child = child;
    this.#heard = heard;
    this.port = port;
  }

  static async start(t: TestContext, descriptors: number, config: Partial<WorkerConfig>): Promise<ServingProcess> {
    const script = `ulimit -n ${descriptors} && exec "$0" "$@"`;
    const args = ["-c", script, process.execPath, "--expose-internals", "--no-warnings", main];
    const child = spawn("sh", args, { stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    const message: ToWorker = { kind: "configure", config: workerConfig(config) };
    child.stdin.write(`${JSON.stringify(message)}\n`);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const heard: FromWorker[] = [];
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      const lines = (text + piece).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const said = JSON.parse(line) as FromWorker;
        heard.push(said);
        if (said.kind === "ready") resolve(said.address.port);
      }
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
    return new ServingProcess(t, child, heard, await promise);
  }

  open(): RawClient {
    const client = new RawClient(connect(this.port, "127.0.0.1"));
    this.#t.after(() => client.close());
    return client;
  }

  /** Resolves once something holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#turn();
  }

  /** Whether the operator was told this. */
  hasTold(text: string): boolean {
    return this.#heard.some(
      (said) => said.kind === "lines" && said.operator?.some((line) => line.includes(text)) === true,
    );
  }

  async connections(): Promise<number> {
    this.#reports += 1;
    const id = this.#reports;
    this.#child.stdin?.write(`${JSON.stringify({ kind: "report", id } satisfies ToWorker)}\n`);
    for (;;) {
      for (const said of this.#heard) if (said.kind === "report" && said.id === id) return said.report.connections;
      await this.#turn();
    }
  }

  #turn(): Promise<void> {
    assert.equal(this.#child.exitCode, null, "it has ended");
    return new Promise((resolve) => setImmediate(resolve));
  }
}

for (const front of ["auto", "node"] as const) {
  describe(`A serving process with the front "${front}"`, { skip: process.platform === "win32" }, () => {
    test("goes on answering while it has no descriptor left, and takes clients again afterwards", async (t) => {
      const spin = handlerWorkload(t, "spin", { limits: { deadline: 50, maxConcurrent: 10, maxQueue: 10 } });
      const workloads = [handlerWorkload(t, "answer"), spin];
      const server = await ServingProcess.start(t, 90, { front, workloads });
      const healthy = server.open();
      assert.equal((await healthy.ask(get())).status, 200);
      // All that it loads as it needs it is loaded then.
      assert.equal((await healthy.ask(get("/spin"))).status, 504);
      const others = Array.from({ length: 120 }, () => server.open());
      // Node's server takes connections that it has no descriptor for and closes them; ours lets them wait, and says so.
      if (front === "node") await server.until(() => others.some(({ isEnded }) => isEnded));
      else await server.until(() => server.hasTold("cannot take a connection"));
      for (let round = 0; round < 50; round++) assert.equal((await healthy.ask(get())).status, 200);
      for (const other of others) other.close();
      while ((await server.connections()) > 1);
      assert.equal((await server.open().ask(get())).status, 200);
      assert.equal((await healthy.ask(get())).status, 200);
    });

    test("answers 1,000 clients at once, half of which never send and some never read", async (t) => {
      const limits = { maxConcurrent: 2_000, maxQueue: 2_000 };
      const workloads = [handlerWorkload(t, "answer", { limits })];
      const server = await ServingProcess.start(t, 4_096, { front, workloads });
      const silent = Array.from({ length: 500 }, () => server.open());
      const asking = Array.from({ length: 480 }, () => server.open());
      const deaf = Array.from({ length: 20 }, () => server.open());
      for (const client of deaf) {
        client.socket.pause();
        client.send(get().repeat(200));
      }
      const replies = await Promise.all(asking.map((client) => client.ask(get())));
      assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
      assert.equal((await silent.at(-1)?.ask(get()))?.status, 200);
      assert.ok((await server.connections()) <= 1000);
      for (const client of [...silent, ...asking, ...deaf]) client.close();
      while ((await server.connections()) > 0);
    });
  });
}
