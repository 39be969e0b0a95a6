import type { IncomingExchange } from "../../engine/index.ts";
import type { ClientLimit } from "./head-check.ts";

/** One request and its answer, as a front hands it on. */
export interface FrontExchange extends IncomingExchange {
  readonly remote: { readonly address: string; readonly port: number };
  readonly isSecure: boolean;
  /** Whether the head of an answer was given. */
  readonly isAnswered: boolean;
  /** Bytes of the request's body that came, and of the answer's that were sent. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** An answer of the server's own; nothing where one was given before. */
  reply(status: number, fields: readonly (readonly [name: string, value: string])[], text: string): void;
  /** Calls back once: all is sent, or the connection is lost and `isWhole` false. One listener. */
  onEnd(done: (isWhole: boolean) => void): void;
}

/** What a front allows its clients: bytes, ms. */
export interface FrontLimits {
  /** Bytes of a request's line and fields together (431). */
  readonly maxHeaderBytes: number;
  /** Fields of a request (431). */
  readonly maxHeaders: number;
  /** Bytes of a request's body (413). */
  readonly maxBody: number;
  /** Connections at once; one more is closed. */
  readonly maxConnections: number;
  /** How long a request's head may take from its first byte (408). */
  readonly headerTimeout: number;
  /** How long a connection may be without a request. */
  readonly idleTimeout: number;
  /** How long a body may stand still, either way. */
  readonly bodyTimeout: number;
  /** Requests of one connection, which closes behind them; no limit where it is left out. */
  readonly requestsPerConnection?: number | undefined;
}

/** What a front is made with. */
export interface FrontOptions {
  readonly host: string;
  readonly port: number;
  /** A Unix socket in place of host and port. */
  readonly path?: string | undefined;
  /** Whether other workers listen on the same port (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly limits: FrontLimits;
  /** A request's head is there. */
  readonly onExchange: (exchange: FrontExchange) => void;
  /** A client was refused before there was a request: `status` and why, for the operator, and which limit it was past. */
  readonly onRefused: (why: string, limit?: ClientLimit) => void;
}

/** A listener and its connections. */
export interface Front {
  readonly address: { readonly host: string; readonly port: number };
  readonly connections: number;
  /**
   * What holds from now on; connections that are there keep their certificate, and what was their most bytes of a head. From TLS
   * to none it does not go.
   *
   * @throws SERVE_TLS
   */
  change(options: Pick<FrontOptions, "limits" | "tls">): void;
  /** Takes no more connections and no more requests, and resolves once those that are there are answered, or after `ms`. */
  drain(ms: number): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** Makes a front that listens. @throws SERVE_PORT_TAKEN */
export type MakeFront = (options: FrontOptions) => Promise<Front>;
