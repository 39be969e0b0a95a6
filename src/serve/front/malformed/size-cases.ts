import {
  chunked,
  cutShort,
  get,
  type MalformedCase,
  message,
  post,
  refused,
  refusedBehindGood,
  smallLimits,
} from "./malformed-case.ts";

const { maxHeaderBytes, maxHeaders, maxBody } = smallLimits;
const long = (length: number): string => "x".repeat(length);
const fields = (count: number, of: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => of(index));

/** Messages that are too large, and such as are not whole. */
export const sizeCases: readonly MalformedCase[] = [
  ...refused(431, {
    "a target that is too long": get(`/${long(maxHeaderBytes)}`),
    "a query that is too long": get(`/?${long(maxHeaderBytes)}`),
    "a field that is too long": get("/", `X-A: ${long(maxHeaderBytes)}`),
    "a name that is too long": get("/", `${long(maxHeaderBytes)}: 1`),
    "fields that are too long together": get("/", ...fields(20, (index) => `X-${index}: ${long(maxHeaderBytes / 20)}`)),
    "too many fields": get("/", ...fields(maxHeaders, (index) => `X-${index}: 1`)),
    "too many fields that are empty": get("/", ...fields(maxHeaders + 100, () => "X:")),
    "a Host field that is too long": message("GET / HTTP/1.1", `Host: ${long(maxHeaderBytes)}`),
    "trailers that are too long": chunked(`1\r\nx\r\n0\r\nX-A: ${long(maxHeaderBytes)}\r\n\r\n`),
  }),
  ...refused(413, {
    "a length that is one too many": post([`Content-Length: ${maxBody + 1}`], long(maxBody + 1)),
    "a length of a terabyte": post(["Content-Length: 1000000000000"], "x"),
    "a length that is large, with Expect": post([`Content-Length: ${maxBody + 1}`, "Expect: 100-continue"], ""),
    "a chunk that is too large": chunked(`${(maxBody + 1).toString(16)}\r\n${long(maxBody + 1)}\r\n0\r\n\r\n`),
    "chunks that are too large together": chunked(`${`64\r\n${long(100)}\r\n`.repeat(maxBody / 100 + 1)}0\r\n\r\n`),
    "an extension that is too long": chunked(`1;${long(20_000)}\r\nx\r\n0\r\n\r\n`),
  }),
  ...refusedBehindGood(431, { "a field that is too long": get("/", `X-A: ${long(maxHeaderBytes)}`) }),
  ...refusedBehindGood(413, { "a length that is too many": post([`Content-Length: ${maxBody + 1}`], "x") }),
  ...cutShort("a head", message("GET / HTTP/1.1", "Host: a", "X-A: 1")),
  ...cutShort("a body of a length", post(["Content-Length: 5"], "hello")),
  ...cutShort("a body in chunks", chunked("5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n")),
];
