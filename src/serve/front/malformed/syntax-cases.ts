import { get, type MalformedCase, message, post, refused, refusedBehindGood, type Texts } from "./malformed-case.ts";

/** Bytes that a field's name may not have (RFC 9110, section 5.6.2). */
const notInNames = [
  "\0",
  "\x01",
  "\x08",
  "\t",
  "\x0b",
  "\x1f",
  " ",
  '"',
  "(",
  ",",
  "/",
  ";",
  "<",
  "=",
  "@",
  "[",
  "\\",
  "{",
  "\x7f",
  "\x80",
  "\xff",
];
/** Bytes that a field's value may not have (RFC 9110, section 5.5). */
const notInValues = ["\0", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x0e", "\x1b", "\x1f", "\x7f"];
/** Bytes that end no method. */
const notInMethods = ["\0", "\t", "\x7f", "(", "/", "\xc3", "@", '"'];

function around(bytes: readonly string[], what: string, textOf: (byte: string) => string): Texts {
  return Object.fromEntries(
    bytes.map((byte) => [`${what} with the byte ${byte.charCodeAt(0).toString(16).padStart(2, "0")}`, textOf(byte)]),
  );
}

/** Heads that no grammar has. */
export const syntaxCases: readonly MalformedCase[] = [
  ...refused(
    400,
    around(notInNames, "a name", (byte) => get("/", `X-A${byte}B: 1`)),
  ),
  ...refused(
    400,
    around(notInValues, "a value", (byte) => get("/", `X-A: 1${byte}2`)),
  ),
  ...refused(
    400,
    around(notInMethods, "a method", (byte) => message(`G${byte}T / HTTP/1.1`, "Host: a")),
  ),
  ...refused(400, {
    "a field without a colon": get("/", "X-A"),
    "a field without a name": get("/", ": 1"),
    "a blank before the colon": get("/", "X-A : 1"),
    "a tab before the colon": get("/", "X-A\t: 1"),
    "a first field that is folded": message("GET / HTTP/1.1", " Host: a"),
    "a folded field": get("/", "X-A: 1", " X-B: 2"),
    "a folded field, by a tab": get("/", "X-A: 1", "\tX-B: 2"),
    "a folded field, empty": get("/", "X-A: 1", " "),
    "a folded Host field": message("GET / HTTP/1.1", "Host:", " a"),
    "a lone LF at the end of a field": "GET / HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n",
    "a lone LF at the end of the line": "GET / HTTP/1.1\nHost: a\r\n\r\n",
    "LF alone everywhere": "GET / HTTP/1.1\nHost: a\n\n",
    "LF alone at the end of the head": "GET / HTTP/1.1\r\nHost: a\r\n\n",
    "a lone CR in a value": get("/", "X-A: 1\rX-B: 2"),
    "a lone CR at the end of a field": "GET / HTTP/1.1\r\nHost: a\rX-A: 1\r\n\r\n",
    "a lone CR at the end of the line": "GET / HTTP/1.1\rHost: a\r\n\r\n",
    "CR CR LF": "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "a NUL for the end of a field": "GET / HTTP/1.1\r\nHost: a\0\nX-A: 1\r\n\r\n",
    "no method": message(" / HTTP/1.1", "Host: a"),
    "a method in small letters": message("get / HTTP/1.1", "Host: a"),
    "a method that nobody knows": message("GETT / HTTP/1.1", "Host: a"),
    "a method with a blank in front": message(" GET / HTTP/1.1", "Host: a"),
    "a method behind a mark of UTF-8": message("\xef\xbb\xbfGET / HTTP/1.1", "Host: a"),
    "a tab behind the method": message("GET\t/ HTTP/1.1", "Host: a"),
    "a tab behind the target": message("GET /\tHTTP/1.1", "Host: a"),
    "a blank behind the version": message("GET / HTTP/1.1 ", "Host: a"),
    "words behind the version": message("GET / HTTP/1.1 x", "Host: a"),
    "no target": message("GET HTTP/1.1", "Host: a"),
    "HTTP in small letters": message("GET / http/1.1", "Host: a"),
    "another protocol": message("GET / HTP/1.1", "Host: a"),
    "HTTP/1.2": message("GET / HTTP/1.2", "Host: a"),
    "HTTP/3.0": message("GET / HTTP/3.0", "Host: a"),
    "HTTP/9.9": message("GET / HTTP/9.9", "Host: a"),
    "HTTP/0.0": message("GET / HTTP/0.0", "Host: a"),
    "a version without a point": message("GET / HTTP/11", "Host: a"),
    "a version of two digits": message("GET / HTTP/1.10", "Host: a"),
    "a version with a blank": message("GET / HTTP/1. 1", "Host: a"),
    "a version that is negative": message("GET / HTTP/-1.1", "Host: a"),
    "a version of a letter": message("GET / HTTP/1.x", "Host: a"),
    "a version with a comma": message("GET / HTTP/1,1", "Host: a"),
    "an answer": message("HTTP/1.1 200 OK", "Host: a"),
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a hello of TLS": `\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03${"\x5a".repeat(32)}\x20\x00\r\n\r\n`,
    "a hello of SSL 2": "\x80\x2e\x01\x00\x02\x00\x15\r\n\r\n",
    "the greeting of SSH": "SSH-2.0-x\r\n\r\n",
    "the greeting of SMTP": "EHLO a\r\n\r\n",
    "a line of PROXY": `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${get("/")}`,
    "only NULs": "\0\0\0\0\r\n\r\n",
    "only words": "nonsense\r\n\r\n",
    "UTF-16": `${"GET / HTTP/1.1\r\nHost: a".split("").join("\0")}\0\r\n\r\n`,
    JSON: '{"method":"GET"}\r\n\r\n',
  }),
  ...refused(505, {
    "HTTP/0.9 with a version": message("GET / HTTP/0.9", "Host: a"),
    "HTTP/2.0": message("GET / HTTP/2.0", "Host: a"),
    "HTTP/0.9 without a version": "GET /\r\n\r\n",
  }),
  ...refused(417, {
    "Expect of another thing": post(["Expect: more", "Content-Length: 1"], "x"),
    "Expect of nothing": post(["Expect:", "Content-Length: 1"], "x"),
    "Expect of 100-continue and more": post(["Expect: 100-continue, more", "Content-Length: 1"], "x"),
    "Expect with a parameter": post(["Expect: 100-continue; q=1", "Content-Length: 1"], "x"),
    "Expect of 200-ok": get("/", "Expect: 200-ok"),
  }),
  ...refused(501, { TRACE: message("TRACE / HTTP/1.1", "Host: a") }),
  ...refused(405, {
    CONNECT: message("CONNECT a:80 HTTP/1.1", "Host: a:80"),
    "CONNECT of a path": message("CONNECT / HTTP/1.1", "Host: a"),
  }),
  ...refusedBehindGood(400, {
    "only NULs": "\0\0\0\0\r\n\r\n",
    words: "nonsense\r\n\r\n",
    "a folded field": get("/", "X-A: 1", " X-B: 2"),
    "a NUL in a value": get("/", "X-A: \0"),
    "LF alone": "GET / HTTP/1.1\nHost: a\n\n",
    "an answer": message("HTTP/1.1 200 OK", "Host: a"),
    "a hello of TLS": "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
    "no Host field": message("GET / HTTP/1.1"),
  }),
];
