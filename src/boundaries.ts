/** What one room of `src/` may import: a row of the import table. */
export interface Boundary {
  /** Rooms whose `index.ts` it may import, besides base's. */
  readonly rooms: readonly Room[];
  /** Rooms of which it may import types alone. */
  readonly types?: readonly Room[];
  /** Modules of Node's that it may import besides {@link freeModules}; `none` forbids those as well. */
  readonly node: readonly string[] | "none" | "any";
  /** Packages of npm's that it may import. */
  readonly packages?: readonly string[];
  /** Whether it may import `base/native.ts`, the one file of base that is entered beside its index. */
  readonly native?: true;
  /** Files that may load a module of Node's when they need it, by `process.getBuiltinModule`. */
  readonly lateLoaders?: readonly string[];
  /** Modules of Node's that single files may import besides. */
  readonly alone?: Readonly<Record<string, readonly string[]>>;
  /** Folders in it that others enter by an index.ts of their own, so that who needs the room only does not load them. */
  readonly inner?: readonly string[];
  /** Folders in it that never import one another. */
  readonly apart?: readonly string[];
}

/** A folder of `src/`. */
export type Room =
  | "base"
  | "wasm"
  | "capabilities"
  | "host"
  | "abi"
  | "component"
  | "engine"
  | "images"
  | "javascript"
  | "docker"
  | "runtime"
  | "serve"
  | "compose"
  | "shim"
  | "kubernetes"
  | "cli"
  | "dashboard";

/** Modules of Node's that do no I/O: every room may import them but those whose `node` is `none`. */
export const freeModules: readonly string[] = ["buffer", "events", "path", "process", "url", "util"];

const clusterSide: Boundary = {
  rooms: ["runtime", "serve", "images", "capabilities"],
  node: ["child_process", "fs", "http", "https", "net"],
};

/**
 * The import table, once: the linter's configuration and the table in docs/ARCHITECTURE.md are generated from it, and
 * src/boundaries.test.ts plants a violation for each row.
 */
export const boundaries: Readonly<Record<Room, Boundary>> = {
  base: { rooms: [], node: [], lateLoaders: ["native.ts"], alone: { "native.ts": ["ffi"], "write-all.ts": ["fs"] } },
  wasm: { rooms: [], node: "none", inner: ["component", "wit"] },
  capabilities: { rooms: [], node: [], packages: ["yaml"], inner: ["forms"] },
  host: {
    rooms: ["capabilities"],
    node: ["crypto", "dgram", "dns", "fs", "http", "http2", "net", "sqlite", "tls", "tty"],
    packages: ["pg/lib/client.js"],
    native: true,
    lateLoaders: [
      "filesystem/walk/streams.ts",
      "http/node-modules.ts",
      "keyvalue/node-modules.ts",
      "network/direct.ts",
      "random.ts",
    ],
  },
  abi: {
    rooms: ["host", "wasm", "capabilities"],
    node: "none",
    apart: ["preview1", "wasi-0.2", "wasi-0.3", "wasmedge"],
  },
  component: { rooms: ["wasm"], node: "none" },
  engine: {
    rooms: ["wasm", "capabilities", "host", "abi", "component"],
    node: ["child_process", "fs", "v8", "vm", "worker_threads"],
    native: true,
    lateLoaders: [
      "cache/digest.ts",
      "deadline.ts",
      "epoch.ts",
      "hot-functions.ts",
      "pool/process.ts",
      "pool/thread.ts",
      "threads/thread-worker.ts",
    ],
  },
  images: { rooms: ["wasm"], node: ["crypto", "fs", "http", "https", "sqlite", "zlib"] },
  javascript: { rooms: ["engine", "capabilities", "host"], node: ["vm", "worker_threads"] },
  docker: { rooms: [], node: ["fs", "http", "net"] },
  runtime: {
    rooms: ["engine", "javascript", "docker", "images", "capabilities"],
    node: ["child_process", "fs", "http", "net"],
    packages: ["@electric-sql/pglite", "sirv"],
    native: true,
  },
  serve: {
    rooms: ["runtime", "engine", "capabilities", "wasm"],
    node: ["child_process", "fs", "http", "http2", "net", "tls", "tty", "worker_threads"],
  },
  compose: {
    rooms: ["runtime", "serve", "docker", "images", "capabilities"],
    node: ["fs"],
    packages: ["@cfworker/json-schema", "yaml"],
  },
  shim: clusterSide,
  kubernetes: clusterSide,
  cli: {
    rooms: [
      "wasm",
      "capabilities",
      "host",
      "abi",
      "component",
      "engine",
      "images",
      "javascript",
      "docker",
      "runtime",
      "serve",
      "compose",
      "shim",
      "kubernetes",
    ],
    node: "any",
    native: true,
  },
  dashboard: { rooms: [], types: ["runtime"], node: "none" },
};

/** The rooms in the table's order. */
export const rooms = Object.keys(boundaries) as Room[];
