/**
 * Error numbers, once: what POSIX calls the failure, its number on Linux and in preview 1 (`wasi_snapshot_preview1`,
 * `errno`), and its name in WASI 0.2's `wasi:filesystem/types.error-code` where it has one. Each mapping is derived from
 * this table.
 */
export const errnoTable = {
  "2big": { node: "E2BIG", linux: 7, preview1: 1 },
  acces: { node: "EACCES", linux: 13, preview1: 2, wasi: "access" },
  addrinuse: { node: "EADDRINUSE", linux: 98, preview1: 3 },
  addrnotavail: { node: "EADDRNOTAVAIL", linux: 99, preview1: 4 },
  afnosupport: { node: "EAFNOSUPPORT", linux: 97, preview1: 5 },
  again: { node: "EAGAIN", linux: 11, preview1: 6, wasi: "would-block" },
  already: { node: "EALREADY", linux: 114, preview1: 7, wasi: "already" },
  badf: { node: "EBADF", linux: 9, preview1: 8, wasi: "bad-descriptor" },
  badmsg: { node: "EBADMSG", linux: 74, preview1: 9 },
  busy: { node: "EBUSY", linux: 16, preview1: 10, wasi: "busy" },
  canceled: { node: "ECANCELED", linux: 125, preview1: 11 },
  child: { node: "ECHILD", linux: 10, preview1: 12 },
  connaborted: { node: "ECONNABORTED", linux: 103, preview1: 13 },
  connrefused: { node: "ECONNREFUSED", linux: 111, preview1: 14 },
  connreset: { node: "ECONNRESET", linux: 104, preview1: 15 },
  deadlk: { node: "EDEADLK", linux: 35, preview1: 16, wasi: "deadlock" },
  destaddrreq: { node: "EDESTADDRREQ", linux: 89, preview1: 17 },
  dom: { node: "EDOM", linux: 33, preview1: 18 },
  dquot: { node: "EDQUOT", linux: 122, preview1: 19, wasi: "quota" },
  exist: { node: "EEXIST", linux: 17, preview1: 20, wasi: "exist" },
  fault: { node: "EFAULT", linux: 14, preview1: 21 },
  fbig: { node: "EFBIG", linux: 27, preview1: 22, wasi: "file-too-large" },
  hostunreach: { node: "EHOSTUNREACH", linux: 113, preview1: 23 },
  idrm: { node: "EIDRM", linux: 43, preview1: 24 },
  ilseq: { node: "EILSEQ", linux: 84, preview1: 25, wasi: "illegal-byte-sequence" },
  inprogress: { node: "EINPROGRESS", linux: 115, preview1: 26, wasi: "in-progress" },
  intr: { node: "EINTR", linux: 4, preview1: 27, wasi: "interrupted" },
  inval: { node: "EINVAL", linux: 22, preview1: 28, wasi: "invalid" },
  io: { node: "EIO", linux: 5, preview1: 29, wasi: "io" },
  isconn: { node: "EISCONN", linux: 106, preview1: 30 },
  isdir: { node: "EISDIR", linux: 21, preview1: 31, wasi: "is-directory" },
  loop: { node: "ELOOP", linux: 40, preview1: 32, wasi: "loop" },
  mfile: { node: "EMFILE", linux: 24, preview1: 33 },
  mlink: { node: "EMLINK", linux: 31, preview1: 34, wasi: "too-many-links" },
  msgsize: { node: "EMSGSIZE", linux: 90, preview1: 35, wasi: "message-size" },
  multihop: { node: "EMULTIHOP", linux: 72, preview1: 36 },
  nametoolong: { node: "ENAMETOOLONG", linux: 36, preview1: 37, wasi: "name-too-long" },
  netdown: { node: "ENETDOWN", linux: 100, preview1: 38 },
  netreset: { node: "ENETRESET", linux: 102, preview1: 39 },
  netunreach: { node: "ENETUNREACH", linux: 101, preview1: 40 },
  nfile: { node: "ENFILE", linux: 23, preview1: 41 },
  nobufs: { node: "ENOBUFS", linux: 105, preview1: 42 },
  nodev: { node: "ENODEV", linux: 19, preview1: 43, wasi: "no-device" },
  noent: { node: "ENOENT", linux: 2, preview1: 44, wasi: "no-entry" },
  noexec: { node: "ENOEXEC", linux: 8, preview1: 45 },
  nolck: { node: "ENOLCK", linux: 37, preview1: 46, wasi: "no-lock" },
  nolink: { node: "ENOLINK", linux: 67, preview1: 47 },
  nomem: { node: "ENOMEM", linux: 12, preview1: 48, wasi: "insufficient-memory" },
  nomsg: { node: "ENOMSG", linux: 42, preview1: 49 },
  noprotoopt: { node: "ENOPROTOOPT", linux: 92, preview1: 50 },
  nospc: { node: "ENOSPC", linux: 28, preview1: 51, wasi: "insufficient-space" },
  nosys: { node: "ENOSYS", linux: 38, preview1: 52 },
  notconn: { node: "ENOTCONN", linux: 107, preview1: 53 },
  notdir: { node: "ENOTDIR", linux: 20, preview1: 54, wasi: "not-directory" },
  notempty: { node: "ENOTEMPTY", linux: 39, preview1: 55, wasi: "not-empty" },
  notrecoverable: { node: "ENOTRECOVERABLE", linux: 131, preview1: 56, wasi: "not-recoverable" },
  notsock: { node: "ENOTSOCK", linux: 88, preview1: 57 },
  notsup: { node: "ENOTSUP", linux: 95, preview1: 58, wasi: "unsupported" },
  notty: { node: "ENOTTY", linux: 25, preview1: 59, wasi: "no-tty" },
  nxio: { node: "ENXIO", linux: 6, preview1: 60, wasi: "no-such-device" },
  overflow: { node: "EOVERFLOW", linux: 75, preview1: 61, wasi: "overflow" },
  ownerdead: { node: "EOWNERDEAD", linux: 130, preview1: 62 },
  perm: { node: "EPERM", linux: 1, preview1: 63, wasi: "not-permitted" },
  pipe: { node: "EPIPE", linux: 32, preview1: 64, wasi: "pipe" },
  proto: { node: "EPROTO", linux: 71, preview1: 65 },
  protonosupport: { node: "EPROTONOSUPPORT", linux: 93, preview1: 66 },
  prototype: { node: "EPROTOTYPE", linux: 91, preview1: 67 },
  range: { node: "ERANGE", linux: 34, preview1: 68 },
  rofs: { node: "EROFS", linux: 30, preview1: 69, wasi: "read-only" },
  spipe: { node: "ESPIPE", linux: 29, preview1: 70, wasi: "invalid-seek" },
  srch: { node: "ESRCH", linux: 3, preview1: 71 },
  stale: { node: "ESTALE", linux: 116, preview1: 72 },
  timedout: { node: "ETIMEDOUT", linux: 110, preview1: 73 },
  txtbsy: { node: "ETXTBSY", linux: 26, preview1: 74, wasi: "text-file-busy" },
  xdev: { node: "EXDEV", linux: 18, preview1: 75, wasi: "cross-device" },
  notcapable: { node: "ENOTCAPABLE", linux: 0, preview1: 76 },
  // Failures of name resolution: `getaddrinfo`'s codes on Linux, and the numbers that WasmEdge gave them.
  aiaddrfamily: { node: "EAI_ADDRFAMILY", linux: -9, preview1: 77 },
  aiagain: { node: "EAI_AGAIN", linux: -3, preview1: 78 },
  aibadflag: { node: "EAI_BADFLAGS", linux: -1, preview1: 79 },
  aifail: { node: "EAI_FAIL", linux: -4, preview1: 80 },
  aifamily: { node: "EAI_FAMILY", linux: -6, preview1: 81 },
  aimemory: { node: "EAI_MEMORY", linux: -10, preview1: 82 },
  ainodata: { node: "EAI_NODATA", linux: -5, preview1: 83 },
  ainoname: { node: "EAI_NONAME", linux: -2, preview1: 84 },
  aiservice: { node: "EAI_SERVICE", linux: -8, preview1: 85 },
  aisocktype: { node: "EAI_SOCKTYPE", linux: -7, preview1: 86 },
  aisystem: { node: "EAI_SYSTEM", linux: -11, preview1: 87 },
} as const satisfies Record<string, { node: string; linux: number; preview1: number; wasi?: string }>;

/** The name of a failure, as preview 1 spells it. */
export type Errno = keyof typeof errnoTable;

/** A host operation's failure with a POSIX name; made once for each name, without a stack, because failing is ordinary. */
export class HostError extends Error {
  override readonly name = "HostError";
  readonly errno: Errno;

  constructor(errno: Errno) {
    super(errnoTable[errno].node);
    this.errno = errno;
  }
}

const names = Object.keys(errnoTable) as Errno[];

function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/**
 * The failure of a call that a grant does not cover, or that would leave a granted folder. A guest sees `perm`; the host
 * tells it from the system's own EPERM by identity, and says which grant would have allowed the call.
 */
export const refusal: HostError = withoutStack(() => Object.freeze(new HostError("perm")));

const failures = new Map<Errno, HostError>();
const byNode = new Map<string, Errno>(names.map((name) => [errnoTable[name].node, name]));
const byLinux = new Map<number, Errno>(names.map((name) => [errnoTable[name].linux, name]));

/** The error to throw for a named failure: the same one each time. */
export function failure(errno: Errno): HostError {
  let error = failures.get(errno);
  if (error === undefined) {
    if (!Object.hasOwn(errnoTable, errno)) throw new TypeError(`No errno is named "${errno}"`);
    error = withoutStack(() => Object.freeze(new HostError(errno)));
    failures.set(errno, error);
  }
  return error;
}

/** The error for an `errno` that Linux set; a number that WASI has no name for becomes `io`. */
export function failureOfLinux(errno: number): HostError {
  return failure(byLinux.get(errno) ?? "io");
}

/** The error for what `node:fs` or `node:net` threw, or undefined where that was no system error. */
export function failureOfNode(error: unknown): HostError | undefined {
  if (error instanceof HostError) return error;
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  if (!("errno" in error) && !("syscall" in error)) return undefined;
  return failure(byNode.get(error.code) ?? "io");
}
