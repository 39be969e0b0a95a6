import type * as NodeFfi from "node:ffi";
import { failureOfLinux } from "./errno.ts";

/**
 * Linux's C library by way of node:ffi, the one place that uses it. Pointers are passed as addresses in a scratch area
 * whose place never changes, so that a call allocates nothing. Each function throws HostError for what `errno` says, but
 * for those that answer a number that the caller checks.
 */
export interface Native {
  /** The scratch area, split below. */
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly longs: BigInt64Array;
  /** Address of the scratch area's first byte. */
  readonly address: bigint;
  /** Memory of its own that native calls can be pointed at for as long as `bytes` is kept. */
  allocate(size: number): { readonly bytes: Uint8Array; readonly address: bigint };
  /** The address of a guest's memory; remembered for the buffer that was asked for last. */
  addressOf(buffer: ArrayBufferLike): number;
  /** What errno said after the last call that failed. */
  errno(): number;
  readonly c: NativeFunctions;
}

const pointer = "uint64";
const signatures = {
  accept4: { arguments: ["int32", pointer, pointer, "int32"], return: "int32" },
  _exit: { arguments: ["int32"], return: "int32" },
  __errno_location: { arguments: [], return: "uint64" },
  bind: { arguments: ["int32", pointer, "uint32"], return: "int32" },
  clock_gettime: { arguments: ["int32", pointer], return: "int32" },
  clock_getres: { arguments: ["int32", pointer], return: "int32" },
  close: { arguments: ["int32"], return: "int32" },
  connect: { arguments: ["int32", pointer, "uint32"], return: "int32" },
  epoll_create1: { arguments: ["int32"], return: "int32" },
  epoll_ctl: { arguments: ["int32", "int32", "int32", pointer], return: "int32" },
  epoll_wait: { arguments: ["int32", pointer, "int32", "int32"], return: "int32" },
  fallocate: { arguments: ["int32", "int32", "int64", "int64"], return: "int32" },
  fcntl: { arguments: ["int32", "int32", "int32"], return: "int32" },
  fdatasync: { arguments: ["int32"], return: "int32" },
  fsync: { arguments: ["int32"], return: "int32" },
  ftruncate: { arguments: ["int32", "int64"], return: "int32" },
  futimens: { arguments: ["int32", pointer], return: "int32" },
  getdents64: { arguments: ["int32", pointer, "uint64"], return: "int32" },
  getpeername: { arguments: ["int32", pointer, pointer], return: "int32" },
  getpagesize: { arguments: [], return: "int32" },
  getsockname: { arguments: ["int32", pointer, pointer], return: "int32" },
  getsockopt: { arguments: ["int32", "int32", "int32", pointer, pointer], return: "int32" },
  getrandom: { arguments: [pointer, "uint64", "uint32"], return: "int64" },
  ioctl: { arguments: ["int32", "uint64", pointer], return: "int32" },
  isatty: { arguments: ["int32"], return: "int32" },
  landlock: { symbol: "syscall", arguments: ["int64", "uint64", "uint64", pointer, "uint64"], return: "int32" },
  linkat: { arguments: ["int32", pointer, "int32", pointer, "int32"], return: "int32" },
  listen: { arguments: ["int32", "int32"], return: "int32" },
  lseek: { arguments: ["int32", "int64", "int32"], return: "int64" },
  madvise: { arguments: [pointer, "uint64", "int32"], return: "int32" },
  memfd_create: { arguments: [pointer, "uint32"], return: "int32" },
  mkdirat: { arguments: ["int32", pointer, "uint32"], return: "int32" },
  mmap: { arguments: [pointer, "uint64", "int32", "int32", "int32", "int64"], return: "int64" },
  openat: { arguments: ["int32", pointer, "int32", "uint32"], return: "int32" },
  poll: { arguments: [pointer, "uint64", "int32"], return: "int32" },
  posix_fadvise: { arguments: ["int32", "int64", "int64", "int32"], return: "int32" },
  prctl: { arguments: ["int32", "uint64", "uint64", "uint64", "uint64"], return: "int32" },
  preadv: { arguments: ["int32", pointer, "int32", "int64"], return: "int32" },
  process_madvise: { arguments: ["int32", pointer, "uint64", "int32", "uint32"], return: "int64" },
  pwritev: { arguments: ["int32", pointer, "int32", "int64"], return: "int32" },
  readlinkat: { arguments: ["int32", pointer, pointer, "uint64"], return: "int32" },
  readv: { arguments: ["int32", pointer, "int32"], return: "int32" },
  recv: { arguments: ["int32", pointer, "uint64", "int32"], return: "int32" },
  renameat: { arguments: ["int32", pointer, "int32", pointer], return: "int32" },
  send: { arguments: ["int32", pointer, "uint64", "int32"], return: "int32" },
  sendmsg: { arguments: ["int32", pointer, "int32"], return: "int32" },
  setsockopt: { arguments: ["int32", "int32", "int32", pointer, "uint32"], return: "int32" },
  shutdown: { arguments: ["int32", "int32"], return: "int32" },
  socket: { arguments: ["int32", "int32", "int32"], return: "int32" },
  socketpair: { arguments: ["int32", "int32", "int32", pointer], return: "int32" },
  statx: { arguments: ["int32", pointer, "int32", "uint32", pointer], return: "int32" },
  symlinkat: { arguments: [pointer, "int32", pointer], return: "int32" },
  syscall: { arguments: ["int64", "int32", pointer, pointer, "uint64"], return: "int32" },
  timerfd_create: { arguments: ["int32", "int32"], return: "int32" },
  timerfd_settime: { arguments: ["int32", "int32", pointer, pointer], return: "int32" },
  unlinkat: { arguments: ["int32", pointer, "int32"], return: "int32" },
  utimensat: { arguments: ["int32", pointer, pointer, "int32"], return: "int32" },
  writev: { arguments: ["int32", pointer, "int32"], return: "int32" },
} as const;

type Argument = { int32: number; uint32: number; uint64: bigint; int64: bigint };
type Arguments<T extends readonly (keyof Argument)[]> = { -readonly [K in keyof T]: Argument[T[K]] };

interface Signature {
  /** Its name in the C library, where that is another. */
  readonly symbol?: string;
  readonly arguments: readonly (keyof Argument)[];
  readonly return: keyof Argument;
}

type Bound<S extends Readonly<Record<string, Signature>>> = {
  readonly [K in keyof S]: (...args: Arguments<S[K]["arguments"]>) => Argument[S[K]["return"]];
};

/** The C functions that are bound, by name; integers of 64 bits and addresses are BigInt. */
export type NativeFunctions = Bound<typeof signatures>;

/** Where things lie in the scratch area, in bytes. */
export const scratch = {
  size: 64 * 1024,
  openHow: 0,
  time: 64,
  times: 96,
  poll: 128,
  empty: 192,
  stat: 256,
  iovecs: 1024,
  /** Most pieces that one vectored call takes (IOV_MAX). */
  iovecCount: 1024,
  link: 24 * 1024,
  linkSize: 4096,
} as const;

/** Why native calls are missing, for `sampan doctor`. */
export type NativeAbsence = "switched off by SAMPAN_FFI=0" | "not Linux on x64 or arm64" | "this Node has no node:ffi";

let loaded: Native | NativeAbsence | undefined;

/**
 * The native calls, or the reason why this process has none: every use has a fallback. `SAMPAN_FFI=0` switches them off. They
 * belong to the process and the thread (`errno` does), so they are found once in each.
 */
export function loadNative(): Native | NativeAbsence {
  loaded ??= load();
  return loaded;
}

/** The native calls where there are any. */
export function nativeOrUndefined(): Native | undefined {
  const native = loadNative();
  return typeof native === "string" ? undefined : native;
}

function load(): Native | NativeAbsence {
  if (process.env["SAMPAN_FFI"] === "0") return "switched off by SAMPAN_FFI=0";
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64"))
    return "not Linux on x64 or arm64";
  const ffi = withoutWarnings(innerFfi) ?? withoutWarnings(() => process.getBuiltinModule("node:ffi"));
  if (ffi === undefined) return "this Node has no node:ffi";
  try {
    return bindNative(ffi);
  } catch {
    // A C library without one of the functions, or a permission model that forbids ffi: the fallback serves.
    return "this Node has no node:ffi";
  }
}

/** What is used of node:ffi. */
type Ffi = Pick<typeof NodeFfi, "DynamicLibrary" | "getRawPointer" | "toArrayBuffer">;

/** What Node keeps for itself. Whatever is taken from it may be another one in another Node. */
export interface NodeInternals {
  readonly binding: (name: string) => unknown;
  readonly module: (name: string) => unknown;
}

/** Node's internals, in a process that was started with `--expose-internals`, as the launcher starts it. */
export function nodeInternals(): NodeInternals | undefined {
  if (!process.execArgv.includes("--expose-internals")) return undefined;
  const binding: unknown = withoutWarnings(() => process.getBuiltinModule("internal/test/binding"));
  if (typeof binding !== "object" || binding === null || !("internalBinding" in binding)) return undefined;
  const { internalBinding } = binding;
  if (typeof internalBinding !== "function") return undefined;
  return {
    binding: internalBinding as (name: string) => unknown,
    module: (name) => process.getBuiltinModule(`internal/${name}`),
  };
}

/**
 * node:ffi without the JavaScript around its functions, which collects and checks the arguments of each call again: 0.5 µs
 * with more than three of them, half of what the system needs for a stat. Where Node does not show it there is the public
 * module.
 */
function innerFfi(): Ffi | undefined {
  const inner = nodeInternals()?.binding("ffi") as Partial<Ffi> | undefined;
  const isWhole = ["DynamicLibrary", "getRawPointer", "toArrayBuffer"].every((name) => name in (inner ?? {}));
  return isWhole ? (inner as Ffi) : undefined;
}

/** Runs `load` without the warning that Node prints when such a module is first loaded: no line of Node's reaches a user. */
function withoutWarnings<T>(load: () => T): T | undefined {
  // oxlint-disable-next-line typescript/unbound-method -- it is put back as it was found, not called
  const emit = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return load();
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emit;
  }
}

function bindNative(ffi: Ffi): Native {
  const library = new ffi.DynamicLibrary(null);
  const errnoOf = library.getFunction("__errno_location", signatures.__errno_location);
  const errno = new Int32Array(ffi.toArrayBuffer(errnoOf(), 4, false));
  let kept = 0;
  const c = bindLazily(library, () => {
    kept = errno[0] ?? 0;
  });
  const area = new ArrayBuffer(scratch.size);
  let knownBuffer: ArrayBufferLike | undefined;
  let knownAddress = 0;
  return {
    bytes: new Uint8Array(area),
    words: new Uint32Array(area),
    longs: new BigInt64Array(area),
    address: ffi.getRawPointer(area),
    allocate(size) {
      const buffer = new ArrayBuffer(size);
      return { bytes: new Uint8Array(buffer), address: ffi.getRawPointer(buffer) };
    },
    addressOf(buffer) {
      if (buffer === knownBuffer) return knownAddress;
      // The declared parameter leaves out shared buffers, which are taken all the same.
      knownAddress = Number(ffi.getRawPointer(buffer as ArrayBuffer));
      knownBuffer = buffer;
      return knownAddress;
    },
    errno: () => kept,
    c,
  };
}

type Bare = (...args: (number | bigint)[]) => number | bigint;

/**
 * Functions that are looked up when they are first called: a short run needs few of them, and each costs 0.1 ms. What errno
 * says after a failing call is kept by the very next statement: V8 makes system calls of its own in between others.
 */
function bindLazily(library: NodeFfi.DynamicLibrary, keepErrno: () => void): NativeFunctions {
  // Found functions become properties of the object itself, which V8 keeps quick; what is still to be found is below it.
  const unbound = {};
  const functions: object = Object.create(unbound);
  for (const [name, signature] of Object.entries<Signature>(signatures)) {
    Object.defineProperty(unbound, name, {
      get() {
        const value = keeping(
          library.getFunction(signature.symbol ?? name, signature) as unknown as Bare,
          signature.arguments.length,
          keepErrno,
        );
        Object.defineProperty(functions, name, { value });
        return value;
      },
    });
  }
  return functions as NativeFunctions;
}

/** A function that calls `bare` and, where that answers less than 0, keeps errno; one for each number of arguments. */
function keeping(bare: Bare, count: number, keepErrno: () => void): Bare {
  try {
    return keepingQuickly(bare, count, keepErrno);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    // Processes may be told to make no code of text.
    return (...args) => {
      const result = bare(...args);
      if (result < 0) keepErrno();
      return result;
    };
  }
}

function keepingQuickly(bare: Bare, count: number, keepErrno: () => void): Bare {
  // oxlint-disable-next-line typescript/no-implied-eval -- the code is made from a number of ours
  const make = new Function(
    "bare",
    "keepErrno",
    `return (${names(count)}) => { const r = bare(${names(count)}); if (r < 0) keepErrno(); return r; };`,
  ) as (bare: Bare, keepErrno: () => void) => Bare;
  return make(bare, keepErrno);
}

function names(count: number): string {
  return ["a", "b", "c", "d", "e", "f"].slice(0, count).join(", ");
}

/** Throws what errno says. */
export function throwErrno(native: Native): never {
  throw failureOfLinux(native.errno());
}
