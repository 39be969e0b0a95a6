import type { HttpField } from "../../engine/index.ts";

/** Fields of one connection, not of the message (RFC 9110, section 7.6.1), and those that frame it. */
const ofConnection = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** What a client cannot have dropped by naming it: it frames the message, says whose it is, or was put there by this server. */
const kept = new Set(["content-length", "forwarded", "host", "x-real-ip", "x-request-id"]);

/** A field's value as text, a character for each byte. */
export function valueText(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
}

/** What of a message is passed on: neither a connection's own fields nor those that its Connection field names. */
export function endToEnd(fields: readonly HttpField[]): readonly HttpField[] {
  let named: Set<string> | undefined;
  for (const [name, value] of fields) {
    if (name !== "connection") continue;
    named ??= new Set();
    for (const each of valueText(value).split(",")) {
      const lower = each.trim().toLowerCase();
      if (!kept.has(lower) && !lower.startsWith("x-forwarded-")) named.add(lower);
    }
  }
  return fields.filter(([name]) => !ofConnection.has(name) && named?.has(name) !== true);
}
