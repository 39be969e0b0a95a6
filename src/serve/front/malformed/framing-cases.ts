import {
  chunked,
  get,
  last,
  type MalformedCase,
  message,
  post,
  refused,
  refusedBehindGood,
  type Texts,
} from "./malformed-case.ts";

const smuggled = get("/smuggled");

/** Texts for values, named after them. */
function each(values: readonly string[], what: string, textOf: (value: string) => string): Texts {
  return Object.fromEntries(values.map((value) => [`${what} ${JSON.stringify(value)}`, textOf(value)]));
}

const lengths = [
  "-1",
  "+1",
  "0x1",
  "1 1",
  "1,1",
  "1, 2",
  "1;",
  "1.0",
  "1e1",
  "one",
  "",
  "''",
  '"1"',
  "1\x0b",
  "\x0c1",
  "\xd9\xa3",
  "99999999999999999999999",
  "18446744073709551617",
  "9007199254740993",
  "-0",
  "1_0",
  "0b1",
  "1\t1",
];

/** Transfer-Encoding as no server may read it otherwise than its neighbour. */
const codings = [
  "chunked, identity",
  "chunked, chunked",
  "chunked,",
  "chunked\x0b",
  "chunked\x0c",
  "\x0bchunked",
  "",
  "chunked, cow",
  "chunked\x7f",
  "chunked\0",
];

/** Codings that no parser takes for chunks. */
const otherCodings = [
  "identity",
  "gzip",
  "identity, chunked",
  "gzip, chunked",
  "chunked;q=1",
  "xchunked",
  "chunkedx",
  ",chunked",
  '"chunked"',
  "'chunked'",
  "chunked chunked",
  "chunk ed",
  "x chunked",
  "chunked\xa0",
  "cow",
  "\xc5\xbfhunked",
  "deflate, chunked",
  "trailers",
  "br",
];

const conflicting: readonly (readonly [string, readonly string[], string])[] = [
  ["CL.TE", ["Content-Length: 6", "Transfer-Encoding: chunked"], "0\r\n\r\nG"],
  [
    "CL.TE, a request in the length",
    [`Content-Length: ${5 + smuggled.length}`, "Transfer-Encoding: chunked"],
    `0\r\n\r\n${smuggled}`,
  ],
  [
    "TE.CL",
    ["Transfer-Encoding: chunked", "Content-Length: 4"],
    `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  ],
  ["CL.0 and TE", ["Content-Length: 0", "Transfer-Encoding: chunked"], "0\r\n\r\n"],
  ["TE.TE, the second unknown", ["Transfer-Encoding: chunked", "Transfer-Encoding: cow"], "0\r\n\r\n"],
  ["TE.TE, the first unknown", ["Transfer-Encoding: cow", "Transfer-Encoding: chunked"], "0\r\n\r\n"],
  ["TE.TE, twice the same", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"],
  ["TE.TE, other letters", ["Transfer-Encoding: chunked", "transfer-ENCODING: identity"], "0\r\n\r\n"],
  ["TE.TE, the second empty", ["Transfer-Encoding: chunked", "Transfer-Encoding:"], "0\r\n\r\n"],
  ["CL.CL", ["Content-Length: 0", `Content-Length: ${smuggled.length}`], smuggled],
  ["CL.CL, the longer first", [`Content-Length: ${smuggled.length}`, "Content-Length: 0"], smuggled],
  ["CL.CL, twice the same", ["Content-Length: 1", "Content-Length: 1"], "x"],
  ["CL.CL, other letters", ["Content-Length: 1", "content-length: 2"], "xx"],
  ["CL.CL, written otherwise", ["Content-Length: 1", "Content-Length: 01"], "x"],
];

/** Names that some take for those of framing. */
const names = [
  "Transfer-Encoding ",
  " Transfer-Encoding",
  "\tTransfer-Encoding",
  "Transfer Encoding",
  "Transfer-Encoding\t",
  "Transfer-Encoding\x0b",
  "Transfer-Encoding\0",
  "Transfer-Encoding\x7f",
  "\x00Transfer-Encoding",
  "Transfer-Encod\xefng",
  "(Transfer-Encoding)",
  "Transfer-Encoding\r",
];

const badChunks: Texts = {
  "a size that is negative": "-1\r\nx\r\n0\r\n\r\n",
  "a size with a plus": "+1\r\nx\r\n0\r\n\r\n",
  "a size with 0x": "0x1\r\nx\r\n0\r\n\r\n",
  "a size with a blank in front": " 1\r\nx\r\n0\r\n\r\n",
  "a size with a tab in front": "\t1\r\nx\r\n0\r\n\r\n",
  "a size with a blank behind": "1 \r\nx\r\n0\r\n\r\n",
  "a size with a tab behind": "1\t\r\nx\r\n0\r\n\r\n",
  "a size that is empty": "\r\nx\r\n0\r\n\r\n",
  "a size that is a word": "one\r\nx\r\n0\r\n\r\n",
  "a size with a letter behind": "1g\r\nx\r\n0\r\n\r\n",
  "a size with an underscore": "1_0\r\nx\r\n0\r\n\r\n",
  "a size with a point": "1.0\r\nx\r\n0\r\n\r\n",
  "a size with a NUL": "1\0\r\nx\r\n0\r\n\r\n",
  "a size of seventeen digits": "10000000000000001\r\nx\r\n0\r\n\r\n",
  "a size beyond 64 bits": `${"f".repeat(17)}\r\nx\r\n0\r\n\r\n`,
  "a size of many digits": `${"f".repeat(300)}\r\nx\r\n0\r\n\r\n`,
  "a size that ends in LF": "1\nx\r\n0\r\n\r\n",
  "a size that ends in CR": "1\rx\r\n0\r\n\r\n",
  "a size that ends in CR CR LF": "1\r\r\nx\r\n0\r\n\r\n",
  "data longer than the size": "1\r\nxy\r\n0\r\n\r\n",
  "data shorter than the size": "3\r\nx\r\n0\r\n\r\n0\r\n\r\n",
  "data without its end": "1\r\nx0\r\n\r\n",
  "data that ends in LF": "1\r\nx\n0\r\n\r\n",
  "data that ends in CR": "1\r\nx\r0\r\n\r\n",
  "an extension with a NUL": "1;a\0\r\nx\r\n0\r\n\r\n",
  "an extension with LF": "1;a\nx\r\n0\r\n\r\n",
  "an extension with CR": "1;a\rb\r\nx\r\n0\r\n\r\n",
  "an extension with a line in quotes": '1;a="\r\nx\r\n0\r\n\r\n"\r\nx\r\n0\r\n\r\n',
  "an extension with a line feed in quotes": '1;a="\nx"\r\nx\r\n0\r\n\r\n',
  "an extension with DEL": "1;a\x7f\r\nx\r\n0\r\n\r\n",
  "a blank behind which no extension follows": "1 x\r\nx\r\n0\r\n\r\n",
  "a last chunk that ends in LF": "1\r\nx\r\n0\n\n",
  "a last chunk that ends in CR": "1\r\nx\r\n0\r\r",
  "a last chunk behind which a request stands": `1\r\nx\r\n0\r\n${smuggled}`,
  "a last chunk with data": "1\r\nx\r\n0\r\nx\r\n\r\n",
  "an empty line for the last chunk": "1\r\nx\r\n\r\n",
  "trailers that are folded": "0\r\nX-A: 1\r\n b\r\n\r\n",
  "trailers with a NUL": "0\r\nX-A: \0\r\n\r\n",
  "trailers with LF": "0\r\nX-A: 1\nX-B: 2\r\n\r\n",
  "trailers with a blank before the colon": "0\r\nX-A : 1\r\n\r\n",
  "trailers that are framing, a length": "1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n",
  "trailers that are framing, a coding": "1\r\nx\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
  "trailers without a colon": "0\r\nX-A\r\n\r\n",
  "trailers with an empty name": "0\r\n: 1\r\n\r\n",
};

/** Where a body ends: in doubt, nobody may go on with what follows. */
export const framingCases: readonly MalformedCase[] = [
  ...refused(400, Object.fromEntries(conflicting.map(([name, fields, body]) => [name, post(fields, body)]))),
  ...refused(
    400,
    each(lengths, "Content-Length", (value) => post([`Content-Length: ${value}`], "x")),
  ),
  ...refused(
    400,
    each(codings, "Transfer-Encoding", (value) => post([`Transfer-Encoding: ${value}`], "1\r\nx\r\n0\r\n\r\n")),
  ),
  ...refused(
    501,
    each(otherCodings, "Transfer-Encoding", (value) => post([`Transfer-Encoding: ${value}`], "1\r\nx\r\n0\r\n\r\n")),
  ),
  ...refused(
    400,
    each(names, "the name", (name) => post([`${name}: chunked`], "1\r\nx\r\n0\r\n\r\n")),
  ),
  ...refused(
    400,
    each(names, "beside a length, the name", (name) => post(["Content-Length: 3", `${name}: chunked`], "0\r\n")),
  ),
  ...refused(
    400,
    Object.fromEntries(Object.entries(badChunks).map(([name, body]) => [`chunks: ${name}`, chunked(body)])),
  ),
  ...refused(400, {
    "a folded Transfer-Encoding": post(["Transfer-Encoding:\r\n chunked"], "0\r\n\r\n"),
    "a folded Content-Length": post(["Content-Length:\r\n 1"], "x"),
    "Transfer-Encoding in HTTP/1.0": `${message("POST /case HTTP/1.0", "Host: a", "Transfer-Encoding: chunked")}0\r\n\r\n`,
    "a Content-Length behind a lone LF": post(["X-A: b\nContent-Length: 1"], "x"),
    "a Transfer-Encoding behind a lone CR": post(["X-A: b\rTransfer-Encoding: chunked"], "0\r\n\r\n"),
  }),
  ...refusedBehindGood(400, {
    "CL.TE": post(["Content-Length: 6", "Transfer-Encoding: chunked"], "0\r\n\r\nG"),
    "a length that is negative": post(["Content-Length: -1"], ""),
    "chunks with a wrong size": chunked("zz\r\n\r\n"),
  }),
  ...last({
    "Connection: close": get("/last", "Connection: close"),
    "Connection: CLOSE": get("/last", "Connection: CLOSE"),
    "Connection: x, close": get("/last", "Connection: x, close"),
    "two Connection fields": get("/last", "Connection: x", "Connection: close"),
    "HTTP/1.0": message("GET /last HTTP/1.0", "Host: a"),
    "HTTP/1.0 and close": message("GET /last HTTP/1.0", "Host: a", "Connection: close"),
    "HTTP/1.1 with a body": get("/last", "Connection: close", "Content-Length: 0"),
  }),
];
