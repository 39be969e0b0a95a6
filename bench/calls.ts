import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { defaultGrants } from "../src/capabilities/index.ts";
import { compileGuest, Guest } from "../src/engine/index.ts";
import { HostWorkload } from "../src/host/index.ts";
import { command, median, type Row } from "./measure.ts";
import { sampan, wasmGuest } from "./tools.ts";

const rounds = 5;
const writes = 1_000_000;

/** What a guest call costs: the clock, and writes of one byte. */
export async function benchCalls(): Promise<Row[]> {
  const clock = await wasmGuest("bench/clock-loop");
  const write = await wasmGuest("bench/write-loop");
  const told = median(repeat(() => Number(command(sampan, ["run", clock, "5000000"]).stdout)));
  const bareClock = median(repeat(timeHrtime));
  const sink = median(repeat(() => writeToMemory(write)));
  const sunk = openSync("/dev/null", "w");
  try {
    const written = median(
      repeat(() => Number(command(sampan, ["run", write, String(writes)], { stdout: sunk }).stderr)),
    );
    const bare = median(repeat(() => timeWriteSync(sunk)));
    return [
      row("clock_time_get", told, { floor: bareClock, floorName: "process.hrtime.bigint()", goal: { value: 60 } }),
      row("fd_write of 1 byte to a sink in memory", sink, {
        floor: bareClock,
        floorName: "process.hrtime.bigint()",
        goal: { value: 150 },
      }),
      row("fd_write of 1 byte to /dev/null", written, { floor: bare, floorName: "fs.writeSync", goal: { ratio: 1.6 } }),
    ];
  } finally {
    closeSync(sunk);
  }
}

function row(what: string, value: number, rest: Pick<Row, "floor" | "floorName" | "goal">): Row {
  return { what, unit: "ns", value, ...rest };
}

function repeat(run: () => number): number[] {
  return Array.from({ length: rounds }, run);
}

/** Nanoseconds of one write to a sink, by the guest's own clock. */
function writeToMemory(file: string): number {
  let report = "";
  let bytes = 0;
  const workload = new HostWorkload(defaultGrants, {
    stdio: {
      stdout: { write: (piece) => ((bytes += piece.length), piece.length), ready: () => true, close: () => {} },
      stderr: {
        write: (piece) => ((report += Buffer.from(piece).toString()), piece.length),
        ready: () => true,
        close: () => {},
      },
    },
  });
  const guest = new Guest(compileGuest(readFileSync(file)), {
    host: workload.createInstance(),
    args: ["write-loop", String(writes)],
  });
  guest.instantiate();
  guest.call("_start");
  guest.close();
  if (bytes !== writes) throw new Error(`The guest wrote ${bytes} bytes, wanted ${writes}`);
  return Number(report);
}

function timeHrtime(): number {
  const times = 2_000_000;
  const start = process.hrtime.bigint();
  let last = start;
  for (let i = 0; i < times; i++) last = process.hrtime.bigint();
  return Number(last - start) / times;
}

function timeWriteSync(fd: number): number {
  const byte = Buffer.from("x");
  const start = process.hrtime.bigint();
  for (let i = 0; i < writes; i++) writeSync(fd, byte, 0, 1);
  return Number(process.hrtime.bigint() - start) / writes;
}
