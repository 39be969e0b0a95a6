import {
  answered,
  chunked,
  get,
  type MalformedCase,
  message,
  post,
  refused,
  seenText,
  type Texts,
} from "./malformed-case.ts";

const hosts = [
  "a b",
  "",
  "a/b",
  "a?b",
  "a#b",
  "u@a",
  "u:p@a",
  "a:b",
  "a:80:80",
  "a:-1",
  "a:+80",
  "a:100000",
  "http://a",
  "a\\b",
  "[::1",
  "::1]",
  "[g::]",
  "a\tb",
  "a\x7f",
  "a\xff",
  "a,b c",
  "<a>",
  '"a"',
  "a|b",
  "a^b",
  "`a`",
  "{a}",
  "[::1]b",
  "a\0",
];

const targets = [
  "case",
  "a.b",
  "a:80",
  "//",
  "\\case",
  "/a\\b",
  "/a#b",
  "#",
  "/\0",
  "/\x01",
  "/\x1f",
  "/\x7f",
  "/a\tb",
  "/\xc3\xa9",
  "/\xff",
  "/\xc0\xaf",
  "/<a>",
  '/"a"',
  "?a",
  "ftp://a/",
  "file:///etc/passwd",
  "javascript:x",
  "http:/a",
  "http:a",
  "http:///",
  "http://",
  "http://?x",
  "http://u@a/",
  "http://a:b/",
  "http://a b/",
  "http://a\\b/",
  "http://b/",
  "http://a:81/",
  "HTTP//a",
  "*",
  "**",
  "/*\\",
  "https:///a",
  "://a",
  "./a",
  "../a",
  "%2Fa",
  "a%00",
];

function each(values: readonly string[], what: string, textOf: (value: string) => string): Texts {
  return Object.fromEntries(values.map((value) => [`${what} ${JSON.stringify(value)}`, textOf(value)]));
}

/** Paths that stay as they are: whoever decodes them does so once, behind the server. */
const kept = [
  "/%2e%2e/x",
  "/..%2fx",
  "/%5cx",
  "/a%00b",
  "/%0d%0aX-A:%201",
  "/%c0%af",
  "/%25%32%65",
  "/a%20b",
  "/a%2",
  "/%zz",
  "/%u002e",
  "/%ff",
  "/a+b%2B",
];

/** Whom a request is for. */
export const targetCases: readonly MalformedCase[] = [
  ...refused(
    400,
    each(hosts, "the Host field", (host) => message("GET /case HTTP/1.1", `Host: ${host}`)),
  ),
  ...refused(
    400,
    each(
      targets.filter((target) => target !== "//"),
      "the target",
      (target) => get(target),
    ),
  ),
  ...refused(400, {
    "no Host field": message("GET /case HTTP/1.1"),
    "two Host fields": get("/case", "Host: b"),
    "two Host fields that are the same": get("/case", "Host: a"),
    "two Host fields, other letters": get("/case", "hOST: b"),
    "a Host field with a blank before its colon": message("GET /case HTTP/1.1", "Host : a"),
    "a Host field behind a lone LF": message("GET /case HTTP/1.1", "X-A: b\nHost: a"),
    "OPTIONS of no path": message("OPTIONS a HTTP/1.1", "Host: a"),
    "a target in two words": message("GET /a b HTTP/1.1", "Host: a"),
  }),
  ...refused(505, { "a target with a line": message("GET /a\r\nX-A: b HTTP/1.1", "Host: a") }),
  ...answered(
    Object.fromEntries(kept.map((path) => [`the path ${path}`, [get(path), seenText("GET", "a", path)] as const])),
  ),
  ...answered({
    "an absolute target with a query and no path": [get("http://a?x=%41"), seenText("GET", "a", "/?x=%41")],
    "an absolute target with a path that is encoded": [get("http://a/%41"), seenText("GET", "a", "/%41")],
    "bytes beyond ASCII in a value": [get("/", "X-A: \xe9\xff"), seenText("GET", "a", "/", "", ["x-a: \xe9\xff"])],
    "two fields of one name": [get("/", "X-A: 1", "X-A: 2"), seenText("GET", "a", "/", "", ["x-a: 1", "x-a: 2"])],
    "chunks with capital digits and an extension": [
      chunked('A;a="0";b\r\n0123456789\r\n0;last\r\nX-A: 1\r\n\r\n'),
      seenText("POST", "a", "/case", "0123456789"),
    ],
    "trailers that name another host": [chunked("1\r\nx\r\n0\r\nHost: b\r\n\r\n"), seenText("POST", "a", "/case", "x")],
    "trailers that look like a request": [
      chunked("1\r\nx\r\n0\r\nGET: /smuggled HTTP/1.1\r\n\r\n"),
      seenText("POST", "a", "/case", "x"),
    ],
    "a chunked body whose coding has capitals": [
      post(["Transfer-Encoding: CHUNKED"], "1\r\nx\r\n0\r\n\r\n"),
      seenText("POST", "a", "/case", "x"),
    ],
    "a request in the body of another": [
      post([`X-Length: 1`, `Content-Length: ${get("/smuggled").length}`, "X-A: \xff"], get("/smuggled")),
      seenText("POST", "a", "/case", get("/smuggled"), ["x-length: 1", "x-a: \xff"]),
    ],
  }),
];

const upgrade = ["Connection: upgrade", "Upgrade: websocket"];

/** Requests for another protocol: nobody speaks one here, so that they are like all others. */
export const upgradeCases: readonly MalformedCase[] = answered({
  "an upgrade": [get("/", ...upgrade), seenText("GET", "a", "/")],
  "an upgrade to HTTP/2": [
    get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    seenText("GET", "a", "/"),
  ],
  "an upgrade with a body of a length": [
    post([...upgrade, "Content-Length: 5"], "hello"),
    seenText("POST", "a", "/case", "hello"),
  ],
  "an upgrade with a body in chunks": [
    chunked("5\r\nhello\r\n0\r\n\r\n", ...upgrade),
    seenText("POST", "a", "/case", "hello"),
  ],
  "an upgrade with a request for its body": [
    post([...upgrade, `Content-Length: ${get("/smuggled").length}`], get("/smuggled")),
    seenText("POST", "a", "/case", get("/smuggled")),
  ],
});

/** Requests that are rare and good. */
export const oddCases: readonly MalformedCase[] = answered({
  "HEAD with a body": [
    message("HEAD /case HTTP/1.1", "Host: a", "Content-Length: 5") + "hello",
    seenText("HEAD", "a", "/case", "hello"),
  ],
  "GET with a body": [
    message("GET /case HTTP/1.1", "Host: a", "Content-Length: 5") + "hello",
    seenText("GET", "a", "/case", "hello"),
  ],
  "empty lines in front of a request": [`\r\n\r\n${get("/")}`, seenText("GET", "a", "/")],
});
