import { type Cidr, cidrContains, parseAddress, parseCidr } from "../../capabilities/index.ts";
import type { HttpField } from "../../engine/index.ts";

/** What a guest is told about a request's way, beside what the client sent. */
export interface Origin {
  /** What the peer said of itself and of those before it is believed. */
  readonly isTrusted: boolean;
  /** The last hop's own fields. */
  readonly forwardedFor: Uint8Array;
  readonly forwarded: Uint8Array;
  /** What a guest is told of a peer that is not trusted, by TLS and without. */
  readonly secure: readonly HttpField[];
  readonly plain: readonly HttpField[];
}

/** Addresses that are remembered with what is said of them. */
const mostKnown = 1024;
const https = Buffer.from("https");
const http = Buffer.from("http");
const protoMark = Buffer.from(";proto=");
const comma = Buffer.from(", ");

/** Names of fields that proxies write, and that anybody could: `x-request-id` has a place of its own. */
function isProxyField(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first === 0x78) return name.startsWith("x-forwarded-") || name === "x-request-id" || name === "x-real-ip";
  return first === 0x66 && name === "forwarded";
}

/** Knows which peers are proxies that are believed. */
export class Peers {
  readonly #trusted: readonly Cidr[];
  readonly #known = new Map<string, Origin>();

  /** `trusted` are addresses and CIDRs; what is none of these trusts nobody. */
  constructor(trusted: readonly string[]) {
    this.#trusted = trusted.flatMap((text) => {
      const cidr = text.includes("/") ? parseCidr(text) : parseCidr(`${text}/${text.includes(":") ? 128 : 32}`);
      return cidr === undefined ? [] : [cidr];
    });
  }

  /** What is said of a peer by its address; a Unix socket has none, and whoever may use it is believed. */
  originOf(address: string): Origin {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    if (this.#known.size >= mostKnown) this.#known.clear();
    const origin = this.#look(address);
    this.#known.set(address, origin);
    return origin;
  }

  #look(address: string): Origin {
    const parsed = parseAddress(address);
    const isTrusted =
      address === "" || (parsed !== undefined && this.#trusted.some((range) => cidrContains(range, parsed)));
    const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
    const node = plain.includes(":") ? `"[${plain}]"` : plain;
    const forwardedFor = Buffer.from(plain, "latin1");
    const forwarded = Buffer.from(address === "" ? "" : `for=${node}`, "latin1");
    const hop = (scheme: Uint8Array): HttpField[] => [
      ["x-forwarded-for", forwardedFor],
      ["x-forwarded-proto", scheme],
      ["forwarded", Buffer.concat([forwarded, protoMark, scheme])],
    ];
    return { isTrusted, forwardedFor, forwarded, secure: hop(https), plain: hop(http) };
  }
}

/** The form of a request's id that is taken over: what fits in a log and a field. */
const idForm = /^[\w.:=+/-]{1,128}$/;

/** A trusted peer's id of a request, where it has the form of one. */
export function requestIdOf(fields: readonly HttpField[]): string | undefined {
  for (const [name, value] of fields) {
    if (name !== "x-request-id") continue;
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
    return idForm.test(text) ? text : undefined;
  }
  return undefined;
}

/** What a request's fields become for a guest. */
export interface ForwardOptions {
  readonly origin: Origin;
  readonly isSecure: boolean;
  /** The field of the request's id. */
  readonly id: HttpField;
}

/**
 * The fields as a guest gets them: what only proxies write (RFC 7239 and its forerunners) comes from trusted peers alone, with
 * this hop behind it, and from here otherwise.
 */
export function forwardedFields(
  fields: readonly HttpField[],
  { origin, isSecure, id }: ForwardOptions,
): readonly HttpField[] {
  const kept: HttpField[] = [];
  if (!origin.isTrusted) {
    for (const field of fields) if (!isProxyField(field[0])) kept.push(field);
    for (const field of isSecure ? origin.secure : origin.plain) kept.push(field);
    kept.push(id);
    return kept;
  }
  let [chain, forwarded]: (Uint8Array | undefined)[] = [];
  let hasProto = false;
  for (const field of fields) {
    const [name, value] = field;
    if (name === "x-request-id") continue;
    else if (name === "x-forwarded-for") chain = joined(chain, value);
    else if (name === "forwarded") forwarded = joined(forwarded, value);
    else {
      if (name === "x-forwarded-proto") hasProto = true;
      kept.push(field);
    }
  }
  const isHop = origin.forwardedFor.length > 0;
  const scheme = isSecure ? https : http;
  const allFor = isHop ? joined(chain, origin.forwardedFor) : chain;
  if (allFor !== undefined) kept.push(["x-forwarded-for", allFor]);
  if (!hasProto) kept.push(["x-forwarded-proto", scheme]);
  const own = isHop ? Buffer.concat([origin.forwarded, protoMark, scheme]) : undefined;
  const all = own === undefined ? forwarded : joined(forwarded, own);
  if (all !== undefined) kept.push(["forwarded", all]);
  kept.push(id);
  return kept;
}

/** Whether a trusted peer says that the client came by TLS; undefined where nobody who is believed says anything. */
export function forwardedScheme(fields: readonly HttpField[]): "http" | "https" | undefined {
  for (const [name, value] of fields) {
    if (name !== "x-forwarded-proto") continue;
    const text = Buffer.from(value).toString("latin1").trim().toLowerCase();
    return text === "https" || text === "http" ? text : undefined;
  }
  return undefined;
}

function joined(before: Uint8Array | undefined, value: Uint8Array): Uint8Array {
  return before === undefined ? value : Buffer.concat([before, comma, value]);
}
