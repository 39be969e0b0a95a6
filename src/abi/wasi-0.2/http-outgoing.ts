import type { HttpErrorCode, HttpExchange, HttpResponse } from "../../host/index.ts";
import { asked } from "./attempts.ts";
import type { Wasi02Context } from "./context.ts";
import { WasiError } from "./errors.ts";
import { codeOf, taken } from "./http-bodies.ts";
import { IncomingResponse, nameOfMethod, type OutgoingRequest, type RequestOptions } from "./http-messages.ts";
import { type Pollable, WatchedPollable } from "./pollable.ts";

/** The resource `future-incoming-response` of `wasi:http/types`. */
export class FutureIncomingResponse {
  readonly #context: Wasi02Context;
  readonly #exchange: HttpExchange;
  #settled: { readonly response: HttpResponse } | { readonly error: unknown } | undefined;
  readonly #done: Promise<void>;
  #isTaken = false;

  constructor(context: Wasi02Context, exchange: HttpExchange) {
    this.#context = context;
    this.#exchange = exchange;
    this.#done = exchange.response.then(
      (response) => {
        this.#settled = { response };
      },
      (error: unknown) => {
        this.#settled = { error };
      },
    );
  }

  /** Undefined while it is on its way. */
  get(): unknown {
    if (this.#isTaken) return taken;
    return asked(this.#context, () => {
      const settled = this.#settled;
      if (settled === undefined) return undefined;
      this.#isTaken = true;
      if ("error" in settled) return { tag: "ok", val: { tag: "err", val: codeOf(settled.error) } };
      return { tag: "ok", val: { tag: "ok", val: new IncomingResponse(this.#context, settled.response) } };
    });
  }

  subscribe(): Pollable {
    return new WatchedPollable({
      isReady: () => this.#settled !== undefined,
      watch: (wake) => {
        if (this.#settled !== undefined) return true;
        let isStopped = false;
        void this.#done.then(() => isStopped || wake());
        return () => {
          isStopped = true;
        };
      },
    });
  }

  /** Ends an exchange whose response nobody took. */
  drop(): void {
    if (this.#isTaken) return;
    this.#exchange.cancel();
    this.#exchange.response.then(
      ({ body }) => body.close(),
      () => {},
    );
  }
}

/** `handle` of `wasi:http/outgoing-handler`. @throws WasiError error-code for a request that cannot be sent at all */
export function handleOutgoing(
  context: Wasi02Context,
  request: OutgoingRequest,
  options: RequestOptions | undefined,
): FutureIncomingResponse {
  const { method, scheme = { tag: "HTTPS" }, authority, path = "/", headers, pipe } = request;
  const refuse = (tag: RefusedTag): never => {
    request.drop();
    const code: HttpErrorCode = { tag };
    throw new WasiError(code);
  };
  if (method.tag === "connect" || nameOfMethod(method) === "CONNECT") return refuse("HTTP-request-method-invalid");
  if (scheme.tag === "other") return refuse("HTTP-protocol-error");
  if (authority === undefined) return refuse("HTTP-request-URI-invalid");
  request.sent();
  const exchange = context.host.http.send({
    method: nameOfMethod(method),
    scheme: scheme.tag === "HTTPS" ? "https" : "http",
    authority,
    path: path.startsWith("/") || path === "*" ? path : `/${path}`,
    fields: headers.entries,
    body: pipe,
    timeouts: options?.timeouts ?? {},
  });
  return new FutureIncomingResponse(context, exchange);
}

type RefusedTag = "HTTP-request-method-invalid" | "HTTP-protocol-error" | "HTTP-request-URI-invalid";
