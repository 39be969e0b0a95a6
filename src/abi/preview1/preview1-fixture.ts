import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Errno, errnoTable } from "../../base/index.ts";
import { type AccessRequest, defaultGrants, type Grants } from "../../capabilities/index.ts";
import {
  createFileCalls,
  createWalkCalls,
  type FileCalls,
  type HostInstance,
  type HostOptions,
  HostWorkload,
} from "../../host/index.ts";
import { type BindMode, type NamedRow, planCalls } from "../bind.ts";
import { forward } from "../forwarder-fixture.ts";
import { type GuestOutcome, type GuestWaits, Preview1Context } from "../preview1-context.ts";
import { preview1, preview1Modules } from "./index.ts";
import { allRights, fdflags, oflags } from "../preview1-types.ts";

/** File calls that the tests run on. */
export interface Subject {
  readonly label: string;
  readonly calls: FileCalls;
  /** How far a time that is set may be off, in nanoseconds. */
  readonly timePrecision: bigint;
  readonly isNative: boolean;
}

const walk: Subject = { label: "walk", calls: createWalkCalls(), timePrecision: 1000n, isNative: false };
const best = createFileCalls();

/** The native calls where this system has them, and the walk. */
export const subjects: readonly Subject[] =
  best.name === "walk" ? [walk] : [{ label: best.name, calls: best, timePrecision: 0n, isNative: true }, walk];

/** What a bench is made with; its grants are the defaults and the folders `/w` and `/r`. */
export interface BenchOptions {
  readonly subject?: Subject;
  readonly abi?: keyof typeof preview1Modules;
  /** Calls that come before the ABI's own of the same names. */
  readonly rows?: readonly NamedRow<Preview1Context>[];
  readonly grants?: Partial<Grants>;
  readonly host?: Omit<HostOptions, "calls">;
  readonly args?: readonly string[];
  readonly memory?: WebAssembly.MemoryDescriptor;
  /** How it is bound: a bench that is bound async is called by {@link Bench.callAsync}. */
  readonly mode?: BindMode;
  readonly waits?: GuestWaits;
  /** Whether it has listening sockets from the start. */
  readonly listens?: boolean;
  /** Whether calls are traced, which they are by default. */
  readonly isTraced?: boolean;
  /** Where its folders are made; the system's temporary folder by default. */
  readonly base?: string;
}

/** A parameter of a call; a list stands for several, as a path's address and length. */
export type Argument = number | bigint | readonly number[];

/** What a call has to do, all at once. */
export interface Wanted {
  readonly errno?: Errno;
  /** The trace line; without it only its name and its error are looked at. */
  readonly line?: string | RegExp;
  /** Bytes that the call writes and where, or how many it may write; all others have to stay as they are. */
  readonly writes?: readonly (readonly [at: number, bytes: Uint8Array | number])[];
}

interface Checked {
  readonly before: { readonly lines: number; readonly expected: Uint8Array };
  readonly errno: Errno | "success";
  readonly wanted: Wanted;
}

const guard = 0xaa;
const outputs = 0x1_0000;
const gap = 16;
const produced = new Set<string>();
const encoder = new TextEncoder();

/** Standard streams that give and keep nothing, whatever this process was started with. */
const silence: NonNullable<HostOptions["stdio"]> = {
  stdin: { read: () => 0, ready: () => true, cancel: () => {} },
  stdout: { write: ({ length }) => length, ready: () => true, close: () => {} },
  stderr: { write: ({ length }) => length, ready: () => true, close: () => {} },
};

class Ended extends Error {}

/** A guest's memory and the calls bound to it: inputs lie in the first page, results in the second, guard bytes between. */
export class Bench {
  readonly memory: WebAssembly.Memory;
  readonly context: Preview1Context;
  readonly host: HostInstance;
  readonly lines: string[] = [];
  readonly refused: AccessRequest[] = [];
  /** The host's folder that holds `w` (granted as `/w`, descriptor 3) and `r` (granted read-only as `/r`, 4). */
  readonly folder: string;
  outcome: GuestOutcome | undefined;
  readonly #workload: HostWorkload;
  readonly #calls: Readonly<Record<string, (...core: (number | bigint)[]) => unknown>>;
  readonly #isTraced: boolean;
  #input = 0;
  #output = 0;

  constructor(options: BenchOptions = {}) {
    const { subject = walk, abi = "wasi_snapshot_preview1", args = ["guest"] } = options;
    this.folder = mkdtempSync(join(options.base ?? tmpdir(), "sampan-preview1-"));
    for (const name of ["w", "r"]) mkdirSync(join(this.folder, name));
    const files: Grants["files"] = [
      { host: this.at("w"), guest: "/w", access: "read-write" },
      { host: this.at("r"), guest: "/r", access: "read-only" },
    ];
    const observer = {
      isLearning: false,
      used: () => {},
      refused: (request: AccessRequest) => this.refused.push(request),
    };
    const grants = { ...defaultGrants, files, ...options.grants };
    const { mode = "sync" } = options;
    const waits = mode === "async" ? "suspend" : "block";
    this.#workload = new HostWorkload(grants, {
      observer,
      stdio: silence,
      waits,
      ...options.host,
      calls: subject.calls,
    });
    this.host = this.#workload.createInstance({ listens: options.listens ?? false });
    this.#isTraced = options.isTraced ?? true;
    this.memory = new WebAssembly.Memory(options.memory ?? { initial: 2 });
    const end = (outcome: GuestOutcome): never => this.#end(outcome);
    this.context = new Preview1Context({ host: this.host, args, end, waits: options.waits });
    this.context.memory.attach(this.memory);
    const trace = this.#isTraced ? (line: string) => void this.lines.push(line) : undefined;
    const rows = Object.values(
      Object.fromEntries<NamedRow<Preview1Context>>(
        [...Object.entries(preview1Modules[abi] ?? {}), ...(options.rows ?? [])].map((row) => [row[0], row]),
      ),
    );
    const bound = planCalls(rows, { mode, isTraced: this.#isTraced })(this.context, trace);
    const plain = Object.fromEntries(rows.map(([name], index) => [name, bound[index] as never]));
    this.#calls = mode === "async" ? forward(rows, bound) : plain;
    this.renew();
  }

  /** A path below the bench's folder on the host. */
  at(path: string): string {
    return join(this.folder, path);
  }

  write(path: string, content: string | Uint8Array = ""): void {
    writeFileSync(this.at(path), content);
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  link(target: string, path: string): void {
    symlinkSync(target, this.at(path));
  }

  close(): void {
    this.host.close();
    this.#workload.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** Fills the memory with guard bytes. */
  renew(): void {
    this.bytes.fill(guard);
    this.#input = gap;
    this.#output = outputs + gap;
  }

  /** Puts bytes into the input page and answers their address. */
  put(bytes: Uint8Array): number {
    const at = this.#input;
    this.#input = (at + bytes.length + gap + 7) & ~7;
    assert.ok(this.#input <= outputs, "the input page is full");
    this.bytes.set(bytes, at);
    return at;
  }

  /** A text as a call takes it: address and length. */
  text(text: string): [number, number] {
    const bytes = encoder.encode(text);
    return [this.put(bytes), bytes.length];
  }

  /** Room for a result. */
  place(length: number): number {
    const at = this.#output;
    this.#output = (at + length + gap + 7) & ~7;
    assert.ok(this.#output <= this.bytes.length, "the result page is full");
    return at;
  }

  /** An array of iovec records as a call takes it: address and count. */
  iovecs(...pieces: readonly (readonly [at: number, length: number])[]): [number, number] {
    return [this.put(new Uint8Array(new Uint32Array(pieces.flat()).buffer)), pieces.length];
  }

  /** The iovecs of texts to write. */
  pieces(...texts: readonly string[]): [number, number] {
    return this.iovecs(...texts.map((text) => this.text(text)));
  }

  /** Calls and answers the error's name, "success" for none; nothing is checked. */
  call(name: string, ...args: readonly Argument[]): Errno | "success" {
    return this.#errno(name, this.#entry(name)(...(args.flat() as (number | bigint)[])));
  }

  /** Calls from Wasm that may be suspended. */
  async callAsync(name: string, ...args: readonly Argument[]): Promise<Errno | "success"> {
    return this.#errno(name, await WebAssembly.promising(this.#entry(name))(...args.flat()));
  }

  #entry(name: string): (...core: (number | bigint)[]) => unknown {
    return this.#calls[name] ?? assert.fail(`${name} is bound`);
  }

  #errno(name: string, answer: unknown): Errno | "success" {
    const number = Number(answer);
    const errno = number === 0 ? "success" : (errnoNames.get(number) ?? assert.fail(`${name} answered ${number}`));
    produced.add(`${name} ${errno}`);
    return errno;
  }

  /** Calls, checks errno, memory and trace line, and answers the memory; then that is guard bytes again. */
  expect(name: string, args: readonly Argument[], wanted: Wanted = {}): DataView {
    const before = this.#look();
    return this.#check(name, { before, errno: this.call(name, ...args), wanted });
  }

  /** {@link expect} of a bench that is bound async; `during` is done while the call waits, if it does. */
  async expectAsync(
    name: string,
    args: readonly Argument[],
    { during, ...wanted }: Wanted & { readonly during?: () => unknown } = {},
  ): Promise<DataView> {
    const before = this.#look();
    const called = this.callAsync(name, ...args);
    await during?.();
    return this.#check(name, { before, errno: await called, wanted });
  }

  #look(): { lines: number; expected: Uint8Array } {
    return { lines: this.lines.length, expected: this.bytes.slice() };
  }

  #check(name: string, { before, errno, wanted }: Checked): DataView {
    const { lines, expected } = before;
    const actual = this.bytes.slice();
    assert.equal(errno, wanted.errno ?? "success", this.lines.at(-1) ?? name);
    for (const [at, bytes] of wanted.writes ?? []) {
      if (typeof bytes === "number") expected.set(actual.subarray(at, at + bytes), at);
      else expected.set(bytes, at);
    }
    if (Buffer.compare(expected, actual) !== 0) failAt(name, expected, actual);
    if (this.#isTraced) {
      assert.equal(this.lines.length, lines + 1, `${name} is traced once`);
      const line = this.lines.at(-1) ?? "";
      if (typeof wanted.line === "string") assert.equal(line, wanted.line);
      else assert.match(line, wanted.line ?? new RegExp(`^${name}\\(.*\\) -> ${wanted.errno ?? ""}`));
    }
    this.renew();
    return new DataView(actual.buffer);
  }

  /** Calls what ends the guest and answers how. */
  ending(name: string, ...args: readonly Argument[]): GuestOutcome | undefined {
    this.outcome = undefined;
    assert.throws(() => this.call(name, ...args), Ended);
    return this.outcome;
  }

  /** Opens a path with all rights and answers its descriptor. */
  open(
    path: string,
    how: { dir?: number; oflags?: number; rights?: bigint; fdflags?: number; follow?: boolean } = {},
  ): number {
    const out = this.place(4);
    const flags = [how.oflags ?? 0, how.rights ?? allRights, 0n, how.fdflags ?? 0] as const;
    const errno = this.call("path_open", how.dir ?? 3, how.follow === false ? 0 : 1, this.text(path), ...flags, out);
    assert.equal(errno, "success", path);
    const fd = this.view.getUint32(out, true);
    this.renew();
    return fd;
  }

  #end(outcome: GuestOutcome): never {
    if (outcome.kind === "bug") throw outcome.error;
    this.outcome = outcome;
    throw new Ended();
  }
}

const errnoNames = new Map(
  Object.entries(errnoTable).map(([name, { preview1: number }]) => [number as number, name as Errno]),
);

function failAt(name: string, expected: Uint8Array, actual: Uint8Array): never {
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  const part = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(at, at + 24)).toString("hex");
  assert.fail(`${name} left at 0x${at.toString(16)} ${part(actual)}, wanted ${part(expected)}`);
}

/** Flags by which a file is made for reading and writing. */
export const made = { oflags: oflags.creat } as const;
export const nonblocking = { fdflags: fdflags.nonblock } as const;

export function u32(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}

export function u64(...values: bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values).buffer);
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Runs a test on a bench that is closed afterwards. */
export function withBench(options: BenchOptions, use: (bench: Bench) => void): () => void {
  return () => {
    const bench = new Bench(options);
    try {
      use(bench);
    } finally {
      bench.close();
    }
  };
}

function calls(names: string): readonly string[] {
  return names.split(" ");
}

/** The calls that each test file answers for; every call stands in one of the lists. */
export const filesOfCalls: Readonly<Record<string, readonly string[]>> = {
  "process.test.ts": calls(
    "args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get random_get sched_yield proc_exit proc_raise",
  ),
  "streams.test.ts": calls("fd_read fd_write fd_pread fd_pwrite fd_seek fd_tell fd_advise fd_allocate"),
  "descriptors.test.ts": calls(
    "fd_close fd_renumber fd_datasync fd_sync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_prestat_get " +
      "fd_prestat_dir_name",
  ),
  "stat.test.ts": calls(
    "fd_filestat_get fd_filestat_set_size fd_filestat_set_times path_filestat_get path_filestat_set_times",
  ),
  "readdir.test.ts": calls("fd_readdir"),
  "open.test.ts": calls("path_open"),
  "paths.test.ts": calls("path_create_directory path_remove_directory path_unlink_file path_symlink path_readlink"),
  "two-paths.test.ts": calls("path_link path_rename"),
  "poll.test.ts": calls("poll_oneoff"),
  "sockets.test.ts": calls("sock_accept sock_recv sock_send sock_shutdown"),
};

/** As a file's last test: each error that the docs list for its calls was answered in a test before. */
export function testDocumentedErrors(file: string, excused: readonly string[] = []): void {
  const rows = (): NamedRow<Preview1Context>[] => {
    const own = filesOfCalls[file] ?? assert.fail(`${file} answers for no call`);
    return own.map((name) => [name, preview1[name] ?? assert.fail(`there is no call ${name}`)]);
  };
  testErrorsOf(file, rows, excused);
}

/** {@link testDocumentedErrors} for any rows. */
export function testErrorsOf(
  file: string,
  rows: () => readonly NamedRow<Preview1Context>[],
  excused: readonly string[] = [],
): void {
  test(`${file}: each documented error was produced`, () => {
    const missing = rows().flatMap(([name, row]) =>
      row.docs.errors.map((errno) => `${name} ${errno}`).filter((pair) => !produced.has(pair)),
    );
    assert.deepEqual(
      missing.filter((pair) => !excused.includes(pair)),
      [],
    );
  });
}
