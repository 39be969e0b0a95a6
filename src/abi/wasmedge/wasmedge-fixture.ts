import assert from "node:assert/strict";
import type { HostOptions } from "../../host/index.ts";
import type { NamedRow } from "../bind.ts";
import { Loopback, loopbackGrants } from "../network-fixture.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { type Argument, Bench, type BenchOptions, testErrorsOf, u32 } from "../preview1/preview1-fixture.ts";
import { wasmedgeVersions } from "./index.ts";

/** The rows of WasmEdge's version 1 or 2, each name once. */
export function rowsOf(version: 1 | 2): NamedRow<Preview1Context>[] {
  return Object.entries(wasmedgeVersions).flatMap(([name, versions]): NamedRow<Preview1Context>[] => {
    // Version 2's `sock_accept` is preview 1's own.
    const row = name === "sock_accept" && version === 2 ? undefined : versions.at(version === 1 ? 0 : -1);
    return row === undefined ? [] : [[name, row]];
  });
}

/** A bench of one version, on loopback. */
export async function withSockets(
  {
    version,
    network,
    ...options
  }: BenchOptions & { version: 1 | 2; network?: Partial<NonNullable<HostOptions["network"]>> },
  use: (bench: SocketBench) => Promise<void>,
): Promise<void> {
  const bench = new SocketBench(version, {
    ...options,
    host: { ...options.host, network: { ...new Loopback().network, ...network } },
  });
  try {
    await use(bench);
  } finally {
    bench.close();
  }
}

/** A bench whose guest has WasmEdge's calls. */
export class SocketBench extends Bench {
  readonly version: 1 | 2;

  constructor(version: 1 | 2, options: BenchOptions) {
    super({ grants: loopbackGrants, ...options, mode: "async", rows: rowsOf(version) });
    this.version = version;
  }

  /** An address record with these bytes. */
  address(...bytes: readonly number[]): number {
    return this.record(this.put(Uint8Array.from(bytes)), bytes.length);
  }

  /** An address record for a result of so many bytes: its own address, and that of the bytes. */
  addressRoom(length: number): [record: number, at: number] {
    const at = this.place(length);
    return [this.record(at, length), at];
  }

  record(at: number, length: number): number {
    return this.put(u32(at, length));
  }

  /** Calls what has to succeed, and answers the number behind its last pointer; checks and traces are forgotten. */
  async number(name: string, ...args: readonly Argument[]): Promise<number> {
    const out = this.place(4);
    assert.equal(await this.callAsync(name, ...args, out), "success", name);
    const value = this.view.getUint32(out, true);
    this.renew();
    return value;
  }

  /** Calls what has to succeed and gives no number. */
  async does(name: string, ...args: readonly Argument[]): Promise<void> {
    assert.equal(await this.callAsync(name, ...args), "success", name);
    this.renew();
  }

  /** A listening socket of IPv4 and its port. */
  async listener(): Promise<{ fd: number; port: number }> {
    const fd = await this.number("sock_open", 1, 2);
    await this.does("sock_bind", fd, this.address(127, 0, 0, 1), 0);
    await this.does("sock_listen", fd, 16);
    return { fd, port: await this.portOf(fd) };
  }

  /** The port that a socket has. */
  portOf(fd: number): Promise<number> {
    const [record] = this.addressRoom(this.version === 1 ? 16 : 128);
    const type = this.version === 1 ? [this.place(4)] : [];
    return this.number("sock_getlocaladdr", fd, record, ...type);
  }

  /** Two sockets that are connected to each other. */
  async pair(): Promise<{ client: number; server: number; port: number }> {
    const { fd, port } = await this.listener();
    const client = await this.number("sock_open", 1, 2);
    await this.does("sock_connect", client, this.address(127, 0, 0, 1), port);
    const server = await this.number("sock_accept", fd, ...(this.version === 1 ? [] : [0]));
    return { client, server, port };
  }
}

/** The calls that each test file answers for; every call stands in one of the lists. */
export const filesOfCalls: Readonly<Record<string, readonly string[]>> = {
  "connections.test.ts": [
    "sock_open",
    "sock_bind",
    "sock_listen",
    "sock_connect",
    "sock_accept",
    "sock_getlocaladdr",
    "sock_getpeeraddr",
  ],
  "messages.test.ts": ["sock_recv_from", "sock_send_to"],
  "options.test.ts": ["sock_getsockopt", "sock_setsockopt"],
  "names.test.ts": ["sock_getaddrinfo"],
};

/** As a file's last test: each error that the docs list for its calls was answered in a test before. */
export function testErrors(file: string): void {
  const names = filesOfCalls[file] ?? assert.fail(`${file} answers for no call`);
  const rows = names.flatMap((name) =>
    (wasmedgeVersions[name] ?? assert.fail(name)).map((row) => [name, row] as const),
  );
  testErrorsOf(file, () => rows);
}
