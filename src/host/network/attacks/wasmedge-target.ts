import { type CallRow, callsNamed, planCalls, Preview1Context } from "../../../abi/index.ts";
import { type Errno, errnoTable } from "../../../base/index.ts";
import { parseAddress } from "../../../capabilities/index.ts";
import { HostWorkload } from "../../workload.ts";
import type { InternetAddress } from "../backend.ts";
import { netGrants } from "../network-fixture.ts";
import type { Target, TargetParts } from "./target.ts";
import type { Answer } from "./world.ts";

type Call = (...core: readonly number[]) => number | Promise<number>;

const names =
  "sock_open sock_bind sock_listen sock_connect sock_accept sock_send sock_send_to sock_getaddrinfo fd_close fd_fdstat_set_flags".split(
    " ",
  );
const errnoNames = new Map(
  Object.entries(errnoTable).map(([name, { preview1 }]) => [preview1 as number, name as Errno]),
);
/** Where the memory's part for what is sent begins. */
const payload = 0x2_0000;

/** A guest's memory and its calls, bound for JavaScript to call. */
class Guest {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #calls = new Map<string, Call>();
  readonly #close: () => void;
  #next = 16;

  constructor({ world, flags, limits }: TargetParts) {
    const workload = new HostWorkload(netGrants(flags), { network: world.network, limits, waits: "suspend" });
    const host = workload.createInstance();
    const memory = new WebAssembly.Memory({ initial: 4 });
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    const end = (outcome: unknown): never => {
      throw new Error("The guest was ended", { cause: outcome });
    };
    const context = new Preview1Context({ host, args: [], end });
    context.memory.attach(memory);
    const rows = names.map((name) => [name, first(callsNamed("wasi_snapshot_preview1", name))] as const);
    const bound = planCalls(rows, { mode: "answer" })(context);
    for (const [index, name] of names.entries()) this.#calls.set(name, bound[index] as unknown as Call);
    this.#close = () => {
      host.close();
      workload.close();
    };
  }

  /** Calls; what was put into the memory before is forgotten afterwards. */
  async call(name: string, ...args: readonly (number | readonly number[])[]): Promise<Answer> {
    const number = (await this.#calls.get(name)?.(...args.flat())) ?? -1;
    this.#next = 16;
    return number === 0 ? "ok" : (errnoNames.get(number) ?? "io");
  }

  /** Room in the memory, of zeros. */
  place(length: number): number {
    const at = this.#next;
    this.#next = (at + length + 7) & ~7;
    this.bytes.fill(0, at, this.#next);
    return at;
  }

  put(bytes: Uint8Array): number {
    const at = this.place(bytes.length);
    this.bytes.set(bytes, at);
    return at;
  }

  text(text: string): [number, number] {
    const bytes = new TextEncoder().encode(text);
    return [this.put(bytes), bytes.length];
  }

  /** An address record and the port. */
  address(to: InternetAddress): [number, number] {
    const bytes = bytesOf(to);
    return [this.put(words(this.put(bytes), bytes.length)), to.port];
  }

  close(): void {
    this.#close();
  }
}

function first(rows: readonly CallRow<Preview1Context>[]): CallRow<Preview1Context> {
  const [row] = rows;
  if (row === undefined) throw new TypeError("There is no such call");
  return row;
}

function bytesOf({ family, address }: InternetAddress): Uint8Array {
  const parsed = parseAddress(address);
  const isWrapped = family === "ipv6" && parsed?.family === 4;
  let bits = (parsed?.bits ?? 0n) | (isWrapped ? 0xffffn << 32n : 0n);
  const bytes = new Uint8Array(family === "ipv4" ? 4 : 16);
  for (let at = bytes.length - 1; at >= 0; at--, bits >>= 8n) bytes[at] = Number(bits & 255n);
  return bytes;
}

/** A guest of WasmEdge's calls. */
export function wasmedgeTarget(parts: TargetParts): Target {
  const guest = new Guest(parts);
  return {
    open: async (family, kind) => {
      const out = guest.place(4);
      const answer = await guest.call("sock_open", family === "ipv4" ? 1 : 2, kind === "stream" ? 2 : 1, out);
      if (answer !== "ok") throw new Error(`A socket could not be opened: ${answer}`);
      const fd = guest.view.getUint32(out, true);
      await guest.call("fd_fdstat_set_flags", fd, 4);
      return fd;
    },
    bind: (fd, at) => guest.call("sock_bind", fd, guest.address(at)),
    listen: (fd) => guest.call("sock_listen", fd, 8),
    connect: (fd, to) => guest.call("sock_connect", fd, guest.address(to)),
    accept: async (fd) => {
      const out = guest.place(4);
      const answer = await guest.call("sock_accept", fd, 4, out);
      return answer === "ok" ? guest.view.getUint32(out, true) : answer;
    },
    send: (fd, length, to) => {
      const pieces = [guest.put(words(payload, length)), 1];
      const n = guest.place(4);
      if (to === undefined) return guest.call("sock_send", fd, pieces, 0, n);
      return guest.call("sock_send_to", fd, pieces, guest.address(to), 0, n);
    },
    resolve: (name) => resolve(guest, name),
    close: (fd) => guest.call("fd_close", fd),
    dispose: () => guest.close(),
  };
}

async function resolve(guest: Guest, name: string): Promise<readonly string[]> {
  const most = 4;
  const records = Array.from({ length: most }, () => ({
    at: guest.place(28),
    address: guest.place(12),
    data: guest.place(18),
  }));
  for (const [index, each] of records.entries()) {
    guest.bytes.set(words(0, 0, 0, each.address, 0, 0, records[index + 1]?.at ?? 0), each.at);
    guest.bytes.set(words(0, 0, each.data), each.address);
  }
  const list = guest.put(words(records[0]?.at ?? 0));
  const hints = guest.put(new Uint8Array(28).fill(2, 3, 4));
  const n = guest.place(4);
  const answer = await guest.call("sock_getaddrinfo", guest.text(name), guest.text("80"), hints, list, most, n);
  if (answer !== "ok") return [];
  return records
    .slice(0, guest.view.getUint32(n, true))
    .map(({ at, data }) => shown(guest, guest.bytes[at + 2] === 1, data + 2));
}

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function shown({ bytes, view }: Guest, isIpv4: boolean, data: number): string {
  if (isIpv4) return bytes.subarray(data, data + 4).join(".");
  return Array.from({ length: 8 }, (_, index) => view.getUint16(data + index * 2).toString(16)).join(":");
}
