import { failure } from "../../base/index.ts";
import { GuestEnd } from "../../host/index.ts";
import { call, type CallTable } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { clockId, clockOf, pointer, resultPair, resultU64, room, u32, u64 } from "../preview1-types.ts";

/** Writes NUL-terminated strings one behind the other, and a table of where each begins. */
function writeStrings(
  { memory }: Preview1Context,
  strings: readonly Uint8Array[],
  table: number,
  buffer: number,
): void {
  let at = buffer;
  for (const [index, bytes] of strings.entries()) {
    memory.setU32(table + index * 4, at);
    memory.setBytes(at, bytes);
    at += bytes.length;
  }
}

function sizes(strings: readonly Uint8Array[]): readonly [number, number] {
  return [strings.length, strings.reduce((sum, bytes) => sum + bytes.length, 0)];
}

/** Arguments, environment, clocks, randomness and the end of the process. */
export const processCalls = {
  args_sizes_get: call(
    { effect: "How many arguments there are, and their bytes.", errors: ["fault"] },
    { params: [], result: resultPair, run: (context: Preview1Context) => sizes(context.args) },
  ),
  args_get: call(
    { effect: "Copies the arguments, each ended by NUL.", errors: ["fault"] },
    {
      params: [
        ["argv", pointer],
        ["argv_buf", pointer],
      ],
      run: (context: Preview1Context, table, buffer) => writeStrings(context, context.args, table, buffer),
    },
  ),
  environ_sizes_get: call(
    { effect: "How many granted environment variables there are, and their bytes.", errors: ["fault"] },
    { params: [], result: resultPair, run: (context: Preview1Context) => sizes(context.environment) },
  ),
  environ_get: call(
    { effect: "Copies the granted environment as `NAME=value`.", errors: ["fault"] },
    {
      params: [
        ["environ", pointer],
        ["environ_buf", pointer],
      ],
      run: (context: Preview1Context, table, buffer) => writeStrings(context, context.environment, table, buffer),
    },
  ),
  clock_res_get: call(
    {
      effect: "The step of a clock in nanoseconds; 1 ms where the clock is granted as coarse.",
      errors: ["inval", "perm"],
    },
    {
      params: [["id", clockId]],
      result: resultU64,
      run: (context: Preview1Context, id) => context.host.clocks.resolution(clockOf(id)),
    },
  ),
  clock_time_get: call(
    { effect: "The time of a clock in nanoseconds, exact whatever precision is asked for.", errors: ["inval", "perm"] },
    {
      params: [
        ["id", clockId],
        ["precision", u64],
      ],
      result: resultU64,
      run: (context: Preview1Context, id) => context.host.clocks.now(clockOf(id)),
    },
  ),
  random_get: call(
    { effect: "Fills the buffer with randomness of the system, or of the granted seed.", errors: ["fault", "perm"] },
    {
      params: [["buf", room]],
      run: (context: Preview1Context, { at, length }) => context.host.random.fill(context.memory.slice(at, length)),
    },
  ),
  sched_yield: call(
    {
      effect: "Lets others run.",
      errors: [],
      instead: "A guest has no neighbour in its thread to yield to while it is bound sync: it returns at once.",
    },
    { params: [], mayWait: true, run: (context: Preview1Context) => context.host.yield() },
  ),
  proc_exit: call(
    { effect: "Ends the guest with the code; nothing of the guest runs any more, no `catch_all` either.", errors: [] },
    {
      params: [["code", u32]],
      endsGuest: true,
      run(_context: Preview1Context, code): void {
        throw new GuestEnd({ kind: "exit", code });
      },
    },
  ),
  proc_raise: call(
    {
      effect:
        "Ends the guest as the signal would: exit status 128 + its number; signals that a system ignores do nothing.",
      errors: ["inval", "notsup"],
      instead: "Signals that stop or continue a process answer notsup.",
    },
    {
      params: [["sig", u32]],
      run(_context: Preview1Context, signal): void {
        if (signal === 0 || ignoredSignals.has(signal)) return;
        const number = signalNumbers[signal];
        if (number === undefined) throw failure(signal < signalCount ? "notsup" : "inval");
        throw new GuestEnd({ kind: "signal", signal: number });
      },
    },
  ),
} satisfies CallTable<Preview1Context>;

/** Preview 1 has 31 signal numbers, 0 among them. */
const signalCount = 31;
/** chld, urg and winch: a process that does not ask for them never notices. */
const ignoredSignals = new Set([16, 22, 27]);

/** Linux's number of each preview 1 signal that ends a process (preview 1, "signal"). */
const signalNumbers: Readonly<Record<number, number>> = {
  1: 1,
  2: 2,
  3: 3,
  4: 4,
  5: 5,
  6: 6,
  7: 7,
  8: 8,
  9: 9,
  10: 10,
  11: 11,
  12: 12,
  13: 13,
  14: 14,
  15: 15,
  23: 24,
  24: 25,
  25: 26,
  26: 27,
  28: 29,
  29: 30,
  30: 31,
};
