import { handlerComponent } from "../guests/http-handler.ts";
import { Engine, type FreshComponent, type FreshComponentOptions, type IncomingExchange } from "../src/engine/index.ts";
import { best, command, type Row, type Skipped } from "./measure.ts";

/** Requests of one round. */
const batch = 1_024;
const rounds = 30;
const flag = "--expose-internals";
/** Pages of 64 KiB, as a program in Rust begins with. */
const pages = 17;
/** Gives up the request, writes two pages of the system's, and answers with a new response of new fields. */
const drop = [0x20, 0, 0x10, 3];
const write = [0x41, 0, 0x41, 1, 0x36, 2, 0, 0x41, 0x80, 0x80, 0x28, 0x41, 1, 0x36, 2, 0];
const answer = [0x20, 1, 0x41, 0, 0x10, 0, 0x10, 1, 0x10, 2];
const handle = [...drop, ...write, ...answer];

/** What an instance's use costs that answers one request: its calls are part of each figure. */
export async function benchFreshComponent(): Promise<(Row | Skipped)[]> {
  // The launcher starts Sampan with this flag, which makes native calls quicker.
  if (!process.execArgv.includes(flag)) {
    return JSON.parse(command(process.execPath, [flag, import.meta.filename]).stdout) as (Row | Skipped)[];
  }
  await using engine = new Engine({ cache: false });
  const component = await engine.compileComponent(handlerComponent(handle, pages), { restore: true });
  const timeOf = async (options: FreshComponentOptions): Promise<{ µs: number; how: string }> => {
    const fresh = await engine.freshComponent(component, options);
    const how = fresh.mechanism;
    const µs = best(await timeRounds(fresh, how === "new" && options.isolation !== "reuse" ? 32 : batch));
    fresh.close();
    return { µs, how };
  };
  const reused = await timeOf({ isolation: "reuse" });
  const request = await timeOf({});
  const made = await timeOf({ mechanism: "new" });
  const empty = timeEmpty();
  const what = "a request to a component with 1.1 MiB of memory";
  return [
    {
      what: `${what}, its instance reused`,
      unit: "µs",
      value: reused.µs,
      floor: empty,
      floorName: "a function that answers",
      goal: { value: 3 },
    },
    {
      what: `${what}, its instance as new (${request.how})`,
      unit: "µs",
      value: request.µs,
      floor: reused.µs,
      floorName: "reused",
      goal: { value: 10 },
    },
    {
      what: `${what}, a new instance`,
      unit: "µs",
      value: made.µs,
      floor: request.µs,
      floorName: "as new",
      goal: { ratio: 3, atLeast: true },
    },
  ];
}

let answers = 0;
const body = { close: () => {} };

/** A request by itself, and a server that only counts. */
function exchange(): IncomingExchange {
  return {
    request: { method: "GET", scheme: "http", authority: "localhost", path: "/", fields: [], body: body as never },
    inform: () => {},
    respond: () => void (answers += 1),
    fail: () => {},
  };
}

const now = (): number => Number(process.hrtime.bigint()) / 1e3;

async function timeRounds(fresh: FreshComponent, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = now();
    for (let i = 0; i < count; i++) await fresh.answer(exchange());
    times.push((now() - start) / count);
  }
  return times.slice(5);
}

/** The same requests, answered by a function. */
function timeEmpty(): number {
  const times: number[] = [];
  const run = (given: IncomingExchange): void => given.respond({ status: 200, fields: [] });
  for (let round = 0; round < rounds; round++) {
    const start = now();
    for (let i = 0; i < batch; i++) run(exchange());
    times.push((now() - start) / batch);
  }
  return best(times.slice(5));
}

if (import.meta.main) {
  const rows = await benchFreshComponent();
  if (answers === 0) throw new Error("No request was answered");
  process.stdout.write(JSON.stringify(rows));
}
