import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyPipe, HttpField } from "./body-pipe.ts";
import { BodyReader, type BodySource } from "./body-reader.ts";
import type { HttpErrorCode } from "./errors.ts";
import { contentLength, fieldsOfRaw, rawOfFields } from "./fields.ts";
import { sendBody } from "./send-body.ts";

/** A request that came in, for a guest to answer. */
export interface IncomingRequestParts {
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly authority: string | undefined;
  readonly path: string;
  readonly fields: readonly HttpField[];
  readonly body: BodySource;
}

/** What a guest answers. */
export interface OutgoingResponseParts {
  readonly status: number;
  readonly fields: readonly HttpField[];
  /** Left out where it has none. */
  readonly body?: BodyPipe | undefined;
}

/** One request of a server's and the way back: what serves `wasi:http/incoming-handler` gives a guest. */
export interface IncomingExchange {
  readonly request: IncomingRequestParts;
  /** Sends an answer before the answer (RFC 9110, section 15.2). */
  inform(status: number, fields: readonly HttpField[]): void;
  /** Answers, once. */
  respond(response: OutgoingResponseParts): void;
  /** Says that there will be no answer. */
  fail(code: HttpErrorCode): void;
}

/** An exchange of Node's server. A guest that fails before its answer is told as 502, one that fails within it breaks it off. */
export function nodeExchange(message: IncomingMessage, response: ServerResponse): IncomingExchange {
  const isSecure = "encrypted" in message.socket && message.socket.encrypted === true;
  return {
    request: {
      method: message.method ?? "GET",
      scheme: isSecure ? "https" : "http",
      authority: message.headers.host,
      path: message.url ?? "/",
      fields: fieldsOfRaw(message.rawHeaders),
      body: new BodyReader(message),
    },
    inform: (status, fields) => {
      if (status === 103) response.writeEarlyHints(Object.fromEntries(rawOfFields(fields)));
      else if (status === 102) response.writeProcessing();
    },
    respond: ({ status, fields, body }) => {
      const { method } = message;
      const isBodiless = body === undefined || body.isEmpty;
      const hasLength = contentLength(fields) !== undefined;
      // A message that can have no body promises none (RFC 9110, section 6.4.1).
      const isLengthless = hasLength || status === 204 || status === 304 || method === "HEAD";
      const head = [...rawOfFields(fields), ...(isBodiless && !isLengthless ? [["content-length", "0"]] : [])];
      response.writeHead(status, head.flat());
      if (isBodiless) response.end();
      else sendBody(body, response);
    },
    fail: () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { "content-length": "0" }).end();
    },
  };
}
