import type { IncomingMessage, ServerResponse } from "node:http";

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Writes a line for each answer once it is out, in nginx's combined format. */
export function logAccess(
  {
    request,
    response,
    remote,
  }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly remote: string },
  log: (line: string) => void,
): void {
  const { method = "", url = "", httpVersion, headers } = request;
  const sent = countBody(response, method);
  response.once("close", () => {
    const line = `${escaped(method)} ${escaped(url)} HTTP/${httpVersion}`;
    const referer = escaped(headers.referer ?? "-");
    const agent = escaped(headers["user-agent"] ?? "-");
    const { statusCode } = response;
    log(`${remote} - - [${stamp(new Date())}] "${line}" ${statusCode} ${sent()} "${referer}" "${agent}"`);
  });
}

function countBody(response: ServerResponse, method: string): () => number {
  let count = 0;
  const add = (chunk: unknown): void => {
    if (typeof chunk === "string") count += Buffer.byteLength(chunk);
    else if (chunk instanceof Uint8Array) count += chunk.length;
  };
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  response.write = ((...args: Parameters<typeof write>) => {
    add(args[0]);
    return write(...args);
  }) as typeof write;
  response.end = ((...args: Parameters<typeof end>) => {
    add(args[0]);
    return end(...args);
  }) as typeof end;
  return () => (method === "HEAD" ? 0 : count);
}

/** `21/Nov/2026:17:03:22 +0000` */
function stamp(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(time.getUTCDate())}/${months[time.getUTCMonth()] ?? ""}/${time.getUTCFullYear()}`;
  return `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

function escaped(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they would end the line, or colour it
  return text.replace(/[\x00-\x1f"\\\x7f-\uffff]/g, (each) => {
    return [...Buffer.from(each)].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  });
}
