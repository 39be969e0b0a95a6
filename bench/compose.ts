import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { best, command, median, type Row, timeCommand } from "./measure.ts";
import { sampan, wasmGuest } from "./tools.ts";

const rounds = 3;
const copies = 50;
const root = fileURLToPath(new URL("..", import.meta.url));
const orders = join(root, "examples", "orders");

/** What projects cost: many services, one that crashes, the example from its start to the first order. */
export async function benchCompose(): Promise<Row[]> {
  const world = new World();
  try {
    world.write("name: bench\nservices:\n  warm: { image: ./small.wasm, command: [exit, '0'] }\n");
    copyFileSync(await wasmGuest("small-service"), join(world.folder, "small.wasm"));
    world.sampan("up");
    world.sampan("down");
    return [...(await many(world)), await ownPart(world), ...(await firstOrder(world))];
  } finally {
    world.sampan("down", "-v");
    rmSync(world.folder, { recursive: true, force: true });
  }
}

/** A folder with a project, and with state that is no user's. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), "sampan-b-"));
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    const run = join(this.folder, "run");
    mkdirSync(run, { mode: 0o700 });
    this.env = { XDG_STATE_HOME: join(this.folder, "state"), XDG_RUNTIME_DIR: run };
  }

  write(text: string): void {
    writeFileSync(join(this.folder, "compose.yaml"), text);
  }

  /** What a command prints about the project. */
  sampan(...args: readonly string[]): string {
    return command(sampan, [...args, "--file", join(this.folder, "compose.yaml")], { env: this.env }).stdout;
  }

  /** Bytes of the engine process that are in memory. */
  resident(): number {
    const run = join(this.env["XDG_RUNTIME_DIR"] ?? "", "sampan");
    const engine = readdirSync(run).find((name) => name.startsWith("engine-")) ?? "";
    const holder = readdirSync(join(run, engine)).find((name) => name.startsWith("holder.")) ?? "";
    const status = readFileSync(`/proc/${holder.split(".")[1]}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  /** The ports of this machine at which instances answer. */
  ports(): number[] {
    const lines = this.sampan("ps", "--json").trim().split("\n");
    return lines.flatMap((line) => {
      const row = JSON.parse(line) as { readonly Publishers: readonly { readonly PublishedPort: number }[] };
      return row.Publishers.map(({ PublishedPort }) => PublishedPort);
    });
  }
}

/** Asks again and again until there is an answer that is wanted. */
async function answered(url: string, init: RequestInit = {}): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    try {
      const response = await fetch(url, init);
      await response.arrayBuffer();
      if (response.ok) return;
    } catch {
      // Nobody listens yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${url} does not answer`);
}

async function many(world: World): Promise<Row[]> {
  const up = async (count: number): Promise<number> => {
    world.write(
      `name: bench\nservices:\n  web: { image: ./small.wasm, command: [serve, "8080"], ports: ["127.0.0.1::8080"], restart: always, scale: ${count} }\n`,
    );
    const start = performance.now();
    world.sampan("up", "-d");
    await Promise.all(world.ports().map((port) => answered(`http://127.0.0.1:${port}/`)));
    return performance.now() - start;
  };
  const [times, floors, sizes, least, restarts, answers]: number[][] = [[], [], [], [], [], []];
  for (let round = 0; round < rounds; round++) {
    floors?.push(await up(1));
    least?.push(world.resident() / 1e6);
    world.sampan("down");
    times?.push(await up(copies));
    sizes?.push(world.resident() / 1e6);
    // Each crashes once: the wait before a restart grows with each further one.
    for (const port of world.ports().slice(0, 5)) {
      const url = `http://127.0.0.1:${port}`;
      const before = performance.now();
      await answered(`${url}/`);
      const start = performance.now();
      await fetch(`${url}/crash`).catch(() => {});
      await answered(`${url}/`);
      answers?.push(start - before);
      restarts?.push(performance.now() - start);
    }
    world.sampan("down");
  }
  const [one, fifty] = [best(floors ?? []), best(times ?? [])];
  return [
    {
      what: `up -d of ${copies} copies of a small service, until ps has told the ports and all have answered`,
      unit: "ms",
      value: fifty,
      floor: one,
      floorName: "of one copy",
      goal: { value: 2_000 },
    },
    {
      what: `memory of the engine process with ${copies} copies that have answered`,
      unit: "MB",
      value: best(sizes ?? []),
      floor: best(least ?? []),
      floorName: "with one",
      goal: { value: 400 },
    },
    {
      what: "from a request that crashes a service to its next answer",
      unit: "ms",
      value: median(restarts ?? []),
      floor: median(answers ?? []),
      floorName: "an answer",
      goal: { value: 50 },
    },
  ];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function stopped(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** `up` in the foreground of one service without a database, beyond what Node.js takes to start. */
async function ownPart(world: World): Promise<Row> {
  const port = await freePort();
  world.write(
    `name: bench\nservices:\n  web: { image: ./small.wasm, command: [serve, "8080"], ports: ["127.0.0.1:${port}:8080"] }\n`,
  );
  const [times, floors]: [number[], number[]] = [[], []];
  for (let round = 0; round < 2 * rounds; round++) {
    floors.push(timeCommand(process.execPath, ["-e", "0"]));
    const start = performance.now();
    const child = spawn(sampan, ["up", "--rm", "--file", join(world.folder, "compose.yaml")], {
      env: { ...process.env, ...world.env },
      stdio: "ignore",
    });
    await answered(`http://127.0.0.1:${port}/`);
    times.push(performance.now() - start);
    await stopped(child);
  }
  const floor = best(floors);
  const what = "up of one small service to its first answer, beyond the start of Node.js";
  return { what, unit: "ms", value: best(times) - floor, floor, floorName: "node -e 0", goal: { value: 150 } };
}

/** `npm start` without npm, to the first order that is stored. */
async function firstOrder(world: World): Promise<Row[]> {
  const port = await freePort();
  const env = { ...process.env, ...world.env, ORDERS_PORT: String(port) };
  const oneStart = async (): Promise<number> => {
    const start = performance.now();
    const child = spawn(process.execPath, [join(root, "setup", "run.js"), join(orders, "start.ts")], {
      env,
      stdio: "ignore",
    });
    await answered(`http://127.0.0.1:${port}/api/orders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ customer: "Bench", item: "A sampan", quantity: 1 }),
    });
    const time = performance.now() - start;
    await stopped(child);
    return time;
  };
  const [made, there, floors]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    floors.push(timeCommand(process.execPath, ["-e", "0"]));
    made.push(await oneStart());
    there.push(await oneStart());
    command(sampan, ["down", "-v", "--file", join(orders, "compose.yaml")], { env });
  }
  const floor = { floor: best(floors), floorName: "node -e 0", unit: "ms" } as const;
  return [
    {
      ...floor,
      what: "npm start to the first order stored, its database made",
      value: best(made),
      goal: { value: 5_000 },
    },
    {
      ...floor,
      what: "npm start to the first order stored, its database there",
      value: best(there),
      goal: { value: 1_500 },
    },
  ];
}
