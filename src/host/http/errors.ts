import { HostError } from "../../base/index.ts";

/** How large a field of a header or trailer section was. */
export interface FieldSize {
  readonly fieldName?: string | undefined;
  readonly fieldSize?: number | undefined;
}

/** Names of failures that carry nothing (`wasi:http/types`, `error-code`). */
type PlainFailure =
  | "DNS-timeout"
  | "destination-not-found"
  | "destination-unavailable"
  | "destination-IP-prohibited"
  | "destination-IP-unroutable"
  | "connection-refused"
  | "connection-terminated"
  | "connection-timeout"
  | "connection-read-timeout"
  | "connection-write-timeout"
  | "connection-limit-reached"
  | "TLS-protocol-error"
  | "TLS-certificate-error"
  | "HTTP-request-denied"
  | "HTTP-request-length-required"
  | "HTTP-request-method-invalid"
  | "HTTP-request-URI-invalid"
  | "HTTP-request-URI-too-long"
  | "HTTP-response-incomplete"
  | "HTTP-response-timeout"
  | "HTTP-upgrade-failed"
  | "HTTP-protocol-error"
  | "loop-detected"
  | "configuration-error";

/** A failure of HTTP as data, in the words of `wasi:http/types` (`error-code`). */
export type HttpErrorCode =
  | { readonly tag: PlainFailure }
  | {
      readonly tag: "DNS-error";
      readonly val: { readonly rcode?: string | undefined; readonly infoCode?: number | undefined };
    }
  | {
      readonly tag: "TLS-alert-received";
      readonly val: { readonly alertId?: number | undefined; readonly alertMessage?: string | undefined };
    }
  | { readonly tag: "HTTP-request-body-size" | "HTTP-response-body-size"; readonly val?: bigint | undefined }
  | {
      readonly tag:
        | "HTTP-request-header-section-size"
        | "HTTP-request-trailer-section-size"
        | "HTTP-response-header-section-size"
        | "HTTP-response-trailer-section-size";
      readonly val?: number | undefined;
    }
  | { readonly tag: "HTTP-request-header-size"; readonly val?: FieldSize | undefined }
  | {
      readonly tag: "HTTP-request-trailer-size" | "HTTP-response-header-size" | "HTTP-response-trailer-size";
      readonly val: FieldSize;
    }
  | {
      readonly tag: "HTTP-response-transfer-coding" | "HTTP-response-content-coding" | "internal-error";
      readonly val?: string | undefined;
    };

/** A failure of HTTP that a guest is told. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, options?: ErrorOptions) {
    super(code.tag, options);
    this.code = code;
  }
}

/** A failure that carries nothing. */
export function plainFailure(tag: PlainFailure): HttpFailure {
  return new HttpFailure({ tag });
}

/** When something failed: while connecting, before the response, or in its body. */
export type HttpStage = "connect" | "request" | "body";

const ofHost: Readonly<Partial<Record<HostError["errno"], HttpErrorCode>>> = {
  acces: { tag: "HTTP-request-denied" },
  ainoname: { tag: "DNS-error", val: { rcode: "NXDOMAIN" } },
  noent: { tag: "DNS-error", val: { rcode: "NXDOMAIN" } },
  ainodata: { tag: "DNS-error", val: { rcode: "NODATA" } },
  aiagain: { tag: "DNS-error", val: { rcode: "SERVFAIL" } },
  aifail: { tag: "DNS-error", val: {} },
  mfile: { tag: "connection-limit-reached" },
  nfile: { tag: "connection-limit-reached" },
  connrefused: { tag: "connection-refused" },
  timedout: { tag: "connection-timeout" },
  hostunreach: { tag: "destination-IP-unroutable" },
  netunreach: { tag: "destination-IP-unroutable" },
  addrnotavail: { tag: "destination-unavailable" },
  netdown: { tag: "destination-unavailable" },
  connreset: { tag: "connection-terminated" },
  connaborted: { tag: "connection-terminated" },
  pipe: { tag: "connection-terminated" },
  badf: { tag: "connection-terminated" },
};

/** Beginnings of Node's names for errors of TLS: a certificate that was not believed. */
const certificate =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT|INVALID_|PATH_LENGTH|HOSTNAME_|ERROR_IN_)/;

/** What any failure of an exchange is told as: the one place where failures get their names. */
export function httpFailureOf(error: unknown, stage: HttpStage): HttpFailure {
  const known = knownCause(error);
  if (known instanceof HttpFailure) return known;
  return new HttpFailure(codeOf(known, stage), { cause: error });
}

function knownCause(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof HttpFailure || at instanceof HostError) return at;
  return error;
}

function codeOf(error: unknown, stage: HttpStage): HttpErrorCode {
  const isBody = stage === "body";
  if (error instanceof HostError) {
    const code = ofHost[error.errno] ?? { tag: "internal-error", val: error.message };
    return isBody && code.tag === "connection-terminated" ? { tag: "HTTP-response-incomplete" } : code;
  }
  if (!(error instanceof Error)) return { tag: "internal-error", val: String(error) };
  const name = "code" in error && typeof error.code === "string" ? error.code : "";
  if (name === "ECONNRESET") return { tag: isBody ? "HTTP-response-incomplete" : "connection-terminated" };
  if (name === "EPIPE" || name === "ERR_STREAM_PREMATURE_CLOSE" || name === "ERR_STREAM_DESTROYED")
    return { tag: isBody ? "HTTP-response-incomplete" : "connection-terminated" };
  if (name === "HPE_HEADER_OVERFLOW")
    return { tag: isBody ? "HTTP-response-trailer-section-size" : "HTTP-response-header-section-size" };
  if (name === "HPE_INVALID_TRANSFER_ENCODING") return { tag: "HTTP-response-transfer-coding" };
  if (name.startsWith("HPE_")) return { tag: "HTTP-protocol-error" };
  return tlsCode(name, error) ?? { tag: "internal-error", val: error.message };
}

function tlsCode(name: string, error: Error): HttpErrorCode | undefined {
  if (certificate.test(name)) return { tag: "TLS-certificate-error" };
  const alert = /^ERR_SSL_(?:TLS|SSL)V?\d*_ALERT_(.+)$/.exec(name)?.[1];
  if (alert !== undefined) {
    const number = /alert number (\d+)/i.exec(error.message)?.[1];
    const alertId = number === undefined ? undefined : Number(number);
    return { tag: "TLS-alert-received", val: { alertId, alertMessage: alert.toLowerCase().replaceAll("_", " ") } };
  }
  return /^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(name) ? { tag: "TLS-protocol-error" } : undefined;
}
