import type { Socket } from "../../host/index.ts";
import { WasiError } from "./errors.ts";

const second = 1_000_000_000n;
/** What Linux has for connections that keep alive. */
const initial = { keepAliveIdleTime: 7200n * second, keepAliveInterval: 75n * second, keepAliveCount: 9, hopLimit: 64 };
const mostBuffer = 0x7fff_ffffn;

/**
 * Options of a socket, as `wasi:sockets` has them. Whether a connection is kept alive is the system's business; times, counts, hop
 * limits and sizes of buffers are kept and answered, and change nothing.
 */
export class SocketOptions {
  readonly #socket: Socket;
  readonly #kept = { ...initial };

  /** `from` is the listener whose options an accepted connection takes over. */
  constructor(socket: Socket, from?: SocketOptions) {
    this.#socket = socket;
    if (from === undefined) return;
    this.#kept = { ...from.#kept };
    if (from.keepAlive) this.keepAlive = true;
    for (const option of ["receiveBuffer", "sendBuffer"] as const)
      socket.setOption(option, from.#socket.getOption(option));
  }

  get keepAlive(): boolean {
    return this.#socket.getOption("keepAlive") !== 0;
  }

  set keepAlive(isOn: boolean) {
    this.#socket.setOption("keepAlive", isOn ? 1 : 0);
  }

  /** Nanoseconds, counts and hops by their names. */
  get<K extends keyof typeof initial>(option: K): (typeof initial)[K] {
    return this.#kept[option];
  }

  /** @throws WasiError invalid-argument for none */
  set<K extends keyof typeof initial>(option: K, value: (typeof initial)[K]): void {
    if (value === 0 || value === 0n) throw new WasiError("invalid-argument");
    this.#kept[option] = value;
  }

  /** Bytes. */
  getBuffer(option: "receiveBuffer" | "sendBuffer"): bigint {
    return BigInt(this.#socket.getOption(option));
  }

  /** @throws WasiError invalid-argument for none */
  setBuffer(option: "receiveBuffer" | "sendBuffer", value: bigint): void {
    if (value === 0n) throw new WasiError("invalid-argument");
    this.#socket.setOption(option, Number(value < mostBuffer ? value : mostBuffer));
  }
}
