import { errnoTable, failure } from "../../base/index.ts";
import type { Socket, SocketOption } from "../../host/index.ts";
import { call } from "../bind.ts";
import type { GuestMemory } from "../memory.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { fd, pointer, type Room, room, u32 } from "../preview1-types.ts";
import { socketOf } from "../socket-calls.ts";
import { kindNames, named } from "./types.ts";

/**
 * What a value is in a guest's memory: a number of 32 bits; a time, seconds and microseconds of 64 bits each; a linger, a switch
 * and seconds of 32 bits each; or a name.
 */
type Form = "number" | "time" | "linger" | "name";

const socketLevel = 0;

/** Options by their numbers; `type` and `error` are what a socket is, and none of its options. */
const options: readonly (readonly [option: SocketOption | "type" | "error", form: Form])[] = [
  ["reuseAddress", "number"],
  ["type", "number"],
  ["error", "number"],
  ["dontRoute", "number"],
  ["broadcast", "number"],
  ["sendBuffer", "number"],
  ["receiveBuffer", "number"],
  ["keepAlive", "number"],
  ["outOfBandInline", "number"],
  ["linger", "linger"],
  ["receiveLowWater", "number"],
  ["receiveTimeout", "time"],
  ["sendTimeout", "time"],
  ["acceptsConnections", "number"],
  ["bindToDevice", "name"],
];

const optionNames = options.map(([option]) => option);
const sizes: Readonly<Record<Form, number>> = { number: 4, time: 16, linger: 8, name: 0 };

/** Go's package hands over the length itself where its pointer belongs, at an address where no program has a variable. */
const lengthByItself = 4;

function optionOf(level: number, number: number): (typeof options)[number] {
  const found = options[number];
  if (level !== socketLevel || found === undefined) throw failure("noprotoopt");
  return found;
}

function valueOf(socket: Socket, option: (typeof options)[number][0]): number {
  if (option === "type") return kindNames.indexOf(socket.kind);
  if (option !== "error") return socket.getOption(option);
  const error = socket.takeError();
  return error === undefined ? 0 : errnoTable[error.errno].preview1;
}

function writeValue(memory: GuestMemory, at: number, { form, value }: { form: Form; value: number }): void {
  if (form === "number") memory.setU32(at, value);
  if (form === "linger") {
    memory.setU32(at, value < 0 ? 0 : 1);
    memory.setU32(at + 4, Math.max(0, value));
  }
  if (form === "time") {
    memory.setU64(at, BigInt(Math.trunc(value / 1000)));
    memory.setU64(at + 8, BigInt((value % 1000) * 1000));
  }
}

function readValue(memory: GuestMemory, { at, length }: Room, form: Form): number {
  if (length < sizes[form]) throw failure("inval");
  memory.check(at, length);
  if (form === "number") return memory.getU32(at) | 0;
  if (form === "linger") return memory.getU32(at) === 0 ? -1 : memory.getU32(at + 4);
  if (form === "name") return length;
  const [seconds, microseconds] = [memory.getU64(at), memory.getU64(at + 8)];
  if (seconds > 1_000_000_000n || microseconds >= 1_000_000n) throw failure("dom");
  // A time that is not none stays one: it is rounded up.
  return Number(seconds) * 1000 + Math.ceil(Number(microseconds) / 1000);
}

/** `sock_getsockopt`, the same in both versions. */
export const getOptionCall = call(
  {
    effect: "The value of an option of a socket; an error that came up meanwhile is told once.",
    errors: ["badf", "fault", "inval", "noprotoopt", "notsock"],
    instead: "The name of a device is empty: sockets are bound to none.",
  },
  {
    params: [
      ["fd", fd],
      ["level", u32],
      ["name", named(optionNames)],
      ["value", pointer],
      ["len", pointer],
    ],
    run(context: Preview1Context, number, level, name, at, lengthAt) {
      const { memory } = context;
      const socket = socketOf(context, number);
      const [option, form] = optionOf(level, name);
      const size = sizes[form];
      const tellsLength = lengthAt !== lengthByItself;
      if ((tellsLength ? memory.getU32(lengthAt) : lengthByItself) < size) throw failure("inval");
      memory.check(at, size);
      writeValue(memory, at, { form, value: valueOf(socket, option) });
      if (tellsLength) memory.setU32(lengthAt, size);
    },
  },
);

/** `sock_setsockopt`, the same in both versions. */
export const setOptionCall = call(
  {
    effect: "Sets an option of a socket.",
    errors: ["badf", "dom", "fault", "inval", "noprotoopt", "notsock", "perm"],
    instead:
      "Sizes of buffers, low-water marks, routing and out-of-band data are kept and answered, and change nothing.",
  },
  {
    params: [
      ["fd", fd],
      ["level", u32],
      ["name", named(optionNames)],
      ["value", room],
    ],
    run(context: Preview1Context, number, level, name, value) {
      const socket = socketOf(context, number);
      const [option, form] = optionOf(level, name);
      if (option === "type" || option === "error") throw failure("noprotoopt");
      socket.setOption(option, readValue(context.memory, value, form));
    },
  },
);
