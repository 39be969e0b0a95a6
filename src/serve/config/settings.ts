import { count, guestPath, heap, memory, parseAddr, parseRange, port, size, timeUpTo, word } from "./parse-values.ts";

/** One setting: its key in a file, its flag, and how its value is read; `--help`, the file's schema and docs come from it. */
export interface Setting<T> {
  /** The flag without its dashes where it is another word than the key. */
  readonly flag?: string;
  /** The form of its value, as `--help` has it. */
  readonly value: string;
  /** One sentence without a period. */
  readonly summary: string;
  readonly example: string;
  /** What holds without it, in words where it is no value. */
  readonly byDefault: string;
  /** @throws SERVE_CONFIG_INVALID with `data.problem` */
  readonly parse: (text: string) => T;
  /** Of JSON Schema, beside that it is text. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** The values of settings that were given. */
export type ValuesOf<Table extends Readonly<Record<string, Setting<unknown>>>> = {
  readonly [Key in keyof Table]?: Table[Key] extends Setting<infer T> ? T : never;
};

/** An address to listen on. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Where a server listens: ports that were once chosen are kept where the configuration leaves them open. */
export interface ServerPorts {
  readonly addr?: HostPort | undefined;
  readonly admin?: HostPort | undefined;
}

/** A configuration with the ports that were chosen before, in place of 0 on the same host. */
export function withChosenPorts<T extends { readonly addr: HostPort; readonly admin: HostPort | undefined }>(
  config: T,
  { addr, admin }: ServerPorts = {},
): T {
  return { ...config, addr: chosen(config.addr, addr), admin: config.admin && chosen(config.admin, admin) };
}

function chosen(wanted: HostPort, known: HostPort | undefined): HostPort {
  return wanted.port === 0 && known?.host === wanted.host ? known : wanted;
}

const plain = (text: string): string => text;
const seconds = "5s";

/** What holds for the whole server. */
export const serverSettings = {
  addr: {
    value: "IP:PORT",
    summary: "Where to listen; port 0 takes a free one",
    example: "127.0.0.1:8080",
    byDefault: "127.0.0.1:8080",
    parse: parseAddr,
  },
  admin: {
    value: "IP:PORT",
    summary: "Where to answer /metrics, /healthz and /readyz",
    example: "127.0.0.1:9090",
    byDefault: "nowhere",
    parse: parseAddr,
  },
  workers: {
    value: "N",
    summary: "Threads that answer requests, each with a listener of its own",
    example: "4",
    byDefault: "one for each processor",
    parse: count(1),
  },
  "worker-heap": {
    value: "SIZE",
    summary: "Most JavaScript heap of a worker, which is replaced past it; guests' memories do not count",
    example: "512m",
    byDefault: "Node's own",
    parse: heap,
  },
  "tls-cert": {
    value: "FILE",
    summary: "Certificate (PEM) for HTTPS",
    example: "cert.pem",
    byDefault: "plain HTTP",
    parse: plain,
  },
  "tls-key": {
    value: "FILE",
    summary: "Its private key (PEM)",
    example: "key.pem",
    byDefault: "plain HTTP",
    parse: plain,
  },
  "access-log": {
    value: "text|json|off",
    summary: "Write a line for each request to stdout",
    example: "json",
    byDefault: "off",
    parse: word(["text", "json", "off"]),
    schema: { enum: ["text", "json", "off"] },
  },
  audit: {
    value: "FILE",
    summary: "Append a JSON line for each thing that components and CGI programs ask for and were not granted",
    example: "audit.jsonl",
    byDefault: "a line on stderr for each thing, once",
    parse: plain,
  },
  drain: {
    value: "TIME",
    summary: "How long requests may still take once the server is told to end",
    example: "30s",
    byDefault: "10s",
    parse: timeUpTo,
  },
} as const satisfies Record<string, Setting<unknown>>;

/** Proxies that are believed: a list in a file, a flag that may be repeated. */
export const trustSetting: Setting<string> = {
  value: "CIDR",
  summary: "Believe Forwarded, X-Forwarded-… and X-Request-Id of these proxies; may be repeated",
  example: "10.0.0.0/8",
  byDefault: "nobody",
  parse: parseRange,
};

/** What clients may take; in a file below `limits`. */
export const clientLimits = {
  headers: {
    value: "SIZE",
    summary: "Most bytes of a request's line and fields (431)",
    example: "16k",
    byDefault: "16k",
    parse: size,
  },
  fields: { value: "N", summary: "Most fields of a request (431)", example: "100", byDefault: "100", parse: count(1) },
  body: {
    flag: "max-body",
    value: "SIZE",
    summary: "Most bytes of a request's body (413); 0 for any number",
    example: "10m",
    byDefault: "100m",
    parse: size,
  },
  connections: {
    value: "N",
    summary: "Most connections at once, in each worker",
    example: "10000",
    byDefault: "10000",
    parse: count(1),
  },
  "header-timeout": {
    value: "TIME",
    summary: "How long a request's head may take (408)",
    example: seconds,
    byDefault: "10s",
    parse: timeUpTo,
  },
  "idle-timeout": {
    value: "TIME",
    summary: "How long a connection may be without a request",
    example: seconds,
    byDefault: "1m15s",
    parse: timeUpTo,
  },
  "body-timeout": {
    value: "TIME",
    summary: "How long a body may stand still, either way",
    example: seconds,
    byDefault: "30s",
    parse: timeUpTo,
  },
  "requests-per-connection": {
    value: "N",
    summary: "Most requests of a connection, which closes behind them",
    example: "1000",
    byDefault: "any number",
    parse: count(1),
  },
} as const satisfies Record<string, Setting<unknown>>;

/** What holds for one workload; as flags, for all that the command line names. */
export const workloadSettings = {
  isolation: {
    value: "request|reuse",
    summary: "Whether each request begins with the state of a new instance, or as the one before left it",
    example: "reuse",
    byDefault: "request",
    parse: word(["request", "reuse"]),
    schema: { enum: ["request", "reuse"] },
  },
  pool: {
    value: "N",
    summary: "Instances that are kept for later requests, in each worker",
    example: "16",
    byDefault: "16",
    parse: count(0),
  },
  "max-reuses": {
    value: "N",
    summary: "Requests after which an instance is thrown away, with reuse",
    example: "10000",
    byDefault: "never",
    parse: count(1),
  },
  cordon: {
    value: "shared|thread|process",
    summary: "What separates it from others: nothing but its sandbox, a thread or a process of its own",
    example: "process",
    byDefault: "shared",
    parse: word(["shared", "thread", "process"]),
    schema: { enum: ["shared", "thread", "process"] },
  },
  idle: {
    value: "TIME",
    summary: "Give up its instances and code after that long without a request; 0 for never",
    example: "30s",
    byDefault: "1m",
    parse: timeUpTo,
  },
  warm: {
    value: "N",
    summary: "Instances that are made before the first request, in each worker",
    example: "1",
    byDefault: "1 on the command line, 0 in a file",
    parse: count(0),
  },
  timeout: {
    value: "TIME",
    summary: "Longest time of a request, waiting for its turn included (504); 0 for any",
    example: seconds,
    byDefault: "1m",
    parse: timeUpTo,
  },
  "start-timeout": {
    value: "TIME",
    summary: "Longest time that a request waits for a start from zero, before its own time begins (504); 0 for any",
    example: seconds,
    byDefault: "30s",
    parse: timeUpTo,
  },
  memory: {
    value: "SIZE",
    summary: "Most memory of one instance; 0 for any",
    example: "64m",
    byDefault: "256m",
    parse: memory,
  },
  concurrency: {
    value: "N",
    summary: "Requests that are answered at once, in each worker",
    example: "100",
    byDefault: "256; the pool with reuse",
    parse: count(1),
  },
  queue: {
    value: "N",
    summary: "Requests that wait for their turn, in each worker; one more is refused (503)",
    example: "200",
    byDefault: "1024",
    parse: count(0),
  },
  "max-files": {
    value: "N",
    summary: "Most files open at once, in one instance",
    example: "64",
    byDefault: "any number",
    parse: count(3),
  },
  "max-output": {
    value: "SIZE",
    summary: "Most bytes to stdout and stderr, in one instance",
    example: "1m",
    byDefault: "any number",
    parse: size,
  },
  "max-connections": {
    value: "N",
    summary: "Most sockets open at once, in one instance",
    example: "16",
    byDefault: "4096",
    parse: count(0),
  },
  "max-connection-rate": {
    value: "N",
    summary: "Most connections that it begins and accepts in a second",
    example: "100",
    byDefault: "any number",
    parse: count(1),
  },
  "max-network-rate": {
    value: "SIZE",
    summary: "Most bytes in a second to and from its sockets",
    example: "10m",
    byDefault: "any number",
    parse: size,
  },
  "guest-port": {
    value: "N",
    summary: "The guest's own port that requests go to, where it takes connections itself",
    example: "8080",
    byDefault: "8080",
    parse: port,
  },
} as const satisfies Record<string, Setting<unknown>>;

/** How a CGI program finds what a request is for; in a file below `cgi`. */
export const cgiSettings = {
  "document-root": {
    value: "PATH",
    summary: "The guest's folder that paths of requests are looked up in, for CGI",
    example: "/www",
    byDefault:
      "its working directory, or the first folder that it was granted; without one it answers all paths itself",
    parse: guestPath,
  },
  script: {
    value: "PATH",
    summary: "One script of the guest's for all paths, for CGI",
    example: "/www/index.php",
    byDefault: "the file that the path names",
    parse: guestPath,
  },
  index: {
    value: "NAME",
    summary: "The file that stands for a folder, for CGI",
    example: "index.php",
    byDefault: "index.php",
    parse: plain,
  },
} as const satisfies Record<string, Setting<unknown>>;

/** The flag of a setting, with its dashes. */
export function flagOf(key: string, { flag }: Setting<unknown>): string {
  return `--${flag ?? key}`;
}
