/** How much a connection wants of TLS: `prefer` where the server has it, `require` and what is stricter always. */
export type TlsMode = "disable" | "prefer" | "require";

/** Where a database is and who asks, as an address says it. */
export interface PostgresAddress {
  /** A name or an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** How long connecting may take, in ms. */
  readonly timeout: number;
  /** Parameters of the startup message. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** An address that cannot be read; the message says why. */
export class AddressProblem extends Error {
  override readonly name = "AddressProblem";
}

const defaultPort = 5432;
/** How long connecting may take where nothing is said, and at most, in ms. */
const defaultTimeout = 30_000;

/** Settings that an address may have, and the parameter of the startup message that they are, if any. */
const settings = new Map<string, string | undefined>([
  ["host", undefined],
  ["hostaddr", undefined],
  ["port", undefined],
  ["user", undefined],
  ["password", undefined],
  ["dbname", undefined],
  ["sslmode", undefined],
  ["connect_timeout", undefined],
  ["application_name", "application_name"],
  ["options", "options"],
]);

/** Known ones that are for others' side of things, and change nothing here. */
const ignored: ReadonlySet<string> = new Set([
  "channel_binding",
  "client_encoding",
  "fallback_application_name",
  "gssencmode",
  "keepalives",
  "keepalives_idle",
  "keepalives_interval",
  "keepalives_retries",
  "keepalives_count",
  "load_balance_hosts",
  "sslnegotiation",
  "target_session_attrs",
  "tcp_user_timeout",
]);

/**
 * Reads `postgres://user:password@host:port/database?key=value` or `host=… user=…` (PostgreSQL's documentation, Connection
 * Strings). Nothing is taken from Sampan's own surroundings: the user has to be named.
 *
 * @throws AddressProblem
 */
export function parseAddressOf(text: string): PostgresAddress {
  if (text.includes("\0")) throw new AddressProblem("it has a NUL");
  const values = /^postgres(ql)?:\/\//.test(text) ? readUrl(text) : readPairs(text);
  for (const key of values.keys())
    if (!settings.has(key) && !ignored.has(key)) throw new AddressProblem(`nothing is called "${key}" in an address`);
  const value = (key: string): string => values.get(key) ?? "";
  // Where both are given, the address is where it is, and the name what certificates are for: one place is enough here.
  const host = value("host") || value("hostaddr");
  const user = value("user");
  if (host === "") throw new AddressProblem("it names no host");
  if (host.includes(",")) throw new AddressProblem("it names more than one host");
  if (user === "") throw new AddressProblem("it names no user");
  const parameters: Record<string, string> = {};
  for (const [key, name] of settings) if (name !== undefined && value(key) !== "") parameters[name] = value(key);
  return {
    host,
    port: portOf(value("port")),
    user,
    password: value("password"),
    database: value("dbname") || user,
    tls: tlsOf(value("sslmode")),
    timeout: timeoutOf(value("connect_timeout")),
    parameters,
  };
}

function portOf(text: string): number {
  if (text === "") return defaultPort;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new AddressProblem(`"${text}" is no port`);
  return port;
}

function tlsOf(mode: string): TlsMode {
  switch (mode) {
    case "":
    case "allow":
    case "prefer":
      return "prefer";
    case "disable":
      return "disable";
    case "require":
    case "verify-ca":
    case "verify-full":
      return "require";
    default:
      throw new AddressProblem(`"${mode}" is no sslmode`);
  }
}

function timeoutOf(text: string): number {
  if (text === "" || text === "0") return defaultTimeout;
  if (!/^\d{1,6}$/.test(text)) throw new AddressProblem(`"${text}" is no number of seconds`);
  return Math.min(defaultTimeout, Number(text) * 1000);
}

function readUrl(text: string): Map<string, string> {
  const match = /^[^:]+:\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?(?:\/([^?#]*))?(?:\?(.*))?$/s.exec(
    text,
  );
  if (match === null) throw new AddressProblem("it is no URL of a database");
  const [, who = "", host = "", port = "", database = "", query = ""] = match;
  const at = who.indexOf(":");
  const pairs: [string, string][] = [
    ["user", decoded(at < 0 ? who : who.slice(0, at))],
    ["password", at < 0 ? "" : decoded(who.slice(at + 1))],
    ["host", decoded(host.replace(/^\[(.*)\]$/s, "$1"))],
    ["port", port],
    ["dbname", decoded(database)],
  ];
  const asked =
    query === ""
      ? []
      : query.split("&").map((each): [string, string] => {
          const equals = each.indexOf("=");
          if (equals < 0) throw new AddressProblem(`"${each}" has no value`);
          return [decoded(each.slice(0, equals)), decoded(each.slice(equals + 1))];
        });
  return new Map([...pairs.filter(([, value]) => value !== ""), ...asked]);
}

function decoded(text: string): string {
  try {
    const value = decodeURIComponent(text);
    if (!value.includes("\0")) return value;
  } catch {
    // Told below.
  }
  throw new AddressProblem(`"${text}" is not percent-encoded as it should be`);
}

/** `key=value` pairs with blanks between them; a value may stand in single quotes, with backslashes before quotes. */
function readPairs(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const pair = /\s*([A-Za-z_]\w*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/suy;
  const end = text.trimEnd().length;
  while (pair.lastIndex < end) {
    const match = pair.exec(text);
    if (match === null) throw new AddressProblem("it is neither a URL nor a list of key=value");
    values.set(match[1] ?? "", (match[2] ?? match[3] ?? "").replaceAll(/\\(.)/gs, "$1"));
  }
  return values;
}
