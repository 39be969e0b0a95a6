import { nodeInternals } from "../../base/native.ts";

/** The head of a request: names and values of its fields in turn, a character for each byte. */
export interface ParsedHead {
  readonly version: string;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  /** Whether another request may follow on the connection. */
  readonly keepsAlive: boolean;
}

/** What a {@link RequestParser} tells. Nothing of it may throw, nor have the parser go on. */
export interface ParserEvents {
  /** Answers whether the body is read by whoever is told: then the parser stops behind the head, and tells of the next request. */
  head(head: ParsedHead): boolean;
  /** A copy of bytes of the body. */
  body(bytes: Uint8Array): void;
  /** The request is whole, and the parser read its body; fields behind that, as in its head. */
  whole(trailers: readonly string[]): void;
}

/** What is wrong with what came. */
export interface ParserProblem {
  /** `HPE_…`, as llhttp names it. */
  readonly code: string;
  readonly reason: string;
}

type Callback = (...args: never[]) => unknown;

/** llhttp as Node binds it. */
interface InnerParser {
  [callback: number]: Callback;
  initialize(type: number, resource: object, maxHeaderBytes: number, leniency: number): void;
  execute(bytes: Uint8Array): number | Error | undefined;
  finish(): number | Error | undefined;
  remove(): void;
  free(): void;
}

interface InnerBinding {
  readonly HTTPParser: {
    new (): InnerParser;
    readonly REQUEST: number;
    readonly kLenientNone: number;
    readonly kOnHeaders: number;
    readonly kOnHeadersComplete: number;
    readonly kOnBody: number;
    readonly kOnMessageComplete: number;
  };
  readonly allMethods: readonly string[];
}

type CompleteArguments = readonly [
  major: number,
  minor: number,
  fields: readonly string[] | undefined,
  method: number,
  target: string,
  statusCode: undefined,
  statusText: undefined,
  isUpgrade: boolean,
  keepsAlive: boolean,
];

/** What llhttp takes for an answer to a head: go on, or stop as if another protocol followed. */
const answers = { goOn: 0, stop: 2 } as const;
const closed: ParserProblem = { code: "HPE_CLOSED_CONNECTION", reason: "Data after `Connection: close`" };

let found: InnerBinding | undefined | "none";

function binding(): InnerBinding | undefined {
  if (found === undefined) {
    const inner = nodeInternals()?.binding("http_parser") as Partial<InnerBinding> | undefined;
    const isWhole = typeof inner?.HTTPParser?.kOnHeadersComplete === "number" && Array.isArray(inner.allMethods);
    found = isWhole ? (inner as InnerBinding) : "none";
  }
  return found === "none" ? undefined : found;
}

/** Whether this Node lets anybody have a {@link RequestParser}. */
export function hasRequestParser(): boolean {
  return binding() !== undefined;
}

/** Node's own parser of requests (llhttp, strict), without the streams that Node puts around it. One for each connection. */
export class RequestParser {
  readonly #inner: InnerParser;
  readonly #events: ParserEvents;
  readonly #methods: readonly string[];
  readonly #start: () => void;
  /** Fields that came before the rest of their head, which llhttp hands over in portions. */
  #fields: string[] = [];
  #target = "";
  /** Whether it is in a body, so that fields are trailers. */
  #isBehindHead = false;
  /** Whether it stopped behind a head, whose body is read by others. */
  #hasStopped = false;
  #keepsAlive = true;

  /** Heads of more bytes are a problem, HPE_HEADER_OVERFLOW. */
  constructor(events: ParserEvents, maxHeaderBytes: number) {
    const from = binding();
    if (from === undefined) throw new TypeError("This Node shows nobody its parser");
    const { HTTPParser } = from;
    this.#events = events;
    this.#methods = from.allMethods;
    this.#inner = new HTTPParser();
    this.#start = () => this.#inner.initialize(HTTPParser.REQUEST, this, maxHeaderBytes, HTTPParser.kLenientNone);
    this.#start();
    this.#inner[HTTPParser.kOnHeaders] = (fields: readonly string[], target: string) => this.#portion(fields, target);
    this.#inner[HTTPParser.kOnHeadersComplete] = (...args: CompleteArguments) => this.#head(args);
    this.#inner[HTTPParser.kOnBody] = (bytes: Uint8Array) => events.body(bytes);
    this.#inner[HTTPParser.kOnMessageComplete] = () => this.#whole();
  }

  /** Takes the next bytes of the connection, where they are well; answers how many: not all where others read the body. */
  execute(bytes: Uint8Array): number | ParserProblem {
    if (this.#hasStopped) {
      if (!this.#keepsAlive) return closed;
      // As on a new connection: that it was told to stop would hide what is wrong with the next head.
      this.#hasStopped = false;
      this.#start();
    }
    // It also stops behind a request that asks for another protocol, of which there is none here.
    for (let at = 0; at < bytes.length;) {
      const done = this.#inner.execute(at === 0 ? bytes : bytes.subarray(at));
      if (typeof done !== "number") return problemOf(done);
      if (done === 0) return { code: "HPE_INTERNAL", reason: "nothing was taken" };
      at += done;
      if (this.#hasStopped) return at;
    }
    return bytes.length;
  }

  /** Says that no more comes; a problem where that is within a request. */
  finish(): ParserProblem | undefined {
    const done = this.#inner.finish();
    return typeof done === "number" || done === undefined ? undefined : problemOf(done);
  }

  /** Gives the parser up. */
  free(): void {
    this.#inner.remove();
    this.#inner.free();
  }

  #portion(fields: readonly string[], target: string): void {
    this.#fields.push(...fields);
    if (!this.#isBehindHead) this.#target += target;
  }

  #head([major, minor, fields, method, target, , , , keepsAlive]: CompleteArguments): number {
    const isWhole = fields !== undefined;
    this.#keepsAlive = keepsAlive;
    this.#hasStopped = this.#events.head({
      version: `${major}.${minor}`,
      method: this.#methods[method] ?? "",
      target: isWhole ? target : this.#target,
      fields: isWhole ? fields : this.#fields,
      keepsAlive,
    });
    if (!isWhole) this.#fields = [];
    this.#target = "";
    this.#isBehindHead = !this.#hasStopped;
    return this.#hasStopped ? answers.stop : answers.goOn;
  }

  #whole(): void {
    if (this.#hasStopped) return;
    const trailers = this.#fields;
    if (trailers.length > 0) this.#fields = [];
    this.#isBehindHead = false;
    this.#events.whole(trailers);
  }
}

function problemOf(error: unknown): ParserProblem {
  const { code, reason } = (error ?? {}) as Partial<ParserProblem>;
  return { code: code ?? "HPE_INTERNAL", reason: reason ?? "no HTTP" };
}
