import { type HttpErrorCode, type HttpField, HttpFailure } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import type { IoError } from "./errors.ts";
import type { FutureTrailers, IncomingBody, OutgoingBody, Result } from "./http-bodies.ts";
import { Fields } from "./http-fields.ts";
import {
  type IncomingRequest,
  type IncomingResponse,
  type Method,
  methodOf,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  type ResponseOutparam,
  type Scheme,
} from "./http-messages.ts";
import { type FutureIncomingResponse, handleOutgoing } from "./http-outgoing.ts";
import type { InputStream } from "./input-stream.ts";
import type { OutputStream } from "./output-stream.ts";
import type { Pollable } from "./pollable.ts";
import type { Wasi02Interface, Wasi02Row, Wasi02Rows } from "./row.ts";

type Context = Wasi02Context;

const forget: Wasi02Row = { docs: "Forgets it.", run: (): void => {} };

const drop = (docs: string): Wasi02Row => ({
  docs,
  run: (_: Context, resource: { drop(): void }): void => resource.drop(),
});

const fieldsRows = {
  "[constructor]fields": {
    docs: "No fields, to be added to.",
    run: (context: Context): Fields => Fields.empty(context),
  },
  "[static]fields.from-list": {
    docs: "Fields in turn; names that belong to the connection are forbidden.",
    run: (context: Context, entries: readonly HttpField[]): Fields => Fields.fromList(context, entries),
  },
  "[method]fields.get": {
    docs: "The values of a name, in turn.",
    run: (_: Context, fields: Fields, name: string): Uint8Array[] => fields.get(name),
  },
  "[method]fields.has": {
    docs: "Whether a name is among them.",
    run: (_: Context, fields: Fields, name: string): boolean => fields.has(name),
  },
  "[method]fields.set": {
    docs: "Puts values in place of those of a name.",
    run: (_: Context, fields: Fields, name: string, values: readonly Uint8Array[]): void => fields.set(name, values),
  },
  "[method]fields.delete": {
    docs: "Takes a name out.",
    run: (_: Context, fields: Fields, name: string): void => fields.delete(name),
  },
  "[method]fields.append": {
    docs: "Adds a value behind those of a name.",
    run: (_: Context, fields: Fields, name: string, value: Uint8Array): void => fields.append(name, value),
  },
  "[method]fields.entries": {
    docs: "All of them in turn, names in lower case.",
    run: (_: Context, fields: Fields): readonly HttpField[] => fields.entries,
  },
  "[method]fields.clone": {
    docs: "The same, to be changed.",
    run: (context: Context, fields: Fields): Fields => fields.clone(context),
  },
  "[resource-drop]fields": drop("Forgets it."),
} satisfies Wasi02Rows;

const incomingRequestRows = {
  "[method]incoming-request.method": {
    docs: "The method.",
    run: (_: Context, { parts }: IncomingRequest): Method => methodOf(parts.method),
  },
  "[method]incoming-request.path-with-query": {
    docs: "The path with its query.",
    run: (_: Context, { parts }: IncomingRequest): string => parts.path,
  },
  "[method]incoming-request.scheme": {
    docs: "How it came.",
    run: (_: Context, { parts }: IncomingRequest): Scheme => ({ tag: parts.scheme === "https" ? "HTTPS" : "HTTP" }),
  },
  "[method]incoming-request.authority": {
    docs: "Whom it was for, as the client has it.",
    run: (_: Context, { parts }: IncomingRequest): string | undefined => parts.authority,
  },
  "[method]incoming-request.headers": {
    docs: "The headers, not to be changed, without those of the connection.",
    run: (_: Context, { headers }: IncomingRequest): Fields => headers,
  },
  "[method]incoming-request.consume": {
    docs: "The body, once.",
    run: (_: Context, request: IncomingRequest): IncomingBody => request.consume(),
  },
  "[resource-drop]incoming-request": drop("Forgets it."),
} satisfies Wasi02Rows;

const outgoingRequestRows = {
  "[constructor]outgoing-request": {
    docs: "A GET request with headers, which do not change any more.",
    run: (context: Context, headers: Fields): OutgoingRequest => new OutgoingRequest(context, headers),
  },
  "[method]outgoing-request.body": {
    docs: "The body, once; a request whose body is never taken has none.",
    run: (_: Context, request: OutgoingRequest): OutgoingBody => request.body(),
  },
  "[method]outgoing-request.method": {
    docs: "The method.",
    run: (_: Context, { method }: OutgoingRequest): Method => method,
  },
  "[method]outgoing-request.set-method": {
    docs: "Sets the method; another name than a token is an error.",
    run(_: Context, request: OutgoingRequest, method: Method): void {
      request.method = method;
    },
  },
  "[method]outgoing-request.path-with-query": {
    docs: "The path with its query.",
    run: (_: Context, { path }: OutgoingRequest): string | undefined => path,
  },
  "[method]outgoing-request.set-path-with-query": {
    docs: "Sets the path with its query, `/` where there is none.",
    run(_: Context, request: OutgoingRequest, path: string | undefined): void {
      request.path = path;
    },
  },
  "[method]outgoing-request.scheme": {
    docs: "The scheme.",
    run: (_: Context, { scheme }: OutgoingRequest): Scheme | undefined => scheme,
  },
  "[method]outgoing-request.set-scheme": {
    docs: "Sets the scheme, HTTPS where there is none.",
    run(_: Context, request: OutgoingRequest, scheme: Scheme | undefined): void {
      request.scheme = scheme;
    },
  },
  "[method]outgoing-request.authority": {
    docs: "Whom it is for.",
    run: (_: Context, { authority }: OutgoingRequest): string | undefined => authority,
  },
  "[method]outgoing-request.set-authority": {
    docs: "Sets whom it is for: a host, and a port.",
    run(_: Context, request: OutgoingRequest, authority: string | undefined): void {
      request.authority = authority;
    },
  },
  "[method]outgoing-request.headers": {
    docs: "The headers, not to be changed.",
    run: (_: Context, { headers }: OutgoingRequest): Fields => headers.asImmutable(),
  },
  "[resource-drop]outgoing-request": drop("Forgets it."),
} satisfies Wasi02Rows;

type TimeName = keyof RequestOptions["times"];

function timeRows(name: string, time: TimeName, what: string): Wasi02Rows {
  return {
    [`[method]request-options.${name}`]: {
      docs: `${what}, in nanoseconds.`,
      run: (_: Context, { times }: RequestOptions): bigint | undefined => times[time],
    },
    [`[method]request-options.set-${name}`]: {
      docs: `Sets it; without it the host's own holds.`,
      run(_: Context, { times }: RequestOptions, value: bigint | undefined): void {
        times[time] = value;
      },
    },
  };
}

const optionRows: Wasi02Rows = {
  "[constructor]request-options": { docs: "The host's own times.", run: (): RequestOptions => new RequestOptions() },
  ...timeRows("connect-timeout", "connect", "How long connecting may take: 60 s where it is not set"),
  ...timeRows("first-byte-timeout", "firstByte", "How long a response may take: 600 s where it is not set"),
  ...timeRows(
    "between-bytes-timeout",
    "betweenBytes",
    "How long a piece of a body may take: 600 s where it is not set",
  ),
  "[resource-drop]request-options": forget,
};

const outparamRows = {
  "[method]response-outparam.send-informational": {
    feature: "informational-outbound-responses",
    docs: "Sends an answer of the range 1xx before the answer; a server's client may not hear of it.",
    run: (_: Context, outparam: ResponseOutparam, status: number, headers: Fields): void =>
      outparam.sendInformational(status, headers),
  },
  "[static]response-outparam.set": {
    docs: "Answers with a response, whose body may still be written, or says why there is none.",
    run: (_: Context, outparam: ResponseOutparam, response: Result<OutgoingResponse, HttpErrorCode>): void =>
      outparam.set(response),
  },
  "[resource-drop]response-outparam": drop("Gives no answer: the client is told that the guest failed."),
} satisfies Wasi02Rows;

const responseRows = {
  "[method]incoming-response.status": {
    docs: "The status.",
    run: (_: Context, { status }: IncomingResponse): number => status,
  },
  "[method]incoming-response.headers": {
    docs: "The headers, not to be changed, without those of the connection.",
    run: (_: Context, { headers }: IncomingResponse): Fields => headers,
  },
  "[method]incoming-response.consume": {
    docs: "The body, once.",
    run: (_: Context, response: IncomingResponse): IncomingBody => response.consume(),
  },
  "[resource-drop]incoming-response": drop("Ends the exchange, where its body was not taken."),
  "[constructor]outgoing-response": {
    docs: "A response of status 200 with headers, which do not change any more.",
    run: (context: Context, headers: Fields): OutgoingResponse => new OutgoingResponse(context, headers),
  },
  "[method]outgoing-response.status-code": {
    docs: "The status.",
    run: (_: Context, { status }: OutgoingResponse): number => status,
  },
  "[method]outgoing-response.set-status-code": {
    docs: "Sets the status, from 200 to 999.",
    run(_: Context, response: OutgoingResponse, status: number): void {
      response.status = status;
    },
  },
  "[method]outgoing-response.headers": {
    docs: "The headers, not to be changed.",
    run: (_: Context, { headers }: OutgoingResponse): Fields => headers.asImmutable(),
  },
  "[method]outgoing-response.body": {
    docs: "The body, once; a response whose body is never taken has none.",
    run: (_: Context, response: OutgoingResponse): OutgoingBody => response.body(),
  },
  "[resource-drop]outgoing-response": drop("Forgets it."),
} satisfies Wasi02Rows;

const bodyRows = {
  "[method]incoming-body.stream": {
    docs: "Its bytes, once.",
    run: (_: Context, body: IncomingBody): InputStream => body.stream(),
  },
  "[static]incoming-body.finish": {
    docs: "Drops what is left of it, for the trailers.",
    run: (_: Context, body: IncomingBody): FutureTrailers => body.finish(),
  },
  "[resource-drop]incoming-body": drop("Ends the exchange where it was not read to its end."),
  "[method]future-trailers.subscribe": {
    docs: "Ready once the body is over.",
    run: (_: Context, future: FutureTrailers): Pollable => future.subscribe(),
  },
  "[method]future-trailers.get": {
    docs: "The trailers, once, nothing while the body comes in.",
    mayWait: true,
    run: (_: Context, future: FutureTrailers): unknown => future.get(),
  },
  "[resource-drop]future-trailers": drop("Forgets it."),
  "[method]outgoing-body.write": {
    docs: "Where its bytes are written, once: no faster than they are sent.",
    run: (_: Context, body: OutgoingBody): OutputStream => body.write(),
  },
  "[static]outgoing-body.finish": {
    docs: "Says that it is whole; one that is not as long as its headers say is an error, and breaks the message off.",
    run: (_: Context, body: OutgoingBody, trailers: Fields | undefined): void => body.finish(trailers),
  },
  "[resource-drop]outgoing-body": drop("Breaks the message off, where it was not finished."),
  "[method]future-incoming-response.subscribe": {
    docs: "Ready once the response, or a failure, is there.",
    run: (_: Context, future: FutureIncomingResponse): Pollable => future.subscribe(),
  },
  "[method]future-incoming-response.get": {
    docs: "The response or the failure, once, nothing while it is on its way.",
    mayWait: true,
    run: (_: Context, future: FutureIncomingResponse): unknown => future.get(),
  },
  "[resource-drop]future-incoming-response": drop("Ends an exchange whose response was not taken."),
} satisfies Wasi02Rows;

/** The interfaces of `wasi:http` that components import. */
export const httpInterfaces: Readonly<Record<string, Wasi02Interface>> = {
  "wasi:http/types": {
    errorOf: ({ message }) => ({ tag: "internal-error", val: message }),
    rows: {
      "http-error-code": {
        docs: "What a stream of a body failed with.",
        run: (_: Context, { cause }: IoError): HttpErrorCode | undefined =>
          cause instanceof HttpFailure ? cause.code : undefined,
      },
      ...fieldsRows,
      ...incomingRequestRows,
      ...outgoingRequestRows,
      ...optionRows,
      ...outparamRows,
      ...responseRows,
      ...bodyRows,
    },
  },
  "wasi:http/outgoing-handler": {
    errorOf: ({ message }) => ({ tag: "internal-error", val: message }),
    rows: {
      handle: {
        docs: "Sends a request, where a grant covers its target; redirects are the guest's own business.",
        run: (
          context: Context,
          request: OutgoingRequest,
          options: RequestOptions | undefined,
        ): FutureIncomingResponse => handleOutgoing(context, request, options),
      },
    },
  },
};
